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
        seconds: of all steps, and of the features; evaluation and saving come on top.
        peak_mib: memory of the process so far, in MiB; on a GPU the memory of the host; None where the
            system does not say.
        features_seconds: of what a pretrained network makes of the images, once, if none is known from before.
    """

    parameters: int
    steps: int
    step_ms: float
    seconds: float
    peak_mib: int | None
    features_seconds: float = 0.0


def estimate_training(setup: TrainingSetup) -> Estimate:
    """Take three training steps and extrapolate; nothing is written."""
    keras.utils.set_random_seed(setup.seed)
    fitting = prepare_fitting(setup)
    step = rest = _time_steps(fitting)
    if setup.recipe.first_layer < 1:
        freeze_first_layer(fitting.training_model, fitting.network)
        rest = _time_steps(fitting)
    step += (1 - setup.recipe.first_layer) * (rest - step)
    transfers = setup.recipe.frozen is not None
    features = _time_features(fitting) if transfers else 0.0
    steps = len(fitting.batches) * (setup.recipe.epochs - transfers)
    peak = peak_rss_bytes()
    peak_mib = None if peak is None else peak >> 20
    parameters = fitting.network.count_params()
    return Estimate(parameters, steps, 1000 * step, steps * step + features, peak_mib, features)


def _time_steps(fitting: Fitting) -> float:
    """Seconds of a training step."""
    times = []
    for number in range(_STEPS):
        batch = fitting.batches[number % len(fitting.batches)]
        started = time.perf_counter()
        fitting.training_model.train_on_batch(*batch)
        times.append(time.perf_counter() - started)
    return min(times)


def _time_features(fitting: Fitting) -> float:
    """Seconds for the features of all images, from those of a batch."""
    body, count = body_of(fitting.network), len(fitting.batches.rows)
    rows = fitting.batches.rows[: batch_size(body)]
    inputs = apply_table(fitting.batches.table, np.asarray(fitting.batches.split.images[rows]))
    body.predict_on_batch(inputs)  # traces the graph
    started = time.perf_counter()
    body.predict_on_batch(inputs)
    held = len(fitting.validation.rows) if fitting.validation else 0
    return (time.perf_counter() - started) * (count + held) / len(rows)
