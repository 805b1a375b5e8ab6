"""ICC profiles written tag by tag, and what they mean by the formulas of the specification."""

import struct

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
# Red, green and blue in XYZ, as columns, adapted to D50, which profiles refer to: IEC 61966-2-1 and SMPTE EG 432-1.
SRGB: Matrix = np.array([[0.4360, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
P3: Matrix = np.array([[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]])
ADOBE: Matrix = np.array([[0.6097, 0.2053, 0.1492], [0.3111, 0.6257, 0.0632], [0.0195, 0.0609, 0.7446]])
_D50 = (0.9642, 1.0, 0.8249)


def rgb_profile(matrix: Matrix, gamma: float) -> bytes:
    """A display profile: primaries in the columns of `matrix`, one gamma."""
    tags = {name: _xyz(*matrix[:, i]) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    return _profile(b"RGB ", {**tags, **{name: _curve(gamma) for name in (b"rTRC", b"gTRC", b"bTRC")}})


def gray_profile(gamma: float) -> bytes:
    """A profile of a gray image."""
    return _profile(b"GRAY", {b"kTRC": _curve(gamma)})


def table_profile(channels: int) -> bytes:
    """A table of the lightness of colours (3 channels) or inks (4): full of the last channel is black, else white."""
    even, corners = bytes(range(256)), b""
    for corner in range(2**channels):  # the last channel is the fastest
        corners += bytes([0 if corner & 1 else 255, 128, 128])  # L, a, b
    unity = b"".join(struct.pack(">i", 65536 * (i % 4 == 0)) for i in range(9))
    table = b"mft1\0\0\0\0" + bytes([channels, 3, 2, 0]) + unity + even * channels + corners + even * 3
    return _profile(b"CMYK" if channels == 4 else b"RGB ", {b"A2B0": table}, kind=b"prtr", between=b"Lab ")


def in_srgb(values: npt.NDArray[np.integer], matrix: Matrix, gamma: float) -> npt.NDArray[np.float64]:
    """What colours (..., 3) of a profile are in sRGB, 0 to 255, not rounded."""
    linear = (values / 255.0) ** gamma @ matrix.T @ np.linalg.inv(SRGB).T
    linear = linear.clip(0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def _profile(space: bytes, tags: dict[bytes, bytes], kind: bytes = b"mntr", between: bytes = b"XYZ ") -> bytes:
    words = b"made for a test"
    text = b"desc\0\0\0\0" + struct.pack(">I", len(words) + 1) + words + b"\0" * (1 + 79)
    tags = {b"desc": text + b"\0" * (-len(text) % 4), b"wtpt": _xyz(*_D50), **tags}
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(content))
        body += content
    header = struct.pack(">I4sI4s4s4s", 132 + 12 * len(tags) + len(body), b"lcms", 0x02400000, kind, space, between)
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + b"\0" * 28
    header += b"".join(struct.pack(">i", round(value * 65536)) for value in _D50)
    return header.ljust(128, b"\0") + table + body
