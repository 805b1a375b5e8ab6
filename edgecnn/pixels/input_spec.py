"""What a model takes: the one description of how an image becomes its input."""

from dataclasses import dataclass
from typing import Literal

Colour = Literal["grayscale", "rgb", "bgr"]
Fit = Literal["stretch", "pad", "crop"]
ResizeFilter = Literal["nearest", "box", "bilinear", "bicubic", "lanczos"]
Background = Literal["dark", "light", "any"]
JpegDecoding = Literal["full", "reduced"]


@dataclass(frozen=True)
class InputSpec:
    """How an image becomes the model's input: `value = pixel * scale + offset`, per channel.

    Attributes:
        height: pixels, above 0.
        width: pixels, above 0.
        channels: 1 for grayscale, else 3.
        colour: what the image is converted to; `bgr` is rgb, whose channels the model's input has the other way round.
        fit: how another aspect ratio is made to fit: `stretch` it, `pad` with the background, `crop` the centre.
        resize_filter: Pillow's filter of that name.
        scale: real units per pixel step, one a channel of the image: red, green, blue.
        offset: real value of pixel 0, likewise.
        background: what lies behind the object in training images; pads, and flattens transparency.
        jpeg_decoding: whether a large JPEG file is decoded in `full`, or `reduced` to a half, a quarter or an eighth as
            long as that leaves three pixels for each of the input's; see `edgecnn.pixels.jpeg`.
    """

    height: int
    width: int
    channels: int
    colour: Colour
    fit: Fit
    resize_filter: ResizeFilter
    scale: tuple[float, ...]
    offset: tuple[float, ...]
    background: Background
    jpeg_decoding: JpegDecoding = "full"

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be above 0. Received: {getattr(self, name)}")
        expected = 1 if self.colour == "grayscale" else 3
        if self.channels != expected:
            raise ValueError(f"channels must be {expected} for colour={self.colour}. Received: {self.channels}")
        for name in ("scale", "offset"):
            values = getattr(self, name)
            if len(values) != self.channels or not all(abs(value) <= 1e6 for value in values):
                raise ValueError(f"{name} must hold {self.channels} number(s) within 1e6. Received: {list(values)}")
        if 0 in self.scale:
            raise ValueError(f"scale must not be 0. Received: {list(self.scale)}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return self.height, self.width, self.channels
