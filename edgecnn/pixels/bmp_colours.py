"""What a BMP file says of its colours, which Pillow leaves out: a profile in it, or primaries in its header."""

import struct

from PIL import Image

NOTE = "bmp_colours"  # in an image's `info`: what was left out
# Where a file's header begins, and in it the colour space and what belongs to it; Microsoft's BITMAPV5HEADER.
_HEADER, _SPACE, _PRIMARIES, _PROFILE = 14, 56, 60, 112
_CALIBRATED, _EMBEDDED, _LINKED = b"\0\0\0\0", b"DEBM", b"KNIL"  # four letters, as a little-endian number
_LEFT_OUT = "is not read, and was left out: colours may differ from what was photographed"


def add_colours(image: Image.Image, data: bytes) -> None:
    """Put into `image.info` what `data`, the bytes of its BMP file, say: a profile, or the note on what is left out."""
    size = int.from_bytes(data[_HEADER : _HEADER + 4], "little")
    header = data[_HEADER : _HEADER + size]
    if len(header) < 108:  # a BITMAPV4HEADER is the first that names colours
        return
    space = header[_SPACE : _SPACE + 4]
    if space == _EMBEDDED and len(header) >= 124:
        place, length = struct.unpack_from("<II", header, _PROFILE)
        image.info["icc_profile"] = data[_HEADER + place : _HEADER + place + length]
    elif space == _LINKED:
        image.info[NOTE] = f"its colour profile lies in another file, which {_LEFT_OUT}"
    elif space == _CALIBRATED and not _are_srgb(header):
        image.info[NOTE] = f"what its header says of its primaries {_LEFT_OUT}"


def _are_srgb(header: bytes) -> bool:
    """Whether its primaries are sRGB's, or not given; of its gamma programs differ in what the number means."""
    from .colour_space import SRGB

    numbers = struct.unpack_from("<9i", header, _PRIMARIES)
    # X, Y and Z in 2.30 fixed point: of chromaticities or of light, so that only their ratios count.
    points = [numbers[place : place + 3] for place in (0, 3, 6)]
    if not all(sum(point) > 0 for point in points):
        return True
    found = [value / sum(point) for point in points for value in point[:2]]
    own = [value for point in SRGB[:3] for value in point]
    return all(abs(a - b) <= 0.005 for a, b in zip(found, own, strict=True))
