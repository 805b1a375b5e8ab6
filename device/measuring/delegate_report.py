"""The truth about a delegate: what it computes, how far from the CPU, and how fast beside it."""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgecnn.model_file.golden import Golden

from ..runtime.delegates import BUILT_IN, Delegate, Placement
from ..runtime.loading import LoadedModel, load_model

_ROUNDS = 30
_PROBES = 8


@dataclass(frozen=True)
class Acceleration:
    """A delegate beside the CPU: the runtime's own choice, or for xnnpack the kernels that are built in.

    Attributes:
        placement: which operators it computes.
        probes: how many golden probes were compared; 0 for a file without any.
        top1_equal: how many have the same top-1.
        max_difference: largest difference of a probability; None without probes.
        invoke_ms: median of one inference with the delegate, in milliseconds.
        cpu_invoke_ms: of one on the CPU, measured in turn with the other.
    """

    placement: Placement
    probes: int
    top1_equal: int
    max_difference: float | None
    invoke_ms: float
    cpu_invoke_ms: float

    @property
    def ratio(self) -> float:
        """Time with the delegate over time without: below 1 it is faster."""
        return self.invoke_ms / self.cpu_invoke_ms


def measure(
    model: str | Path, delegate: Delegate, *, threads: int = 1, runtime: str | None = None, trust: bool = False
) -> Acceleration:
    """Run the golden probes of `model` (grey images, for a file without any) with a delegate and without.

    Args:
        trust: open a file without a card at once, not in a child process first.

    Raises:
        ModelFileError: missing, damaged, or refused by the runtime.
        DelegateError: the delegate does not do what is asked for.
    """
    cpu = Delegate("cpu") if delegate.name in BUILT_IN else None
    loaded = [load_model(model, threads, delegate=asked, runtime=runtime, trust=trust) for asked in (delegate, cpu)]
    inputs = _inputs(loaded[0])
    found = [_answers(each, inputs) for each in loaded]
    times: list[list[float]] = [[], []]
    for round_ in range(_ROUNDS):
        for taken, each in zip(times, loaded, strict=True):
            started = time.perf_counter()
            each.session.run(inputs[round_ % len(inputs)])
            taken.append(1000 * (time.perf_counter() - started))
    has_probes = loaded[0].packed.golden is not None
    return Acceleration(
        placement=loaded[0].session.placement(),
        probes=len(inputs) if has_probes else 0,
        top1_equal=int((found[0].argmax(axis=1) == found[1].argmax(axis=1)).sum()) if has_probes else 0,
        max_difference=float(np.abs(found[0] - found[1]).max()) if has_probes else None,
        invoke_ms=statistics.median(times[0]),
        cpu_invoke_ms=statistics.median(times[1]),
    )


def _inputs(loaded: LoadedModel) -> list[npt.NDArray[np.generic]]:
    gather = loaded.session.gather(loaded.input)
    if loaded.packed.golden is None:
        images = np.full((_PROBES, *loaded.input.shape), 127, np.uint8)
    else:
        images = Golden.from_bytes(loaded.packed.golden, loaded.packed.name).images
    return [gather(pixels).copy() for pixels in images]


def _answers(loaded: LoadedModel, inputs: list[npt.NDArray[np.generic]]) -> npt.NDArray[np.float32]:
    answers = []
    for tensor in inputs:
        loaded.session.run(tensor)
        answers.append(loaded.probabilities.dequantize(loaded.session.output(loaded.probabilities)))
    return np.stack(answers)
