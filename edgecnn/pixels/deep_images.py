"""Images of more than 8 bits a channel: which value is white is read where a file says it, else asked for."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..arrays import Pixels
from ..errors import InputError
from .modes import DEEP

_WHITE = 65535
# What cameras of 10, 12 and 14 bits leave of 16 bits. An image that is brighter has used them all.
_DOUBTFUL = 1 << 14
_BITS, _PHOTOMETRIC, _LARGEST, _FORMAT = 258, 262, 281, 339  # tags of TIFF
_SAVE = "save it with 8 bits a channel"


def to_eight_bit(image: Image.Image) -> tuple[Image.Image, str]:
    """What an image of 16 or 32 bits is in 8; others are returned as they are.

    White is what a TIFF says it is (MaxSampleValue, or fewer than 16 bits a sample), and 65535 in formats that leave no
    choice. Halves round up.

    Args:
        image: loaded, in its file's own mode.

    Returns:
        The image, L or LA where it was deep, and a note where it is so dark that its values may mean something else.

    Raises:
        InputError: floating point, values that white cannot be known of, or values that are no 16 bits.
    """
    if image.mode == "F":
        raise InputError(f"floating-point images have no agreed range; {_SAVE}")
    if not image.mode.startswith("I"):  # I;16 and its byte orders; I for 32 bits, and for 16 in older Pillows
        _require_bright_tiff(image)
        return image, _dark_note(image)
    values: npt.NDArray[np.integer] = np.asarray(image)
    if values.min() < 0 or values.max() > _WHITE:
        raise _no_range(image)
    white, note = _white(image, int(values.max()))
    gray = Image.fromarray(_table(white, _tag(image, _PHOTOMETRIC) == 0)[values])
    if "transparency" in image.info:  # a PNG's one transparent gray
        opaque = (values != image.info["transparency"]).astype(np.uint8) * np.uint8(255)
        gray.putalpha(Image.fromarray(opaque))
    return gray, note


def _no_range(image: Image.Image) -> InputError:
    bits = _tag(image, _BITS) or 32
    return InputError(f"{bits}-bit {'' if bits == 32 else 'signed '}integer images have no agreed range; {_SAVE}")


def _white(image: Image.Image, brightest: int) -> tuple[int, str]:
    """The value that is white, and a note where that is what the format says, but hard to believe."""
    bits, said = _tag(image, _BITS), _tag(image, _LARGEST)
    if said and brightest <= said <= _WHITE:
        return said, ""
    if bits and bits < 16:
        return (1 << bits) - 1, ""
    if bits == 32 or _tag(image, _FORMAT) == 2:
        raise _no_range(image)
    if not 0 < brightest < _DOUBTFUL:
        return _WHITE, ""
    words = f"the brightest of its 16-bit values is {brightest}"
    if image.format and not bits:
        return _WHITE, f"{words} of {_WHITE}; if another value is white, {_SAVE}"
    raise InputError(f"{words}, and nothing says which value is white (in a TIFF: MaxSampleValue); {_SAVE}")


def _require_bright_tiff(image: Image.Image) -> None:
    """Of colours in 16 bits Pillow keeps the upper 8: of 12 in 16, nearly nothing."""
    if image.mode not in ("RGB", "RGBA", "RGBX") or (_tag(image, _BITS) or 8) <= 8:
        return
    said = _tag(image, _LARGEST) or _WHITE
    brightest = max(channel[1] for channel in image.getextrema()[:3])  # type: ignore[index]
    if said < _WHITE or brightest < _DOUBTFUL >> 8:
        raise InputError(f"its 16 bits a channel hold smaller values, white not being {_WHITE}; {_SAVE}")


def _dark_note(image: Image.Image) -> str:
    """What is said of a PNG of 16 bits a channel that is nearly black; Pillow keeps the upper 8."""
    if not image.info.get(DEEP):
        return ""
    extrema = image.getextrema()
    colours = extrema[:-1] if image.mode in ("LA", "RGBA") else extrema
    brightest = max(channel[1] for channel in colours)  # type: ignore[index]
    if not 0 < brightest < _DOUBTFUL >> 8:
        return ""
    return f"its 16-bit values are all below {(brightest + 1) << 8} of {_WHITE}; if another value is white, {_SAVE}"


def _tag(image: Image.Image, number: int) -> int | None:
    """The first value of a TIFF's tag; None where there is none."""
    value = getattr(image, "tag_v2", {}).get(number)
    return value[0] if isinstance(value, tuple) else value


@lru_cache(maxsize=4)
def _table(white: int, inverted: bool) -> Pixels:
    values = np.minimum(np.arange(_WHITE + 1), white)
    values = white - values if inverted else values
    return ((values * 510 + white) // (2 * white)).astype(np.uint8)
