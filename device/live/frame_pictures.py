"""A frame as a picture for people, and as one that is kept."""

import io

from PIL import Image

from edgecnn.pixels.colour_profile import to_srgb
from edgecnn.pixels.colour_tags import stated_profile
from edgecnn.pixels.crop import CropBox
from edgecnn.pixels.deep_images import to_eight_bit
from edgecnn.pixels.image_files import decode_image
from edgecnn.pixels.modes import flatten, with_inks
from edgecnn.pixels.orientation import turn_of

from .frames import Frame


def upright(frame: Frame) -> Image.Image:
    """The frame, decoded in full, eight bits a channel, in sRGB, turned as EXIF says: L, LA, RGB or RGBA.

    Raises:
        InputError: it cannot be read.
    """
    image = decode_image(frame.data, frame.name)
    turn, (profile, _) = turn_of(image), stated_profile(image)
    image, _ = to_eight_bit(with_inks(image))
    image, _ = to_srgb(image if turn is None else image.transpose(turn), profile)
    if image.mode in ("L", "LA", "RGB", "RGBA"):
        return image
    return image.convert("RGBA" if image.mode == "PA" or "transparency" in image.info else "RGB")


def small_jpeg(frame: Frame, side: int, background: int) -> bytes:
    """A JPEG of at most `side` pixels in either direction, with a gray of 0 to 255 where the frame is transparent.

    Raises:
        InputError: it cannot be read.
    """
    image = upright(frame)
    image.thumbnail((side, side))
    return _encoded(flatten(image, background)[0].convert("RGB"), "JPEG")


def cut_png(frame: Frame, crop: CropBox) -> bytes:
    """The part that a model is shown, without loss: what it learns from later is what it sees now.

    Raises:
        InputError: it cannot be read.
    """
    left, top, width, height = crop
    return _encoded(upright(frame).crop((left, top, left + width, top + height)), "PNG")


def _encoded(image: Image.Image, kind: str) -> bytes:
    buffer, options = io.BytesIO(), {"quality": 85} if kind == "JPEG" else {"compress_level": 3}
    image.save(buffer, kind, icc_profile=None, **options)  # else Pillow writes that of the file, of other colours
    return buffer.getvalue()
