"""Open a model by path or bundled name, with everything that is known about it."""

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgecnn.errors import DelegateError, EdgecnnWarning, ModelFileError
from edgecnn.model_file.bundled import bundled_models, find_model
from edgecnn.model_file.card import PROBABILITIES, ModelCard
from edgecnn.model_file.container import PackedModel, read_model
from edgecnn.pixels.input_spec import InputSpec

from .opening import open_session
from .run_options import DEFAULTS, RunOptions
from .runtimes import Kernels
from .session import Session
from .tensor_spec import TensorSpec

if TYPE_CHECKING:
    from .delegates import Delegate


@dataclass(frozen=True)
class LoadedModel:
    """A model in a session, and what its card (or for want of one, its tensors) say.

    Attributes:
        packed: the file.
        session: the loaded model.
        probabilities: the output with the class scores.
        labels: class names in output order.
        input: how images are turned into its input.
    """

    packed: PackedModel
    session: Session
    probabilities: TensorSpec
    labels: tuple[str, ...]
    input: InputSpec

    @property
    def card(self) -> ModelCard | None:
        """The model's card; None for a file without one."""
        return self.packed.card


def read_packed(model: str | Path) -> PackedModel:
    """Read and check a .tflite file or a bundled model; see `edgecnn.model_file.container.read_model`.

    Raises:
        ModelFileError: no such file or bundled model, or the file is damaged.
    """
    path = find_model(model)
    if not path.is_file():
        bundled = ", ".join(bundled_models())
        raise ModelFileError(f"no model file {model}, and no bundled model of that name; bundled: {bundled}")
    return read_model(path)


def load_model(
    model: str | Path,
    threads: int = 1,
    kernels: Kernels = "default",
    delegate: "Delegate | None" = None,
    runtime: str | None = None,
    trust: bool = False,
) -> LoadedModel:
    """`open_model` with its options one by one; see `RunOptions`."""
    return open_model(model, RunOptions(threads, kernels, delegate, runtime, trust))


def open_model(model: str | Path, options: RunOptions = DEFAULTS) -> LoadedModel:
    """Load a .tflite file, or a bundled model by name.

    A file without a card is first opened in a child process, because runtimes crash on damaged files; labels are
    then indices, the input is read from the tensor, and an EdgecnnWarning says so. A delegate's library is tried in
    a child process too.

    Args:
        model: path of a file, or name of a bundled model.
        options: how it is to run.

    Raises:
        ModelFileError: missing, damaged, refused by the runtime, or its card contradicts its tensors.
        DelegateError: no runtime is installed, or the delegate does not do what is asked for.
        InputError: there is no such runtime.
    """
    packed, path = read_packed(model), find_model(model)
    if packed.card is None and not options.trust:
        from .trial import try_model

        try_model(path, options)
    session = _open_session(packed, path, options)
    probabilities = _find_probabilities(session, packed.name)
    classes = probabilities.shape[-1]
    if packed.card is None:
        warnings.warn(
            f"{packed.name} carries no card: labels are indices, and pixels are spread over the input's range; "
            "a model that was trained otherwise will answer wrongly",
            EdgecnnWarning,
            stacklevel=3,
        )
        return LoadedModel(packed, session, probabilities, tuple(map(str, range(classes))), _guess_input(session.input))
    _require_card_fits(packed.card, session, classes, packed.name)
    return LoadedModel(packed, session, probabilities, packed.card.labels, packed.card.input)


def _open_session(packed: PackedModel, path: Path, options: RunOptions) -> Session:
    """A session with what was asked for, or with the CPU where that is allowed and the delegate fails."""
    delegate = options.delegate
    if delegate is None:
        return open_session(packed, options)
    try:
        session, note = _open_delegated(packed, path, delegate, options)
    except DelegateError as error:
        if not delegate.fallback:
            raise
        warnings.warn(f"{error}; going on with the CPU (--fallback cpu)", EdgecnnWarning, stacklevel=4)
        return open_session(packed, replace(options, delegate=None))
    if note:
        warnings.warn(note, EdgecnnWarning, stacklevel=4)
    return session


def _open_delegated(packed: PackedModel, path: Path, delegate: "Delegate", options: RunOptions) -> tuple[Session, str]:
    """A session with `delegate`, and a note where that computes nothing."""
    from .placement import require_placement

    if not delegate.is_built_in:
        from .trial import try_delegate

        try_delegate(path, delegate, options)
    session = open_session(packed, options)
    note = require_placement(session.placement(), delegate.require) if delegate.name != "cpu" else ""
    return session, note


def _find_probabilities(session: Session, name: str) -> TensorSpec:
    candidates = [tensor for tensor in session.outputs.values() if len(tensor.shape) == 2]
    scores = session.outputs.get(PROBABILITIES) or (candidates[0] if len(candidates) == 1 else None)
    if scores is None or len(scores.shape) != 2 or scores.shape[0] != 1 or scores.shape[1] < 2:
        shapes = ", ".join(f"{tensor.name} {tensor.shape}" for tensor in session.outputs.values())
        raise ModelFileError(f"{name} must have one output of class scores, (1, classes). Received: {shapes}")
    return scores


def _require_card_fits(card: ModelCard, session: Session, classes: int, name: str) -> None:
    if card.input.shape != session.input.shape[1:]:
        raise ModelFileError(
            f"{name}: the card's input {card.input.shape} is not the model's {session.input.shape[1:]}; "
            "convert the model again"
        )
    if len(card.labels) != classes:
        raise ModelFileError(
            f"{name}: the card names {len(card.labels)} labels, the model has {classes} outputs; convert it again"
        )


def _guess_input(tensor: TensorSpec) -> InputSpec:
    """Pixels 0 to 255 over the whole range of a quantized input, over 0 to 1 of a float one."""
    _, height, width, channels = tensor.shape
    scale, offset = 1 / 255, 0.0
    if np.issubdtype(tensor.dtype, np.integer):
        limits = np.iinfo(tensor.dtype)
        scale = tensor.scale * (limits.max - limits.min) / 255
        offset = (limits.min - tensor.zero_point) * tensor.scale
    return InputSpec(
        height=height,
        width=width,
        channels=channels,
        colour="grayscale" if channels == 1 else "rgb",
        fit="stretch",
        resize_filter="bilinear",
        scale=(scale,) * channels,
        offset=(offset,) * channels,
        background="any",
    )
