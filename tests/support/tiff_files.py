"""TIFF files written tag by tag, as scanners and cameras write them and Pillow does not."""

import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BITS, PHOTOMETRIC, SAMPLES, LARGEST, FORMAT = 258, 262, 277, 281, 339
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
_SHORT, _LONG = 3, 4
_FORMATS = {"u": UNSIGNED, "i": SIGNED, "f": FLOAT}


def tiff(values: npt.NDArray[np.generic], *, white_is_zero: bool = False, largest: int | None = None) -> bytes:
    """An uncompressed little-endian TIFF of one strip.

    Args:
        values: (height, width) or (height, width, 3), of the type that is to be stored.
        white_is_zero: whether 0 is white, as on fax machines and many scanners.
        largest: what the file says its white is (MaxSampleValue); None where it says nothing.
    """
    height, width = values.shape[:2]
    samples = values.shape[2] if values.ndim == 3 else 1
    data = values.astype(values.dtype.newbyteorder("<")).tobytes()
    photometric = 2 if samples == 3 else int(not white_is_zero)
    tags = {
        256: [width], 257: [height], BITS: [8 * values.dtype.itemsize] * samples, 259: [1], PHOTOMETRIC: [photometric],
        273: [8], SAMPLES: [samples], 278: [height], 279: [len(data)], FORMAT: [_FORMATS[values.dtype.kind]] * samples,
    }  # fmt: skip
    if largest is not None:
        tags[LARGEST] = [largest] * samples
    return _file(data, tags)


def tiff_of_parts(parts: Sequence[bytes], tags: dict[int, list[int]]) -> bytes:
    """A little-endian TIFF whose strips or tiles are `parts`, and whose other tags are `tags`."""
    places, counts = (324, 325) if 322 in tags else (273, 279)
    starts = [8 + sum(map(len, parts[:number])) for number in range(len(parts))]
    return _file(b"".join(parts), {**tags, places: starts, counts: [len(part) for part in parts]})


def _file(data: bytes, tags: dict[int, list[int]]) -> bytes:
    """Header, pixels, values that do not fit into a directory entry, directory."""
    body = data + b"\0" * (len(data) % 2)
    entries = b""
    for number, values in sorted(tags.items()):
        kind = _LONG if number in (256, 257, 273, 279, 324, 325) else _SHORT
        packed = struct.pack(f"<{len(values)}{'I' if kind == _LONG else 'H'}", *values)
        if len(packed) > 4:
            packed, body = struct.pack("<I", 8 + len(body)), body + packed + b"\0" * (len(packed) % 2)
        entries += struct.pack("<HHI", number, kind, len(values)) + packed.ljust(4, b"\0")
    return struct.pack("<2sHI", b"II", 42, 8 + len(body)) + body + struct.pack("<H", len(tags)) + entries + b"\0" * 4
