"""Files without edgecnn's card: what their metadata and graph say, what the caller says, and what is assumed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecnn.errors import InputError
from edgecnn.model_file.tflite_metadata import LabelFile, Scores, TfliteMetadata
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.printable import is_printable

from .description import Description
from .tensor_spec import TensorSpec

_ASK = "a model that was trained otherwise will answer wrongly"


@dataclass(frozen=True)
class ScoreTensor(TensorSpec):
    """An output of class scores that are no probabilities by themselves.

    Attributes:
        kind: `logits` become probabilities by a softmax, one logit by a sigmoid; a `sigmoid` p becomes 1 - p and p.
    """

    kind: Scores = "logits"

    @property
    def is_elementwise(self) -> bool:
        """No: a softmax is of all scores, and one score gives two probabilities."""
        return False

    def dequantize(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Probabilities, float32 (..., classes), of `values` (..., classes); of one score (..., 1), of two classes."""
        scores = super().dequantize(values)
        if scores.shape[-1] == 1:
            with np.errstate(over="ignore"):  # of a score far below 0 it is infinite, and the probability 0
                p = 1 / (1 + np.exp(-scores)) if self.kind == "logits" else scores
            return np.asarray(np.concatenate([1 - p, p], axis=-1), np.float32)
        raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=-1, keepdims=True), np.float32)


_TWO_LABELS = "the probabilities of its two labels are 1 - p and p"


def describe_scores(tensor: TensorSpec, kind: Scores) -> tuple[TensorSpec, str]:
    """The tensor that gives probabilities, and what was done for that.

    Scores quantized in steps of 1/256 from 0 are what TFLite makes of probabilities, whatever made them.
    """
    if kind == "logits" and _is_quantized_probability(tensor):
        kind = "sigmoid" if tensor.shape[-1] == 1 else "probabilities"
    if kind not in ("logits", "sigmoid"):
        return tensor, ""
    fields = {name: getattr(tensor, name) for name in TensorSpec.__dataclass_fields__}
    note = "its scores are logits: a softmax is applied"
    if tensor.shape[-1] == 1:
        what = "a sigmoid p" if kind == "sigmoid" else "a logit, of which a sigmoid makes p"
        note = f"its one output is {what}: {_TWO_LABELS}"
    return ScoreTensor(**fields, kind=kind), note


def _is_quantized_probability(tensor: TensorSpec) -> bool:
    if tensor.dtype.kind == "f":
        return False
    return bool(tensor.scale == 1 / 256 and tensor.zero_point == np.iinfo(tensor.dtype.name).min)


def choose_labels(
    metadata: TfliteMetadata, description: Description, classes: int, name: str
) -> tuple[tuple[str, ...], str, bool]:
    """Class names, where they are from, and whether nobody has said them.

    Raises:
        InputError: the caller's are not as many as the model has classes.
    """
    if description.labels is not None:
        labels, note = _with_background(description.labels, classes)
        if len(labels) != classes:
            hint = "; is its first one for the background? Put a line for that first" * (len(labels) == classes - 1)
            raise InputError(
                f"{name} has {classes} classes, the label file {len(labels)}; give it its own labels{hint}"
            )
        return labels, note, False
    indices, note = tuple(map(str, range(classes))), "labels are indices"
    for file in metadata.label_files:
        labels, counted = _with_background(_names(file, name), classes)
        if len(labels) == classes:
            labels, repeated = _distinct(labels)
            source = f"labels are from its metadata ({file.name}{_others(metadata, file)})"
            return labels, "; ".join(filter(None, (source, counted, repeated))), False
        if file is metadata.label_files[0]:
            note = f"its {file.name} names {len(labels)} labels for {classes} classes: {note}"
    return indices, note, True


_BACKGROUND = 1001  # of ImageNet's 1,000 classes, in networks that have another one in front


def _with_background(labels: tuple[str, ...], classes: int) -> tuple[tuple[str, ...], str]:
    if classes != _BACKGROUND or len(labels) != _BACKGROUND - 1:
        return labels, ""
    return ("background", *labels), "of its 1,001 scores the first is taken for the background's, which has no label"


def _names(file: LabelFile, name: str) -> tuple[str, ...]:
    """The class names of a label file in metadata: what reads the caller's reads it, too."""
    from edgecnn.model_file.label_file import names_of_lines

    # A card takes printable text alone.
    lines = ["".join(letter if is_printable(letter) else " " for letter in line) for line in file.lines]
    try:
        return names_of_lines(lines, f"{name}: {file.name}")
    except InputError:  # a number without a name
        return tuple(lines)


def _others(metadata: TfliteMetadata, chosen: LabelFile) -> str:
    language = f", in {chosen.locale}" if chosen.locale else ""
    others = [file.name for file in metadata.label_files if file is not chosen]
    return f"{language}, not {', '.join(others)}" if others else language


def _distinct(labels: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The labels with their numbers behind those that are empty or occur twice, as two of ImageNet's are `crane`."""
    counts, numbered = Counter(labels), tuple(f"{label} ({number})".strip() for number, label in enumerate(labels))
    once = tuple(
        label if label.strip() and counts[label] == 1 else other for label, other in zip(labels, numbered, strict=True)
    )
    if len(set(once)) < len(once):
        once = numbered
    return once, "" if once == labels else "names that are empty or there twice have their numbers behind them"


def choose_input(
    metadata: TfliteMetadata, description: Description, tensor: TensorSpec, name: str
) -> tuple[InputSpec, str, bool]:
    """How images become the input, where that is from, and whether nobody has said it.

    A uint8 input takes pixels as they are: the normalization that standard metadata names is for floats, as the
    libraries have it that read it. Of an int8 input it counts where the tensor can hold what it makes.

    Raises:
        InputError: the caller says an order of channels that it has not.
    """
    channels = tensor.shape[3]
    if description.color and channels != 3:
        raise InputError(
            f"{name} takes images of {channels} channel(s), which are in no other order; leave out --color"
        )
    scale, offset, text, is_assumed = _choose_scaling(metadata, description, tensor)
    # Who says what pixels become, and nothing of their order, means the default.
    if channels == 3 and not description.color and not description.input_range and not metadata.is_rgb:
        text = "; ".join(filter(None, (text, "its channels are taken for red, green, blue")))
    return _spec(tensor, description, scale, offset), text, is_assumed


def _choose_scaling(
    metadata: TfliteMetadata, description: Description, tensor: TensorSpec
) -> tuple[tuple[float, ...], tuple[float, ...], str, bool]:
    """Scale and offset of the input's channels, in their order; where they are from, and whether nobody has said it."""
    channels = tensor.shape[3]
    if description.input_range:
        low, high = description.input_range
        return ((high - low) / 255,), (low,), "", False
    scale, offset = _whole_range(tensor)
    fits = metadata.mean and len(metadata.mean) in (1, channels) and len(metadata.std) in (1, channels)
    if metadata.mean and not fits:
        text = f"its metadata has {len(metadata.mean)} means for {channels} channels and is not used"
        return (scale,), (offset,), f"{text}: pixels are spread over the input's range; {_ASK}", True
    if fits and tensor.dtype != np.uint8:
        means, stds = _per_channel(metadata.mean, channels), _per_channel(metadata.std, channels)
        scales, offsets = tuple(1 / std for std in stds), tuple(-m / s for m, s in zip(means, stds, strict=True))
        if tensor.dtype.kind == "f" or _holds(scale, offset, scales, offsets):
            text = f"pixels become (pixel - {_short(metadata.mean)}) / {_short(metadata.std)}, from its metadata"
            return scales, offsets, text, False
    if tensor.dtype == np.uint8:
        return (scale,), (offset,), "pixels go in as they are, its input is uint8", False
    return (scale,), (offset,), f"pixels are spread over the input's range; {_ASK}", True


def _holds(scale: float, offset: float, scales: Sequence[float], offsets: Sequence[float]) -> bool:
    """Whether an 8-bit input spans what a normalization makes, but for two steps at each end."""
    low, high, room = offset - 2 * scale, offset + 257 * scale, zip(scales, offsets, strict=True)
    return all(low <= min(b, 255 * a + b) and max(b, 255 * a + b) <= high for a, b in room)


def _whole_range(tensor: TensorSpec) -> tuple[float, float]:
    """Pixels 0 to 255 over the whole range of a quantized input, over 0 to 1 of a float one."""
    if not np.issubdtype(tensor.dtype, np.integer):
        return 1 / 255, 0.0
    limits = np.iinfo(tensor.dtype.name)
    return tensor.scale * (limits.max - limits.min) / 255, (limits.min - tensor.zero_point) * tensor.scale


def _spec(
    tensor: TensorSpec, description: Description, scale: tuple[float, ...], offset: tuple[float, ...]
) -> InputSpec:
    _, height, width, channels = tensor.shape
    scale, offset = _per_channel(scale, channels), _per_channel(offset, channels)
    if description.color == "bgr":  # a spec has them in the order of an image's channels
        scale, offset = scale[::-1], offset[::-1]
    return InputSpec(
        height=height,
        width=width,
        channels=channels,
        colour="grayscale" if channels == 1 else description.color or "rgb",
        fit=description.fit or "stretch",
        resize_filter=description.resize_filter or "bilinear",
        scale=scale,
        offset=offset,
        background="any",
    )


def _per_channel(values: Sequence[float], channels: int) -> tuple[float, ...]:
    return tuple(values) * channels if len(values) == 1 else tuple(values)


def _short(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
