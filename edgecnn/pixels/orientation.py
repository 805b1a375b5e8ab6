"""Upright as EXIF says, and what becomes of a region when an image is turned."""

from PIL import Image

from .image_files import DECODER_FAILURES
from .pillow_warnings import without_pillows_warnings

# (left, top, right, bottom) in pixels, which need not be whole.
Box = tuple[float, float, float, float]

_ORIENTATION = 0x0112  # tag of EXIF, and what makes each of its values upright
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SWAPS_AXES = (
    Image.Transpose.TRANSPOSE,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_90,
)
_LEFT_TO_RIGHT = (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
_TOP_TO_BOTTOM = (Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_90)


def exif_of(image: Image.Image) -> Image.Exif | None:
    """What the bytes of EXIF say; None where there is none, or it is damaged. A TIFF keeps it otherwise."""
    data = image.info.get("exif")
    profile = image.info.get("Raw profile type exif", "")  # a PNG by ImageMagick: name, length, hexadecimal lines
    if not data and not profile:
        return None
    with without_pillows_warnings():  # damaged EXIF: the image is taken as it lies, as viewers do
        try:
            exif = Image.Exif()
            exif.load(data or bytes.fromhex("".join(profile.split("\n")[3:])))
        except DECODER_FAILURES:
            return None
        return exif


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """What makes `image` upright, by EXIF alone: Pillows differ in whether they ask XMP too.

    None for an image that is. A TIFF has been turned when it was loaded.
    """
    exif = exif_of(image)
    with without_pillows_warnings():
        try:
            return _TURNS.get(exif.get(_ORIENTATION, 1)) if exif else None
        except DECODER_FAILURES:
            return None


def swaps_axes(turn: Image.Transpose | None) -> bool:
    """Whether width becomes height."""
    return turn in _SWAPS_AXES


def turned_box(box: Box, width: int, height: int, turn: Image.Transpose) -> Box:
    """Where `box` of an image of `width` x `height` lies when the image has been turned."""
    left, top, right, bottom = box
    if swaps_axes(turn):
        left, top, right, bottom, width, height = top, left, bottom, right, height, width
    mirrored = turn is Image.Transpose.TRANSVERSE
    if mirrored or turn in _LEFT_TO_RIGHT:
        left, right = width - right, width - left
    if mirrored or turn in _TOP_TO_BOTTOM:
        top, bottom = height - bottom, height - top
    return left, top, right, bottom
