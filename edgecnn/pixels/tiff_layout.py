"""What Pillow takes on trust in a TIFF file: where that does not hold, it shows other pixels without a word."""

import math
from typing import Any

from PIL import Image

from ..errors import InputError

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIPS, _SAMPLES, _ROWS, _PLANAR, _COLOURS = 273, 277, 278, 284, 320
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _FORMAT = 322, 323, 324, 339
_SAVE = "save it as PNG"


def require_plain(image: Image.Image, name: str) -> None:
    """Make sure that all of a TIFF file's picture is there, in a form that Pillow reads rightly.

    Args:
        image: opened, not loaded.
        name: for messages.

    Raises:
        InputError: strips or tiles are missing, its samples are signed, its planes are uncompressed and of more than 8
            bits, or its palette holds 8-bit values.
    """
    tags: Any = getattr(image, "tag_v2", {})
    planes = _first(tags, _SAMPLES, 1) if _first(tags, _PLANAR, 1) == 2 else 1
    places = tags.get(_TILES) or tags.get(_STRIPS) or ()
    missing = _parts(tags) * planes - sum(place > 0 for place in places)
    if missing > 0:
        raise InputError(
            f"{name}: the image is damaged: {missing:,} of its strips or tiles are missing; copy it again, or {_SAVE}"
        )
    if _first(tags, _FORMAT, 1) == 2 and _first(tags, _BITS, 1) == 8:
        raise InputError(f"{name}: 8-bit signed integer images have no agreed range; save it with 8 bits, unsigned")
    if planes > 1 and _first(tags, _BITS, 1) > 8 and _first(tags, _COMPRESSION, 1) == 1:
        raise InputError(f"{name}: a TIFF file of separate planes of more than 8 bits, which Pillow misreads; {_SAVE}")
    if _first(tags, _PHOTOMETRIC, 1) == 3 and 0 < max(tags.get(_COLOURS, (0,))) < 256:
        raise InputError(f"{name}: the palette of the TIFF file holds 8-bit values, not 16-bit ones; {_SAVE}")


def _parts(tags: Any) -> int:
    """Of how many strips or tiles a plane of the picture must be."""
    width, height = _first(tags, _WIDTH, 0), _first(tags, _HEIGHT, 0)
    if tags.get(_TILES):
        columns = math.ceil(width / max(1, _first(tags, _TILE_WIDTH, 1)))
        return columns * math.ceil(height / max(1, _first(tags, _TILE_HEIGHT, 1)))
    return math.ceil(height / max(1, min(_first(tags, _ROWS, height), height)))


def _first(tags: Any, number: int, otherwise: int) -> int:
    """The first value of a tag."""
    value = tags.get(number, otherwise)
    return int(value[0] if isinstance(value, tuple) else value)
