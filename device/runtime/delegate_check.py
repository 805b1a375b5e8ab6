"""The answers of a delegate when it is loaded: those of the golden probes, or for want of them the CPU's."""

import warnings
from collections.abc import Callable

import numpy as np

from edgecnn.errors import DelegateError, EdgecnnWarning, ModelFileError

from .agreement import Agreement, compare, tolerance_of
from .delegates import Delegate
from .loaded_model import LoadedModel
from .probes import replay_probes
from .runner import Runner

_MADE_UP = 8


def require_right_delegate(loaded: LoadedModel, delegate: Delegate, open_on_cpu: Callable[[], Runner]) -> None:
    """Refuse a delegate that computes another classifier; an EdgecnnWarning says so where probes are missing.

    Args:
        loaded: the model with the delegate.
        delegate: what computes it.
        open_on_cpu: opens it without.

    Raises:
        DelegateError: its answers are not those of the golden probes or of the CPU.
        ModelFileError: the probes do not read.
    """
    replay = replay_probes(loaded.packed, loaded.session)
    if replay is not None:
        _require(replay, delegate, "golden probes")
        return
    name = loaded.packed.name
    images = np.random.default_rng(0).integers(0, 256, (_MADE_UP, *loaded.input.shape), np.uint8)
    try:
        expected = loaded.probabilities_of(images, open_on_cpu())
    except ModelFileError:  # compiled for the accelerator
        said = f"no CPU runs it: whether {delegate.name} computes rightly is not known"
    else:
        here = loaded.probabilities_of(images)
        _require(compare(here, expected, tolerance_of(loaded.card)), delegate, "images of noise")
        said = (
            f"{delegate.name} was compared with the CPU, on {_MADE_UP} images of noise alone; edgecnn pack writes a "
            "copy with probes"
        )
    warnings.warn(f"{name} carries no golden probes; {said}", EdgecnnWarning, stacklevel=5)


def _require(agreement: Agreement, delegate: Delegate, probes: str) -> None:
    if not agreement.passed:
        raise DelegateError(
            f"{delegate.name} computes wrongly: {agreement.top1_equal} of {agreement.images} {probes} have the right "
            f"top-1, and a probability is off by {agreement.off_by} where {agreement.tolerance:g} is "
            "allowed; use --delegate cpu"
        )
