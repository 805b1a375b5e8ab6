"""How images were prepared for a model that was trained elsewhere."""

from dataclasses import dataclass
from typing import Literal, get_args

from edgecnn.arguments import require_choice, require_numbers, require_size
from edgecnn.pixels.input_spec import Background, Fit, JpegDecoding, ResizeFilter

ChannelOrder = Literal["rgb", "bgr"]
_CHOICES: dict[str, tuple[str, ...]] = {
    "fit": get_args(Fit),
    "resize_filter": get_args(ResizeFilter),
    "background": get_args(Background),
    "channel_order": get_args(ChannelOrder),
    "jpeg_decoding": get_args(JpegDecoding),
}


@dataclass(frozen=True)
class Preprocessing:
    """How images were made into the model's input when it was trained: `value = pixel * scale + offset`.

    Attributes:
        scale: real units per pixel step, one for all channels or one a channel; None for what the
            model's own first layers say.
        offset: real value of pixel 0, likewise.
        fit: how another aspect ratio is made to fit; None for what a Resizing layer says, or else `stretch`.
        resize_filter: Pillow's; None for what a Resizing layer says, or else `bilinear`.
        background: what lies behind the object.
        image_size: height and width, for a model that takes images of any size; None for that of its input, or of a
            Resizing layer in it.
        channel_order: `bgr` where its first channel was blue in training, as OpenCV reads images; `scale` and `offset`
            are in this order too.
        jpeg_decoding: `full` decodes large JPEG files in full, as other programs do in training; `reduced` no larger
            than needed, which is quicker, takes less memory and moves a pixel by half a step in the mean.

    Raises:
        InputError: a value that is none of these.
    """

    scale: tuple[float, ...] | None = None
    offset: tuple[float, ...] | None = None
    fit: Fit | None = None
    resize_filter: ResizeFilter | None = None
    background: Background = "any"
    image_size: tuple[int, int] | None = None
    channel_order: ChannelOrder = "rgb"
    jpeg_decoding: JpegDecoding = "full"

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) is not None or name not in ("fit", "resize_filter"):
                require_choice(getattr(self, name), choices, name)
        for name in ("scale", "offset"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, require_numbers(getattr(self, name), name))
        if self.image_size is not None:
            object.__setattr__(self, "image_size", require_size(self.image_size, "image_size"))
