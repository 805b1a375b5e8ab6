"""HEIC, the photographs of telephones: read by pillow-heif, which `edgecnn[heic]` brings."""

import importlib.util
import io

from PIL import Image

from ..errors import MissingExtraError

# The brands of HEVC pictures; AVIF, of the same container, is Pillow's.
_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"))
ADVICE = 'pip install "edgecnn[heic]", or save them as JPEG'


def is_heif(data: bytes) -> bool:
    """Whether encoded bytes begin as a HEIC file does: a file type box that names an HEVC brand."""
    if data[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(data[:4], "big"), 256)
    return any(data[place : place + 4] in _BRANDS for place in (8, *range(16, end, 4)))


def has_decoder() -> bool:
    """Whether pillow-heif is installed."""
    return importlib.util.find_spec("pillow_heif") is not None


def open_heif(data: bytes) -> Image.Image:
    """The image in a HEIC file, not yet decoded; rotated as the file says, for the container's own rotation counts.

    Raises:
        MissingExtraError: pillow-heif is not installed.
    """
    if not has_decoder():
        raise MissingExtraError(f"HEIC photographs need pillow-heif: {ADVICE}")
    from pillow_heif import HeifImageFile

    image: Image.Image = HeifImageFile(io.BytesIO(data))
    return image
