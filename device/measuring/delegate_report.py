"""The truth about a delegate: what it computes, how far from the CPU, and how fast beside it."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.model_file.golden import golden_of
from edgecnn.model_file.tflite_metadata import custom_operators

from ..runtime.delegates import Delegate
from ..runtime.loaded_model import LoadedModel
from ..runtime.loading import open_model
from ..runtime.placement import DelegatePlacement
from ..runtime.run_options import RunOptions
from ..runtime.runner import Runner

_ROUNDS = 30
_PROBES = 8


@dataclass(frozen=True)
class DelegateReport:
    """A delegate beside the CPU: the runtime's own choice, or for xnnpack the kernels that are built in.

    Attributes:
        placement: which operators it computes.
        probes: how many golden probes were compared; 0 for a file without any.
        top1_equal: how many have the same top-1.
        max_difference: largest difference of a probability; None without probes.
        invoke_ms: median of one inference with the delegate, in milliseconds.
        cpu_invoke_ms: of one on the CPU, measured in turn with the other; None where the CPU cannot run the file.
    """

    placement: DelegatePlacement
    probes: int
    top1_equal: int
    max_difference: float | None
    invoke_ms: float
    cpu_invoke_ms: float | None

    @property
    def ratio(self) -> float | None:
        """Time with the delegate over time without: below 1 it is faster; None where there is none without."""
        return None if self.cpu_invoke_ms is None else self.invoke_ms / self.cpu_invoke_ms


def measure_delegate(
    model: str | Path, delegate: Delegate, *, threads: int = 1, runtime: str | None = None, trust: bool = False
) -> DelegateReport:
    """Run the golden probes of `model` (grey images, for a file without any) with a delegate and without.

    Args:
        model: path of a file, or name of a bundled model.
        delegate: what is looked at.
        threads: of the runtime, for both.
        runtime: as for `Classifier`, for both.
        trust: open a file at once, not in a child process first.

    Raises:
        ModelFileError: missing, damaged, or refused by the runtime.
        DelegateError: the delegate does not do what is asked for.
    """
    options = RunOptions(threads, delegate=delegate, runtime=runtime, trust=trust, probe=False)
    with_it = open_model(model, options)
    images, gather = _probe_images(with_it), with_it.session.gather(with_it.input)
    inputs = [gather(pixels).copy() for pixels in images]
    if not delegate.is_built_in and custom_operators(with_it.packed.flatbuffer):
        (alone_ms,) = _time_in_turn((with_it.session,), inputs)
        return DelegateReport(with_it.session.placement(), 0, 0, None, statistics.median(alone_ms), None)
    without = open_model(model, replace(options, delegate=delegate.compared_with))
    scores, cpu_scores = with_it.probabilities_of(images), without.probabilities_of(images)
    times_ms, cpu_times_ms = _time_in_turn((with_it.session, without.session), inputs)
    has_probes = with_it.packed.golden is not None
    return DelegateReport(
        placement=with_it.session.placement(),
        probes=len(inputs) if has_probes else 0,
        top1_equal=int((scores.argmax(axis=1) == cpu_scores.argmax(axis=1)).sum()) if has_probes else 0,
        max_difference=float(np.abs(scores - cpu_scores).max()) if has_probes else None,
        invoke_ms=statistics.median(times_ms),
        cpu_invoke_ms=statistics.median(cpu_times_ms),
    )


def _time_in_turn(sessions: Sequence[Runner], inputs: Sequence[npt.NDArray[np.generic]]) -> tuple[list[float], ...]:
    """Milliseconds of each session's runs, a run of each in turn: a noisy moment hits all of them alike."""
    times_ms: tuple[list[float], ...] = tuple([] for _ in sessions)
    for round_ in range(_ROUNDS):
        for session, times in zip(sessions, times_ms, strict=True):
            started = time.perf_counter()
            session.run(inputs[round_ % len(inputs)])
            times.append(1000 * (time.perf_counter() - started))
    return times_ms


def _probe_images(loaded: LoadedModel) -> Pixels:
    golden = golden_of(loaded.packed)
    return golden.images if golden else np.full((_PROBES, *loaded.input.shape), 127, np.uint8)
