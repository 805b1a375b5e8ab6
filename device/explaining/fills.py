"""What stands in place of pixels that are taken away; all in the space of prepared pixels, before the input table."""

from typing import Literal

import numpy as np

from edgecnn.arrays import Pixels

Fill = Literal["black", "grey", "blurred"]
# Of the longer side: of 28 pixels 3.5, of 224 pixels 28. Nothing of the size of an object's parts is left.
_BLUR_RADIUS = 1 / 8


def fill_like(pixels: Pixels, fill: Fill) -> Pixels:
    """An image of the shape of `pixels`, uint8 (height, width, channels), that says little or nothing.

    `black` is pixel value 0; `grey` the mean of each channel of this image; `blurred` the image itself without details.
    """
    if fill == "black":
        return np.zeros_like(pixels)
    if fill == "grey":
        mean = np.rint(pixels.mean(axis=(0, 1))).astype(np.uint8)
        return np.broadcast_to(mean, pixels.shape).copy()
    from PIL import Image, ImageFilter

    gray = pixels.shape[2] == 1
    image = Image.fromarray(pixels[:, :, 0] if gray else pixels)
    blurred = image.filter(ImageFilter.GaussianBlur(max(pixels.shape[:2]) * _BLUR_RADIUS))
    return np.asarray(blurred, np.uint8).reshape(pixels.shape)
