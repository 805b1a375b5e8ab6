"""Make a run directory out of a Keras model that was trained elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgecnn.atomic_files import refuse_existing, replacing
from edgecnn.errors import InputError, ModelFileError
from edgecnn.model_file.card import ModelCard, Quantization
from edgecnn.model_file.container import sha256
from edgecnn.model_file.provenance import stamp
from edgecnn.native_output import captured_stderr, silence_tensorflow
from edgecnn.optional_packages import require_tensorflow
from edgecnn.pixels.input_spec import Background, Fit, InputSpec, JpegDecoding, ResizeFilter
from edgecnn.run_directory import RunDirectory

if TYPE_CHECKING:
    import keras

_PROBES = 16
# A layer that divides pixels by about this much, or more, is fed with bytes.
_SMALL = 1 / 16


@dataclass(frozen=True)
class Preprocessing:
    """How images were made into the model's input when it was trained: `value = pixel * scale + offset`.

    Attributes:
        scale: real units per pixel step, one for all channels or one a channel; None where a Rescaling layer in the
            model takes pixels as they are.
        offset: real value of pixel 0, likewise.
        fit: how another aspect ratio is made to fit.
        resize_filter: Pillow's.
        background: what lies behind the object.
        jpeg_decoding: `full` decodes large JPEG files in full, as at training; `reduced` no larger than needed, which
            moves a pixel by half a step in the mean.
    """

    scale: tuple[float, ...] | None = None
    offset: tuple[float, ...] | None = None
    fit: Fit = "stretch"
    resize_filter: ResizeFilter = "bilinear"
    background: Background = "any"
    jpeg_decoding: JpegDecoding = "reduced"


def read_labels(path: str | Path) -> tuple[str, ...]:
    """Class names in output order from a UTF-8 text file, one a line.

    Raises:
        InputError: missing, not text, empty, or with an empty or repeated line.
    """
    try:
        lines = [line.strip() for line in Path(path).read_text(encoding="utf-8-sig").rstrip().splitlines()]
    except OSError as error:
        raise InputError(f"cannot read the labels {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text; give a text file with one class name a line") from None
    if len(lines) < 2:
        raise InputError(f"{path} must name 2 classes at least, one a line. Received: {len(lines)} line(s)")
    for number, line in enumerate(lines, start=1):
        if not line:
            raise InputError(f"{path}: line {number} is empty; give one class name a line, in output order")
        if line in lines[: number - 1]:
            raise InputError(f"{path}: line {number} repeats {line!r}; class names must differ")
    return tuple(lines)


def adopt(
    model: str | Path,
    labels: Sequence[str],
    folder: str | Path,
    preprocessing: Preprocessing | None = None,
    *,
    force: bool = False,
) -> Path:
    """Write `folder`/model.keras and card.json for a model that edgecnn did not train.

    Models inside the model are brought to the top, half precision becomes float32, and logits get a softmax, so that
    every layer can be read and every answer is a probability. A folder that was made from the same file is kept.

    Args:
        model: a .keras (or .h5) file: one image in, one score a class out; Sequential or Functional.
        labels: class names in the order of its output.
        folder: the run directory to make.
        preprocessing: how it was fed in training.
        force: replace what lies in `folder`.

    Returns:
        `folder`.

    Raises:
        MissingExtraError: TensorFlow is not installed.
        ModelFileError: not a Keras image classifier.
        InputError: the labels are not as many as its outputs, or how pixels are meant is not known.
        OutputError: `folder` holds another run, or cannot be written.
    """
    require_tensorflow("edgecnn convert")
    source, run = Path(model), RunDirectory(Path(folder))
    if source.resolve() == run.model.resolve():
        raise InputError(f"{run.path} holds {source} itself; name another folder with --output")
    silence_tensorflow()
    with captured_stderr():
        from .loading import load_keras

    network = load_keras(source)
    classes = int(network.outputs[0].shape[1])
    if len(labels) != classes:
        raise InputError(
            f"{source} has {classes} outputs, the labels are {len(labels)}; give one a line, in their order"
        )
    card = ModelCard(
        name=source.stem,
        labels=tuple(labels),
        input=_input(network, source, preprocessing or Preprocessing()),
        quantization=Quantization("float32"),
        provenance=stamp(parent_sha256=sha256(source.read_bytes())),
    )
    if _is_same(card, run):
        return run.path
    refuse_existing((run.model, run.card), force)
    network = _with_softmax(network, card.input, source)
    with replacing(run.model) as temporary, captured_stderr():
        network.save(temporary)
    card.save(run.card)
    return run.path


def _is_same(card: ModelCard, run: RunDirectory) -> bool:
    """Whether `run` was made from the same file and choices."""
    if not run.card.is_file() or not run.model.is_file():
        return False
    existing = ModelCard.load(run.card)
    same_time = replace(existing.provenance, created=card.provenance.created)
    return replace(existing, provenance=same_time) == card


def _input(network: "keras.Model", source: Path, chosen: Preprocessing) -> InputSpec:
    height, width, channels = (int(size) for size in network.inputs[0].shape[1:])
    if channels not in (1, 3):
        raise ModelFileError(f"{source} must take images of 1 or 3 channels. Received: {channels}")
    scale, offset = chosen.scale, chosen.offset
    if scale is None:
        if not _takes_bytes(network):
            raise InputError(
                f"how {source} was fed is not written in it; say what a pixel becomes: --input-range 0 1, "
                "--input-range -1 1, --input-range 0 255, or --scale and --offset"
            )
        scale, offset = (1.0,), (0.0,)
    offset = offset or (0.0,)
    for name, values in (("scale", scale), ("offset", offset)):
        if len(values) not in (1, channels):
            raise InputError(f"{name} must have one value, or one a channel ({channels}). Received: {len(values)}")
    try:
        return InputSpec(
            height=height,
            width=width,
            channels=channels,
            colour="grayscale" if channels == 1 else "rgb",
            fit=chosen.fit,
            resize_filter=chosen.resize_filter,
            scale=scale * channels if len(scale) == 1 else scale,
            offset=offset * channels if len(offset) == 1 else offset,
            background=chosen.background,
            jpeg_decoding=chosen.jpeg_decoding,
        )
    except ValueError as error:
        raise InputError(f"input of {source}: {error}") from None


def _takes_bytes(network: "keras.Model") -> bool:
    """Whether a Rescaling layer that divides pixels stands before everything that has weights."""
    import keras

    for layer in network.layers:
        if isinstance(layer, keras.layers.Rescaling):
            return bool(np.all(np.abs(np.asarray(layer.scale, np.float64)) <= _SMALL))
        if layer.weights:
            return False
    return False


def _with_softmax(network: "keras.Model", spec: InputSpec, source: Path) -> "keras.Model":
    """The network with probabilities as output.

    Raises:
        ModelFileError: it ends in a sigmoid, so its classes do not exclude each other.
    """
    import keras

    pixels = np.random.default_rng(0).integers(0, 256, (_PROBES, *spec.shape))
    values = pixels * np.array(spec.scale, np.float32) + np.array(spec.offset, np.float32)
    scores: Any = np.asarray(network.predict_on_batch(values.astype(np.float32)), np.float64)
    if not np.isfinite(scores).all():
        raise ModelFileError(
            f"{source} gives scores that are no numbers (NaN); its weights are damaged, train it again"
        )
    if scores.min() >= 0 and np.allclose(scores.sum(axis=1), 1, atol=1e-3):
        return network
    last = getattr(network.outputs[0]._keras_history.operation, "activation", None)
    if last is keras.activations.sigmoid:
        raise ModelFileError(
            f"{source} ends in a sigmoid: each class has a probability of its own; edgecnn takes classifiers with one "
            "right class, ending in a softmax or in logits"
        )
    outputs = keras.layers.Softmax(name="softmax_of_logits")(network.outputs[0])
    return keras.Model(network.inputs, outputs, name=network.name)
