"""Three steps of a training, to know what all of them will take."""

import resource
import time
from dataclasses import dataclass

import keras

from . import fit

_STEPS = 3


@dataclass(frozen=True)
class Estimate:
    """What a training will take.

    Attributes:
        parameters: of the network.
        steps: of the whole training, if nothing ends it early.
        step_ms: the fastest of three, the first of which traces the graph.
        seconds: of all steps; evaluation and saving come on top.
        peak_mib: memory of the process so far, in MiB; on a GPU the memory of the host.
    """

    parameters: int
    steps: int
    step_ms: float
    seconds: float
    peak_mib: int


def rehearse(job: fit.Job) -> Estimate:
    """Take three training steps and extrapolate; nothing is written."""
    keras.utils.set_random_seed(job.seed)
    model, trained, batches, _ = fit.prepare(job)
    times = []
    for step in range(_STEPS):
        batch = batches[step % len(batches)]
        started = time.perf_counter()
        trained.train_on_batch(*batch)
        times.append(time.perf_counter() - started)
    steps = len(batches) * job.recipe.epochs
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Estimate(model.count_params(), steps, 1000 * min(times), steps * min(times), peak_kib // 1024)
