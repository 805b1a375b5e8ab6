"""Three steps of a training, to know what all of them will take."""

import time
from dataclasses import dataclass

import keras

from edgecnn.peak_memory import peak_rss_bytes

from .fit import prepare_fitting
from .setup import TrainingSetup

_STEPS = 3


@dataclass(frozen=True)
class Estimate:
    """What a training will take.

    Attributes:
        parameters: of the network.
        steps: of the whole training, if nothing ends it early.
        step_ms: the fastest of three, the first of which traces the graph.
        seconds: of all steps; evaluation and saving come on top.
        peak_mib: memory of the process so far, in MiB; on a GPU the memory of the host; None where the
            system does not say.
    """

    parameters: int
    steps: int
    step_ms: float
    seconds: float
    peak_mib: int | None


def estimate_training(setup: TrainingSetup) -> Estimate:
    """Take three training steps and extrapolate; nothing is written."""
    keras.utils.set_random_seed(setup.seed)
    fitting = prepare_fitting(setup)
    times = []
    for step in range(_STEPS):
        batch = fitting.batches[step % len(fitting.batches)]
        started = time.perf_counter()
        fitting.training_model.train_on_batch(*batch)
        times.append(time.perf_counter() - started)
    steps = len(fitting.batches) * setup.recipe.epochs
    peak = peak_rss_bytes()
    peak_mib = None if peak is None else peak >> 20
    return Estimate(fitting.network.count_params(), steps, 1000 * min(times), steps * min(times), peak_mib)
