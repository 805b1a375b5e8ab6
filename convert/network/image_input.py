"""The input of a classifier that was trained elsewhere: whatever it takes becomes one image with channels last."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from edgecnn.errors import InputError, ModelFileError
from edgecnn.keras_file import first_clause
from edgecnn.pixels.input_spec import Fit, ResizeFilter

from .flattening import flatten

Progress = Callable[[str], None]
_CHANNELS = (1, 3)
_MOST_PIXELS = 1 << 27  # of more, float32 in three channels are no tensor of TFLite any more, which has 2 GiB
_FILTERS: dict[str, ResizeFilter] = {
    "nearest": "nearest", "bilinear": "bilinear", "bicubic": "bicubic", "lanczos3": "lanczos", "lanczos5": "lanczos",
    "area": "box",
}  # fmt: skip


@dataclass(frozen=True)
class ImageInput:
    """A network that takes images, float32 (batch, height, width, channels), of one size.

    Attributes:
        model: Sequential or Functional.
        fit: how a Resizing layer made images of another aspect ratio fit; None where there is none in use.
        resize_filter: with which filter, likewise.
        whole_type: the integer type that its input had in the file; empty where it had none.
    """

    model: keras.Model
    fit: Fit | None = None
    resize_filter: ResizeFilter | None = None
    whole_type: str = ""


def with_image_input(
    model: keras.Model, path: Path, image_size: tuple[int, int] | None, progress: Progress
) -> ImageInput:
    """Give `model` an input of images of one size.

    Args:
        model: takes (batch, height, width, channels), (batch, channels, height, width), (batch, height, width), or
            vectors that its first layer makes images of; sizes may be open.
        path: its file, for messages.
        image_size: height and width, where it takes images of any size.
        progress: is told what was read.

    Raises:
        ModelFileError: it takes no images.
        InputError: its images may have any size and none is given, or it has one and another is given.
    """
    given = tuple(model.inputs[0].shape[1:])
    layout, front = _layout(model, given, path, progress)
    resizing = _resizing(model) if None in layout[:2] else None
    height, width = _size(layout, resizing, path, image_size, progress)
    shape = (height, width, layout[2])
    if front is None and given == shape and model.inputs[0].dtype == "float32":
        return ImageInput(model)
    image = keras.Input(shape)
    if given[-2:] == (None, None) and len(given) == 2:
        front = keras.layers.Reshape((height, width))
    try:
        framed = keras.Model(image, model(front(image) if front else image), name=model.name)
    except Exception as error:  # whatever a layer raises
        reason = first_clause(error)
        if image_size is None:
            raise ModelFileError(f"{path} cannot take images of {height}x{width} pixels: {reason}") from None
        raise InputError(
            f"--image-size {height}x{width} does not go with {path}: {reason}; give the size of its training images"
        ) from None
    dtype = str(model.inputs[0].dtype)
    whole_type = dtype if "int" in dtype else ""
    if resizing is None or image_size:
        return ImageInput(framed, whole_type=whole_type)
    fit: Fit = "crop" if resizing.crop_to_aspect_ratio else "stretch"
    fit = "pad" if getattr(resizing, "pad_to_aspect_ratio", False) else fit
    return ImageInput(framed, fit, _FILTERS.get(resizing.interpolation), whole_type)


def fed_with_rgb(network: keras.Model) -> keras.Model:
    """A flat network that takes blue, green, red, made to take red, green, blue."""
    image = keras.Input(network.inputs[0].shape[1:])
    return flatten(keras.Model(image, network(image[..., ::-1]), name=network.name))


def _layout(
    model: keras.Model, given: tuple[int | None, ...], path: Path, progress: Progress
) -> tuple[tuple[int | None, ...], keras.layers.Layer | None]:
    """Height, width and channels of the images, and the layer that makes of them what `model` takes, if any."""
    if len(given) == 1:
        target = _reshaped_to(model)
        if target:
            progress(f"{path} takes vectors of {given[0]} numbers and makes images of {_words(target)} of them")
            return target, keras.layers.Reshape(given)
    if len(given) == 2:
        progress(f"{path} takes images without a channel dimension, {given}: they are grayscale")
        return (*given, 1), None if None in given else keras.layers.Reshape(given)
    if len(given) != 3:
        raise ModelFileError(
            f"{path} must take images: (batch, height, width, channels). Received: {model.inputs[0].shape}; give an "
            "image classifier"
        )
    if given[0] in _CHANNELS and given[2] not in _CHANNELS:
        progress(f"{path} takes images with channels first, {given}; here they come last, its weights are the same")
        return (*given[1:], given[0]), keras.layers.Permute((3, 1, 2))
    if given[2] is None:
        raise ModelFileError(f"{path} must say how many channels its images have. Received: {model.inputs[0].shape}")
    return given, None


def _size(
    layout: tuple[int | None, ...],
    resizing: Any,
    path: Path,
    image_size: tuple[int, int] | None,
    progress: Progress,
) -> tuple[int, int]:
    height, width = layout[:2]
    if height is not None and width is not None:
        if image_size not in (None, (height, width)):
            raise InputError(f"{path} takes images of {height}x{width} pixels; leave --image-size out")
        return height, width
    if image_size:
        if image_size[0] * image_size[1] > _MOST_PIXELS:
            raise InputError(f"--image-size must be {_MOST_PIXELS:,} pixels at most. Received: {_words(image_size)}")
        if any(fixed not in (None, chosen) for fixed, chosen in zip(layout[:2], image_size, strict=True)):
            raise InputError(f"{path} takes images of {layout[:2]} (height, width); --image-size must agree with that")
        return image_size
    if resizing is None:
        raise InputError(
            f"{path} takes images of any size, and nothing in it says which one it was trained with; say it with "
            "--image-size, such as --image-size 224 or --image-size 240x320"
        )
    progress(
        f"{path} takes images of any size; its layer {resizing.name} makes them {resizing.height}x{resizing.width} "
        f"pixels ({resizing.interpolation}), so images are resized to that before, and the layer is left out"
    )
    return int(resizing.height), int(resizing.width)


def _operations(model: keras.Model) -> Iterator[Any]:
    """All operations in order, those of models within it too."""
    graph = model._functional if isinstance(model, keras.Sequential) else model
    for operation in graph.operations:
        if isinstance(operation, keras.Model):
            yield from _operations(operation)
        elif not isinstance(operation, keras.layers.InputLayer):
            yield operation


def _resizing(model: keras.Model) -> Any:
    """The Resizing layer before everything that depends on the size of the image; None where there is none."""
    for operation in _operations(model):
        if isinstance(operation, keras.layers.Resizing):
            return operation
        if hasattr(operation, "kernel") or hasattr(operation, "pool_size"):
            return None
    return None


def _reshaped_to(model: keras.Model) -> tuple[int, int, int] | None:
    """The shape of the image that the first layer makes of a vector; None where it does not."""
    first: Any = next(_operations(model), None)
    if not isinstance(first, keras.layers.Reshape):
        return None
    target = first.output.shape[1:]
    if len(target) == 2:
        target = (*target, 1)
    return target if len(target) == 3 and target[2] in _CHANNELS and None not in target else None


def _words(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
