"""Golden probes of before they had a format of their own: golden.npz, read by its exact pattern and not by NumPy."""

import re
from typing import Any

import numpy as np

from ..bounded_zip import read_members

# What numpy.save writes of such arrays (version 1.0 of its format): a dictionary in one form, then spaces.
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00(?P<length>..)"
    rb"\{'descr': '(?P<type>[|<][uUf]\d{1,4})', 'fortran_order': False, 'shape': \((?P<shape>[\d, ]{0,60})\), \} *\n",
    re.DOTALL,
)
_START_BYTES = 10  # before the dictionary, whose length the last two say
_NAMES = ("images", "keras", "host", "host_runtime", "preprocessing_sha256")
_LONGEST_TEXT = 1000  # characters


def read_npz(data: bytes, shape: tuple[int, ...], classes: int, limit: int) -> dict[str, Any]:
    """The arrays of golden.npz by name.

    Args:
        data: the archive.
        shape: of an image: height, width, channels.
        classes: how many.
        limit: how many bytes they may unpack to.

    Raises:
        One of `edgecnn.zip_errors.ZIP_ERRORS`: it holds anything else.
    """
    members, _ = read_members(data, limit)
    if set(members) != {f"{name}.npy" for name in _NAMES}:
        raise ValueError(f"golden.npz must hold {', '.join(_NAMES)}")
    images, keras, host, *texts = (members[f"{name}.npy"] for name in _NAMES)
    count = _count(images)
    arrays = (
        _array(images, "|u1", (count, *shape)),
        *(_array(answers, "<f4", (count, classes)) for answers in (keras, host)),
        *map(_text, texts),
    )
    return dict(zip(_NAMES, arrays, strict=True))


def _split(member: bytes) -> tuple[str, str, bytes]:
    """Type, shape and content of an array."""
    header = _HEADER.match(member)
    if header is None or header.end() - _START_BYTES != int.from_bytes(header["length"], "little"):
        raise ValueError("an array in golden.npz begins otherwise than edgecnn writes it")
    return header["type"].decode(), header["shape"].decode(), member[header.end() :]


def _count(images: bytes) -> int:
    first = _split(images)[1].split(",")[0].strip()
    if not 1 <= len(first) <= 9 or int(first) < 1:
        raise ValueError("there are no images in it")
    return int(first)


def _array(member: bytes, kind: str, shape: tuple[int, ...]) -> Any:
    found, sizes, content = _split(member)
    wanted = ", ".join(map(str, shape))
    if (found, sizes) != (kind, wanted):
        raise ValueError(f"an array must be {kind} ({wanted}). Received: {found} ({sizes})")
    return np.frombuffer(content, kind).reshape(shape)


def _text(member: bytes) -> str:
    kind, sizes, content = _split(member)
    length = int(kind[2:])
    if kind[:2] != "<U" or sizes or length > _LONGEST_TEXT or len(content) != 4 * length:
        raise ValueError("a text in golden.npz is none")
    return content.decode("utf-32-le").rstrip("\0")
