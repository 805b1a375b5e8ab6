"""Open a model by path or bundled name, with everything that is known about it."""

import signal
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgecnn.errors import DelegateError, EdgecnnWarning, InputError, ModelFileError
from edgecnn.model_file.bundled import bundled_models, find_model
from edgecnn.model_file.card import PROBABILITIES, ModelCard
from edgecnn.model_file.container import PackedModel, read_model
from edgecnn.pixels.input_spec import InputSpec

from .runtimes import Kernels
from .session import Session, open_session
from .tensor_spec import TensorSpec

if TYPE_CHECKING:
    from .delegates import Delegate

_TIMEOUT_S = 60


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
        known = ", ".join(bundled_models())
        raise ModelFileError(f"no model file {model}, and no bundled model of that name; bundled: {known}")
    return read_model(path)


def load_model(
    model: str | Path,
    threads: int = 1,
    kernels: Kernels = "default",
    delegate: "Delegate | None" = None,
    runtime: str | None = None,
    trust: bool = False,
) -> LoadedModel:
    """Load a .tflite file, or a bundled model by name.

    A file without a card is first opened in a child process, because runtimes crash on damaged files; labels are
    then indices, the input is read from the tensor, and an EdgecnnWarning says so. So is a delegate's library.

    Args:
        delegate: what computes it instead of the runtime's own choice.
        runtime: insist on one, see `edgecnn.device.runtime.runtimes.RUNTIMES`.
        trust: open a file without a card here at once.

    Raises:
        ModelFileError: missing, damaged, refused by the runtime, or its card contradicts its tensors.
        DelegateError: no runtime is installed, or the delegate does not do what is asked for.
        InputError: the delegate is none, or there is no such runtime.
    """
    if delegate is not None and not hasattr(delegate, "kernels"):
        raise InputError(f"delegate must be an edgecnn.device.Delegate. Received: {delegate!r}")
    packed = read_packed(model)
    if packed.card is None and not trust:
        _try_in_child(find_model(model), threads, delegate, runtime)
    session = _open(packed, find_model(model), threads, kernels, delegate, runtime)
    probabilities = _probabilities(session, packed.name)
    classes = probabilities.shape[-1]
    if packed.card is None:
        warnings.warn(
            f"{packed.name} carries no card: labels are indices, and pixels are spread over the input's range; "
            "a model that was trained otherwise will answer wrongly",
            EdgecnnWarning,
            stacklevel=2,
        )
        return LoadedModel(packed, session, probabilities, tuple(map(str, range(classes))), _guess(session.input))
    _check_card(packed.card, session, classes, packed.name)
    return LoadedModel(packed, session, probabilities, packed.card.labels, packed.card.input)


def _open(
    packed: PackedModel, path: Path, threads: int, kernels: Kernels, delegate: "Delegate | None", runtime: str | None
) -> Session:
    """A session with what was asked for, or with the CPU where that is allowed and the delegate fails."""
    if delegate is None:
        return open_session(packed, threads, kernels, None, runtime)
    from . import delegates

    try:
        if delegate.library or delegate.is_compiled:
            delegates.try_in_child(path, delegate, runtime, threads)
        session = open_session(packed, threads, kernels, delegate, runtime)
        note = delegates.check(session.placement(), delegate.require) if delegate.name != "cpu" else ""
    except DelegateError as error:
        if not delegate.fallback:
            raise
        warnings.warn(f"{error}; going on with the CPU (--fallback cpu)", EdgecnnWarning, stacklevel=3)
        return open_session(packed, threads, kernels, None, runtime)
    if note:
        warnings.warn(note, EdgecnnWarning, stacklevel=3)
    return session


def _probabilities(session: Session, name: str) -> TensorSpec:
    candidates = [tensor for tensor in session.outputs.values() if len(tensor.shape) == 2]
    found = session.outputs.get(PROBABILITIES) or (candidates[0] if len(candidates) == 1 else None)
    if found is None or len(found.shape) != 2 or found.shape[0] != 1 or found.shape[1] < 2:
        shapes = ", ".join(f"{tensor.name} {tensor.shape}" for tensor in session.outputs.values())
        raise ModelFileError(f"{name} must have one output of class scores, (1, classes). Received: {shapes}")
    return found


def _check_card(card: ModelCard, session: Session, classes: int, name: str) -> None:
    if card.input.shape != session.input.shape[1:]:
        raise ModelFileError(
            f"{name}: the card's input {card.input.shape} is not the model's {session.input.shape[1:]}; "
            "convert the model again"
        )
    if len(card.labels) != classes:
        raise ModelFileError(
            f"{name}: the card names {len(card.labels)} labels, the model has {classes} outputs; convert it again"
        )


def _guess(tensor: TensorSpec) -> InputSpec:
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


def _try_in_child(path: Path, threads: int, delegate: "Delegate | None", runtime: str | None) -> None:
    from .delegates import BUILT_IN, run_child

    # As it will be run here; a delegate of its own is tried afterwards.
    name = delegate.name if delegate and delegate.name in BUILT_IN else None
    result = run_child(path, (name, (), runtime, threads), _TIMEOUT_S)
    if result is None:
        raise ModelFileError(f"{path} hung the runtime for {_TIMEOUT_S} s; it is damaged")
    if result.returncode < 0:
        raise ModelFileError(f"{path} crashes the runtime ({signal.strsignal(-result.returncode)}); it is damaged")
    if result.returncode:
        reason = result.stdout.strip().splitlines() or [f"{path} cannot be opened"]
        raise ModelFileError(reason[-1])
