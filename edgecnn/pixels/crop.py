"""The region of an image that a model is shown: a square in its middle, or a box, in upright pixels.

What lies outside is as if it had never been there: an image that was cut out with another program gives the same input.
"""

import math
import re
from typing import Literal

from PIL import Image

from ..arguments import is_whole
from ..errors import InputError
from .orientation import Box

# (left, top, width, height) in whole pixels of the upright image, that is, once EXIF's orientation is applied.
CropBox = tuple[int, int, int, int]
Crop = Literal["square"] | CropBox


class CropError(InputError):
    """A crop lies outside the image, or is none."""


_BOX = re.compile(r"\s*(\d{1,6})\s*,\s*(\d{1,6})\s*,\s*(\d{1,6})\s*,\s*(\d{1,6})\s*")


def parse_crop(text: str) -> CropBox:
    """The box that `X,Y,W,H` says: left, top, width and height in pixels.

    Raises:
        InputError: `text` is something else, or the box is empty.
    """
    match = _BOX.fullmatch(text)
    if not match:
        raise InputError(
            f"{text} is no crop; write X,Y,W,H in pixels: left, top, width, height, such as 120,40,400,400"
        )
    left, top, width, height = map(int, match.groups())
    if not width or not height:
        raise InputError(f"the crop {text} is empty: width and height must be above 0")
    return left, top, width, height


def region_of(crop: Crop, width: int, height: int) -> tuple[CropBox, str]:
    """Where `crop` lies in an upright image of `width` x `height`.

    Returns:
        The box, clipped to the image; and a sentence where it had to be clipped, else an empty text.

    Raises:
        CropError: it lies outside altogether, or is no crop.
    """
    if isinstance(crop, str) and crop == "square":
        side = min(width, height)
        return ((width - side) // 2, (height - side) // 2, side, side), ""
    if not isinstance(crop, tuple | list) or len(crop) != 4 or not all(map(is_whole, crop)):
        raise CropError(f'crop must be "square", or (left, top, width, height) in whole pixels. Received: {crop!r}')
    left, top, crop_width, crop_height = map(int, crop)
    right, bottom = min(left + crop_width, width), min(top + crop_height, height)
    wanted = left, top, crop_width, crop_height
    said = f"the crop {spelt(wanted)}"
    if left < 0 or top < 0 or crop_width < 1 or crop_height < 1:
        raise CropError(f"{said} must begin at 0 or more, and its width and height must be above 0")
    if right <= left or bottom <= top:
        raise CropError(f"{said} lies outside the image of {width} x {height}; choose one that lies inside")
    clipped = left, top, right - left, bottom - top
    if clipped == wanted:
        return clipped, ""
    return clipped, f"{said} reaches beyond the image of {width} x {height}: clipped to {spelt(clipped)}"


def cut(image: Image.Image, box: Box, scale: float, region: CropBox) -> tuple[Image.Image, Box]:
    """Cut `region` out of an upright image that was decoded at 1/`scale`.

    Args:
        image: upright.
        box: what of it is picture.
        scale: pixels in full for each of its own.
        region: in full pixels, counted from the corner of `box`.

    Returns:
        The part with all pixels that the region touches, and where in it the region lies.
    """
    left, top = box[0] + region[0] / scale, box[1] + region[1] / scale
    right, bottom = min(left + region[2] / scale, box[2]), min(top + region[3] / scale, box[3])
    outer = math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom)
    return image.crop(outer), (left - outer[0], top - outer[1], right - outer[0], bottom - outer[1])


def spelt(region: CropBox) -> str:
    """A box as `--crop` takes it: X,Y,W,H."""
    return ",".join(map(str, region))
