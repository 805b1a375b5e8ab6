"""Make a run directory out of a Keras model that was trained elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from edgecnn.arguments import require_kind, require_names, require_path, with_name
from edgecnn.atomic_files import claimed, replacing, together
from edgecnn.errors import InputError, ModelFileError
from edgecnn.model_file.card import ModelCard, Quantization
from edgecnn.model_file.label_file import read_labels as read_labels
from edgecnn.model_file.provenance import stamp
from edgecnn.native_output import captured_stderr
from edgecnn.optional_packages import load_tensorflow, require_tensorflow
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.run_directory import RunDirectory

from .custom_code import CustomCode
from .keras_contents import sha256_of
from .preprocessing import Preprocessing

if TYPE_CHECKING:
    import keras

    from .image_input import ImageInput

_PROBES = 16


def adopt(
    model: str | Path,
    labels: Sequence[str],
    folder: str | Path,
    preprocessing: Preprocessing | None = None,
    *,
    code: CustomCode | None = None,
    force: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Path:
    """Write `folder`/model.keras and card.json for a model that edgecnn did not train.

    Models inside the model are brought to the top, half precision becomes float32, logits get a softmax, and one
    sigmoid or logit becomes two probabilities, so that every layer can be read and every answer is a probability. A
    folder that was made from the same file is kept.

    Args:
        model: a .keras or .h5 file, or the folder of a SavedModel, of Keras 2 or 3: one image in, one score a class
            out, or one of two classes; Sequential or Functional.
        labels: class names in the order of its output.
        folder: the run directory to make.
        preprocessing: how it was fed in training.
        code: what may run to read it; its `scope` must be entered for what is done with `folder` afterwards, too.
        force: replace what lies in `folder`.
        progress: is told, in words, what was read from the model and what was made of it.

    Returns:
        `folder`.

    Raises:
        MissingExtraError: TensorFlow is not installed.
        ModelFileError: not a Keras image classifier, or one with code that `code` does not let run.
        InputError: the labels are not as many as its outputs, how pixels are meant is not known, or an argument is of
            another kind.
        OutputError: `folder` holds another run, or cannot be written.
    """
    source, run = require_path(model, "a model"), RunDirectory(require_path(folder, "the run directory"))
    labels = labels.tolist() if isinstance(labels, np.ndarray) else labels  # as scikit-learn's classes_ are
    require_names(labels, "labels")
    for value, kind, name in ((preprocessing, Preprocessing, "preprocessing"), (code, CustomCode, "code")):
        if value is not None:
            require_kind(value, kind, name)
    require_tensorflow("edgecnn convert")
    if source.resolve() == run.model.resolve():
        raise InputError(f"{run.path} holds {source} itself; name another folder with --output")
    load_tensorflow()
    code = code or CustomCode()
    with code.scope():
        return _import(source, labels, run, preprocessing or Preprocessing(), code, force, progress)


def _import(
    source: Path,
    labels: Sequence[str],
    run: RunDirectory,
    chosen: Preprocessing,
    code: CustomCode,
    force: bool,
    progress: Callable[[str], None],
) -> Path:
    with captured_stderr():
        from .image_input import fed_with_rgb
        from .loading import load_foreign
        from .output_layer import require_classes, with_probabilities

    given = load_foreign(source, chosen.image_size, code, progress)
    network = given.model
    if chosen.channel_order == "bgr" and network.inputs[0].shape[3] != 3:
        raise InputError(f"{source} takes images of {network.inputs[0].shape[3]} channel(s), which have no other order")
    require_classes(network, labels, source)
    card = ModelCard(
        name=_name(source),
        labels=tuple(labels),
        input=_input(given, source, chosen, progress),
        quantization=Quantization("float32"),
        provenance=stamp(parent_sha256=sha256_of(source)),
    )
    network = with_probabilities(network, _answers(network, card.input), labels, source, progress)
    if chosen.channel_order == "bgr":
        network = fed_with_rgb(network)
    if _is_same(card, network, run):
        return run.path
    own = (run.model, run.card)
    stale = [path for path in (*run.training_files, *run.conversion_files()) if force and path not in own]
    with claimed(own, force), together(stale):
        with replacing(run.model) as temporary, captured_stderr():
            network.save(temporary)
        card.save(run.card)
    return run.path


def _name(source: Path) -> str:
    """What a model is called after its path; the name of a folder has no suffix."""
    return with_name(source).name if source.is_dir() else source.stem


def _is_same(card: ModelCard, network: "keras.Model", run: RunDirectory) -> bool:
    """Whether `run` was made from the same file and choices: not all that is chosen stands in the card."""
    from .loading import load_keras

    if not run.card.is_file() or not run.model.is_file():
        return False
    try:
        existing = ModelCard.load(run.card)
        same_time = replace(existing.provenance, created=card.provenance.created)
        if replace(existing, provenance=same_time) != card:
            return False
        there = load_keras(run.model)
    except ModelFileError:  # damaged: it may be replaced
        return False
    return np.allclose(_answers(there, card.input), _answers(network, card.input), atol=1e-6)


def _input(given: "ImageInput", source: Path, chosen: Preprocessing, progress: Callable[[str], None]) -> InputSpec:
    from .pixel_range import choose_scaling

    height, width, channels = (int(size) for size in given.model.inputs[0].shape[1:])
    if channels not in (1, 3):
        raise ModelFileError(f"{source} must take images of 1 or 3 channels. Received: {channels}")
    if given.whole_type:
        scale, offset = _whole_pixels(given.whole_type, source, chosen, progress)
    else:
        scale, offset = choose_scaling(given.model, source, chosen.scale, chosen.offset, progress)
    for name, values in (("scale", scale), ("offset", offset)):
        if len(values) not in (1, channels):
            raise InputError(f"{name} must have one value, or one a channel ({channels}). Received: {len(values)}")
    if chosen.channel_order == "bgr":
        scale, offset = scale[::-1], offset[::-1]
    try:
        return InputSpec(
            height=height,
            width=width,
            channels=channels,
            colour="grayscale" if channels == 1 else "rgb",
            fit=chosen.fit or given.fit or "stretch",
            resize_filter=chosen.resize_filter or given.resize_filter or "bilinear",
            scale=scale * channels if len(scale) == 1 else scale,
            offset=offset * channels if len(offset) == 1 else offset,
            background=chosen.background,
            jpeg_decoding=chosen.jpeg_decoding,
        )
    except InputError as error:
        raise InputError(f"input of {source}: {error}") from None


def _whole_pixels(
    dtype: str, source: Path, chosen: Preprocessing, progress: Callable[[str], None]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Scale and offset of a network whose input is an integer: a pixel goes in as it is.

    Raises:
        InputError: something else was asked for.
    """
    if any(value != 1 for value in chosen.scale or ()) or any(chosen.offset or ()):
        raise InputError(
            f"{source} takes whole numbers ({dtype}), so its pixels are 0 to 255 as they are, and fractions would be "
            "cut off; leave --input-range, --scale and --trained-with out, or say --input-range 0 255"
        )
    progress(f"{source} takes whole numbers ({dtype}), so pixels of 0 to 255: --input-range 0 255")
    return (1.0,), (0.0,)


def _answers(network: "keras.Model", spec: InputSpec) -> npt.NDArray[np.float64]:
    """What `network` says of images of noise: (images, outputs)."""
    from .loading import ALIKE

    pixels = np.random.default_rng(0).integers(0, 256, (_PROBES, *spec.shape))
    values = pixels * np.array(spec.scale, np.float32) + np.array(spec.offset, np.float32)
    parts = np.split(values.astype(np.float32), _PROBES // ALIKE)
    return np.concatenate([np.asarray(network.predict_on_batch(part), np.float64) for part in parts])
