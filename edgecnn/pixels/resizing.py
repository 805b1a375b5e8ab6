"""Fit and resize: the last step of the preprocessing, from a region of an image to the size of a model's input."""

from PIL import Image

from .input_spec import InputSpec
from .orientation import Box

_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def resize(image: Image.Image, box: Box, spec: InputSpec, level: int) -> Image.Image:
    """What of `image` lies in `box`, in the size of `spec`.

    Args:
        image: L or RGB; one that has the size already is returned itself.
        box: all of the image, or what of its last row and column is picture.
        spec: gives size, fit and filter.
        level: 0 to 255, what `pad` fills with.
    """
    size, resample = (spec.width, spec.height), _FILTERS[spec.resize_filter]
    if image.size == size and box == (0, 0, *size):
        return image
    if spec.fit == "pad":
        return _pad(image, box, spec, resample, level)
    return image.resize(size, resample, cropped(box, spec.width / spec.height) if spec.fit == "crop" else box)


def cropped(box: Box, ratio: float) -> Box:
    """The largest centred part of `box` whose width is `ratio` times its height; as Pillow's ImageOps.fit has it."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    if width / height == ratio:
        return box
    if width / height >= ratio:
        inner_width, inner_height = ratio * height, height
    else:
        inner_width, inner_height = width, width / ratio
    left, top = left + (width - inner_width) * 0.5, top + (height - inner_height) * 0.5
    return left, top, left + inner_width, top + inner_height


def _pad(image: Image.Image, box: Box, spec: InputSpec, resample: Image.Resampling, level: int) -> Image.Image:
    whole_width, whole_height = box[2] - box[0], box[3] - box[1]
    ratio = min(spec.width / whole_width, spec.height / whole_height)
    width, height = max(1, round(whole_width * ratio)), max(1, round(whole_height * ratio))
    canvas = Image.new(image.mode, (spec.width, spec.height), level if spec.channels == 1 else (level, level, level))
    place = (spec.width - width) // 2, (spec.height - height) // 2
    canvas.paste(image.resize((width, height), resample, box), place)
    return canvas
