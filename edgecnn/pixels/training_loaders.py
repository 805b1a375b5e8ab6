"""How programs that people train with prepare images: the choices of `--trained-with`."""

from dataclasses import dataclass

from .input_spec import Fit, ResizeFilter

# Of ImageNet's pixels from 0 to 1, as torchvision normalises with them.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class TrainingLoader:
    """What a program makes of an image.

    Attributes:
        fit: how images of another aspect ratio are made to fit.
        resize_filter: the Pillow filter that is nearest to its own.
        scale: `value = pixel * scale + offset`, one number or one a channel; empty where each user chooses it.
        offset: likewise.
        summary: what it does, in words.
    """

    fit: Fit
    resize_filter: ResizeFilter
    scale: tuple[float, ...]
    offset: tuple[float, ...]
    summary: str


LOADERS: dict[str, TrainingLoader] = {
    "teachable-machine": TrainingLoader(
        "crop", "lanczos", (1 / 127.5,), (-1.0,),
        "the centre square, Lanczos, pixels of -1 to 1, as in the Python code that comes with its models",
    ),
    "image_dataset_from_directory": TrainingLoader(
        "stretch", "bilinear", (1.0,), (0.0,), "stretched, bilinear, pixels of 0 to 255 (keras.utils, without map)"
    ),
    "imagedatagenerator": TrainingLoader(
        "stretch", "nearest", (), (), "stretched, nearest; its rescale is given with --input-range"
    ),
    "torchvision": TrainingLoader(
        "crop", "bilinear", tuple(1 / (255 * value) for value in _DEVIATION),
        tuple(-mean / value for mean, value in zip(_MEAN, _DEVIATION, strict=True)),
        "the centre, bilinear, ImageNet's mean and deviation",
    ),
}  # fmt: skip
