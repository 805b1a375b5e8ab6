"""From any of Pillow's modes to the two that models take: L and RGB, 8 bits a channel."""

import numpy as np
from PIL import Image

from ..errors import InputError
from .input_spec import InputSpec

# 65535 / 255 = 257: white stays white, and halves round up.
_EIGHT_BIT = ((np.arange(65536) + 128) // 257).astype(np.uint8)


def to_eight_bit(image: Image.Image) -> Image.Image:
    """An image of 16 bits as one of 8; others as they are.

    Raises:
        InputError: floating point, or integers of no agreed range.
    """
    if image.mode == "F":
        raise InputError("floating-point images have no agreed range; save the image with 8 bits a channel")
    if not image.mode.startswith("I"):  # I;16 and its byte orders; I in older Pillows
        return image
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise InputError("32-bit integer images have no agreed range; save the image with 8 bits a channel")
    gray = Image.fromarray(_EIGHT_BIT[values])
    if "transparency" in image.info:  # a PNG's one transparent gray
        opaque = (values != image.info["transparency"]).astype(np.uint8) * np.uint8(255)
        gray.putalpha(Image.fromarray(opaque))
    return gray


def flatten(image: Image.Image, level: int) -> Image.Image:
    """An image without transparency, on a background of `level`, 0 to 255."""
    if image.mode in ("La", "RGBa"):  # premultiplied: Pillow converts it to its own straight kind only
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    if image.mode not in ("LA", "PA", "RGBA") and "transparency" not in image.info:
        return image
    image = image.convert("RGBA")
    backdrop = Image.new("RGBA", image.size, (level, level, level, 255))
    return Image.alpha_composite(backdrop, image)


def convert_colour(image: Image.Image, spec: InputSpec) -> Image.Image:
    """An image in the colours of `spec`: L or RGB."""
    if spec.colour == "grayscale" and image.mode in ("1", "L"):
        return converted(image, "L")
    image = converted(image, "RGB")  # one way to luma from palette, CMYK, YCbCr, ...
    return converted(image, "L") if spec.colour == "grayscale" else image


def converted(image: Image.Image, mode: str) -> Image.Image:
    """`image.convert(mode)`, which copies an image that has the mode: of a photograph, tens of megabytes."""
    return image if image.mode == mode else image.convert(mode)
