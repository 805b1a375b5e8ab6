"""Three steps of a training, to know what all of them will take."""

import time
from dataclasses import dataclass

import keras
import numpy as np

from edgecnn.peak_memory import peak_rss_bytes
from edgecnn.pixels.input_table import apply_table

from ..prediction import batch_size
from ..pretrained import body_of
from .fit import Fitting, prepare_fitting
from .setup import TrainingSetup
from .training_model import freeze_first_layer

_STEPS = 3


@dataclass(frozen=True)
class Estimate:
    """What a training will take.

    Attributes:
        parameters: of the network.
        steps: of the whole training, if nothing ends it early.
        step_ms: the fastest of three, the first of which traces the graph; the mean of both where the first
            layer stops learning on the way.
        seconds: of all steps, of tracing the graphs, and of the features; evaluation and saving come on top.
        peak_mib: memory of the process so far, in MiB; on a GPU the memory of the host; None where the
            system does not say.
        features_seconds: of what a pretrained network makes of the images, once, if none is known from before.
        start_seconds: of tracing the graphs, once: of a deep network it takes longer than many steps.
    """

    parameters: int
    steps: int
    step_ms: float
    seconds: float
    peak_mib: int | None
    features_seconds: float = 0.0
    start_seconds: float = 0.0


def estimate_training(setup: TrainingSetup) -> Estimate:
    """Take three training steps and extrapolate; nothing is written."""
    keras.utils.set_random_seed(setup.seed)
    fitting = prepare_fitting(setup)
    transfers = setup.recipe.frozen is not None
    steps = len(fitting.batches) * (setup.recipe.epochs - transfers)
    step, start = _time_steps(fitting)
    if setup.recipe.first_layer < 1:
        freeze_first_layer(fitting.training_model, fitting.network)
        rest, again = _time_steps(fitting)
        step, start = step + (1 - setup.recipe.first_layer) * (rest - step), start + again
    start = start if steps else 0.0
    features, tracing = _time_features(fitting) if transfers else (0.0, 0.0)
    start += tracing
    peak = peak_rss_bytes()
    peak_mib = None if peak is None else peak >> 20
    parameters = fitting.network.count_params()
    return Estimate(parameters, steps, 1000 * step, steps * step + start + features, peak_mib, features, start)


def _time_steps(fitting: Fitting) -> tuple[float, float]:
    """Seconds of a training step, and what the first of all takes longer."""
    times = []
    for number in range(_STEPS):
        batch = fitting.batches[number % len(fitting.batches)]
        started = time.perf_counter()
        fitting.training_model.train_on_batch(*batch)
        times.append(time.perf_counter() - started)
    return min(times), times[0] - min(times)


def _time_features(fitting: Fitting) -> tuple[float, float]:
    """Seconds for the features of all images, from those of a batch, and what the first batch takes longer."""
    body, count = body_of(fitting.network), len(fitting.batches.rows)
    rows = fitting.batches.rows[: batch_size(body)]
    inputs = apply_table(fitting.batches.table, np.asarray(fitting.batches.split.images[rows]))
    times = []
    for _ in range(2):  # the first traces the graph
        started = time.perf_counter()
        body.predict_on_batch(inputs)
        times.append(time.perf_counter() - started)
    held = len(fitting.validation.rows) if fitting.validation else 0
    return times[1] * (count + held) / len(rows), max(0.0, times[0] - times[1])
