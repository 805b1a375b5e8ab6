"""What a model takes: the one description of how an image becomes its input."""

from dataclasses import dataclass
from typing import Literal, get_args

from ..arguments import is_number, is_whole, require_choice, to_plain
from ..errors import InputError

Colour = Literal["grayscale", "rgb", "bgr"]
Fit = Literal["stretch", "pad", "crop"]
ResizeFilter = Literal["nearest", "box", "bilinear", "bicubic", "lanczos"]
Background = Literal["dark", "light", "any"]
JpegDecoding = Literal["full", "reduced"]
_CHOICES = {
    "colour": get_args(Colour),
    "fit": get_args(Fit),
    "resize_filter": get_args(ResizeFilter),
    "background": get_args(Background),
    "jpeg_decoding": get_args(JpegDecoding),
}


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

    Raises:
        InputError: a value that is none of these.
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
        for name, choices in _CHOICES.items():
            require_choice(getattr(self, name), choices, name)
        for name in ("height", "width"):
            value = getattr(self, name)
            if not is_whole(value) or value < 1:
                raise InputError(f"{name} must be above 0, a whole number. Received: {value!r}")
        to_plain(self, "height", "width", "channels")
        expected = 1 if self.colour == "grayscale" else 3
        if not is_whole(self.channels) or self.channels != expected:
            raise InputError(f"channels must be {expected} for colour={self.colour}. Received: {self.channels!r}")
        for name in ("scale", "offset"):
            values = getattr(self, name)
            is_list = isinstance(values, tuple | list) and len(values) == self.channels
            if not is_list or not all(is_number(value) and abs(value) <= 1e6 for value in values):
                raise InputError(f"{name} must hold {self.channels} number(s) within 1e6. Received: {values!r}")
            object.__setattr__(self, name, tuple(map(float, values)))
        if 0 in self.scale:
            raise InputError(f"scale must not be 0. Received: {list(self.scale)}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return self.height, self.width, self.channels
