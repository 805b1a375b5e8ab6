"""A frame as a picture for people, and as one that is kept."""

import io

from PIL import Image

from edgecnn.pixels.crop import CropBox
from edgecnn.pixels.deep_images import to_eight_bit
from edgecnn.pixels.image_files import decode_image
from edgecnn.pixels.modes import with_inks
from edgecnn.pixels.orientation import turn_of

from .frames import Frame


def upright(frame: Frame) -> Image.Image:
    """The frame, decoded in full, eight bits a channel, turned as EXIF says.

    Raises:
        InputError: it cannot be read.
    """
    image = decode_image(frame.data, frame.name)
    turn = turn_of(image)
    image, _ = to_eight_bit(with_inks(image))
    return image if turn is None else image.transpose(turn)


def small_jpeg(frame: Frame, side: int) -> bytes:
    """A JPEG of at most `side` pixels in either direction.

    Raises:
        InputError: it cannot be read.
    """
    image = upright(frame)
    image.thumbnail((side, side))
    return _encoded(image.convert("RGB"), "JPEG")


def cut_png(frame: Frame, crop: CropBox) -> bytes:
    """The part that a model is shown, without loss: what it learns from later is what it sees now.

    Raises:
        InputError: it cannot be read.
    """
    left, top, width, height = crop
    image = upright(frame).crop((left, top, left + width, top + height))
    return _encoded(image if image.mode in ("L", "LA", "RGB", "RGBA") else image.convert("RGB"), "PNG")


def _encoded(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=85) if kind == "JPEG" else image.save(buffer, kind, compress_level=3)
    return buffer.getvalue()
