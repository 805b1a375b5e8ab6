"""Other ways to run a Keras network: whether it surely does better so says what is wrong with the way it is run."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.metrics import best_order, evaluate_probabilities, right_in_order
from edgecnn.pixels.dataset import Split
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.sanity import ENOUGH, Cause

from ..network.feature_maps import layer_uses, values_of
from ..network.keras_network import KerasNetwork
from ..network.pixel_range import RANGES
from .binomial import at_least

_CHANCE, GAIN = 0.01, 0.03
_STEPS = 1.0  # powers of two, or standard deviations, that a statistic may be off in the median channel
# Images (count, height, width, channels) as other programs may have read or stored them.
_TURNED: dict[str, Callable[[Pixels], Pixels]] = {
    "turned upside down": lambda images: images[:, ::-1, ::-1],
    "mirrored top to bottom": lambda images: images[:, ::-1],
    "mirrored left to right": lambda images: images[:, :, ::-1],
    "turned to the left": lambda images: np.rot90(images, 1, (1, 2)),
    "turned to the right": lambda images: np.rot90(images, 3, (1, 2)),
    "mirrored along their diagonal": lambda images: images.swapaxes(1, 2),
}
_MOST, _FEWEST, _VALUES = 200, 8, 250_000_000  # images in a batch, and float32 values of all layers for them


@dataclasses.dataclass(frozen=True)
class Trial:
    """A way to run a network.

    Attributes:
        cause: what is wrong if it is the right one.
        how: in words, or as the options that do it.
        answer: from uint8 images (count, height, width, channels) to probabilities, float32 (count, classes).
        simpler: `how` of an earlier trial that changes less, if there is one.
        turns: whether it turns the images.
        negates: whether it makes negatives of them.
    """

    cause: Cause
    how: str
    answer: Callable[[Pixels], npt.NDArray[np.float32]]
    simpler: str = ""
    turns: bool = False
    negates: bool = False


@dataclasses.dataclass(frozen=True)
class Better:
    """What a trial that surely does better tells.

    Attributes:
        trial: the way to run the network.
        share: of the images that are right so, 0 to 1.
        words: both, and how many are right now.
    """

    trial: Trial
    share: float
    words: str


def input_trials(network: KerasNetwork, everything: bool) -> Iterator[Trial]:
    """The ways to feed it: with blue first and, where `everything` is to be tried, with other ranges, and turned."""
    spec, is_own = network.card.input, network.card.training is not None
    blue = "with red and blue exchanged" if is_own else "with --channel-order bgr"
    if spec.channels == 3:
        yield _fed(network, spec, True, blue)
    if not everything:
        return
    black, white = spec.offset[0], 255 * spec.scale[0] + spec.offset[0]
    for low, high in (*RANGES, (white, black)):  # the last one makes negatives
        scale, offset = ((high - low) / 255,) * spec.channels, (low,) * spec.channels
        if np.allclose(scale, spec.scale) and np.allclose(offset, spec.offset):
            continue
        other = dataclasses.replace(spec, scale=scale, offset=offset)
        how = f"with pixels from {low:g} to {high:g}" if is_own else f"with --input-range {low:g} {high:g}"
        trial = _fed(network, other, False, how)
        yield dataclasses.replace(trial, negates=(low, high) == (white, black))
        if spec.channels == 3:
            yield _fed(network, other, True, f"{how} and {blue.removeprefix('with ')}", how)
    for how, turned in _TURNED.items():
        if turned(np.zeros((1, spec.height, spec.width, 1), np.uint8)).shape[1:3] == (spec.height, spec.width):
            yield Trial("input", f"with images {how}", _answer_turned(network, turned), turns=True)


def _answer_turned(
    network: KerasNetwork, turned: Callable[[Pixels], Pixels]
) -> Callable[[Pixels], npt.NDArray[np.float32]]:
    return lambda images: network.predict(turned(images))


def _fed(network: KerasNetwork, spec: InputSpec, reverses: bool, how: str, simpler: str = "") -> Trial:
    other = network.prepared_as(spec)
    return Trial("input", how, lambda images: other.predict(images[..., ::-1] if reverses else images), simpler)


def better_trial(
    some: Split, now: npt.NDArray[np.float32], trials: Sequence[Trial], gain: float = GAIN
) -> Better | None:
    """The way in which surely more of the images are right; None where there is none.

    One that changes more than another must surely be better than that one too. And it must be as good as the best
    order of the labels, where each class has images enough to tell that: of a network that knows nothing, some way to
    run it is always better by chance.

    Args:
        some: images, and what they show.
        now: probabilities of them as the network is run now, float32 (images, classes).
        trials: other ways to run it.
        gain: of the share of images that are right, at least.
    """
    images = np.asarray(some.images)
    right = now.argmax(axis=1) == some.labels
    confusion = evaluate_probabilities(now, some.labels).confusion
    best, found = right.mean() + gain, None
    if np.unique(some.labels, return_counts=True)[1].min() >= ENOUGH:
        best = max(best, right_in_order(confusion, best_order(confusion)) / len(some) - gain)
    if best > 1:  # nothing can be
        return None
    tried: dict[str, npt.NDArray[np.bool_]] = {}
    for trial in trials:
        is_right = tried[trial.how] = trial.answer(images).argmax(axis=1) == some.labels
        chance = _CHANCE / len(trials)
        if is_right.mean() >= best and _surely_more(is_right, right, chance):
            if trial.simpler and not _surely_more(is_right, tried[trial.simpler], chance):
                continue
            best = is_right.mean()
            words = f"{trial.how} {best:.1%} of {len(some):,} images are right, now {right.mean():.1%}"
            found = Better(trial, float(best), words)
    return found


def _surely_more(these: npt.NDArray[np.bool_], those: npt.NDArray[np.bool_], chance: float) -> bool:
    gained, lost = int((these & ~those).sum()), int((those & ~these).sum())
    return gained > 0 and at_least(gained, gained + lost, 0.5) < chance


class _BatchStatistics(keras.layers.BatchNormalization):
    """Normalises by the batch's own mean and variance, and remembers those."""

    def call(self, inputs: keras.KerasTensor, training: bool | None = None, mask: object = None) -> keras.KerasTensor:
        return super().call(inputs, training=True, mask=mask)


def images_in_a_batch(network: KerasNetwork) -> int:
    """How many images may be run at once with all that the layers make of them in memory."""
    values = sum(values_of(use.output) for use in layer_uses(network.model))
    return max(_FEWEST, min(_MOST, _VALUES // max(1, values)))


def normalisations(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """The batch normalisations of a flat model."""
    return [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]


def statistics_trial(network: KerasNetwork) -> Trial:
    """The network with the statistics of the images that it is run on."""

    def answer(images: Pixels) -> npt.NDArray[np.float32]:
        model = _with_batch_statistics(network.model)
        return np.asarray(model.predict_on_batch(network.fed(images)), np.float32)

    return Trial("statistics", "with the statistics of these images", answer)


def _with_batch_statistics(model: keras.Model) -> keras.Model:
    """A copy of a model whose batch normalisations are `_BatchStatistics`."""

    def copied(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if isinstance(layer, keras.layers.BatchNormalization):
            return _BatchStatistics.from_config({**config, "momentum": 0.0, "trainable": True})
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=copied)
    copy.set_weights(model.get_weights())
    return copy


def _initial_statistics(model: keras.Model) -> list[str]:
    """Names of the batch normalisations whose mean is 0 and variance 1 in every channel, as before any training."""
    return [
        layer.name
        for layer in normalisations(model)
        if not np.any(layer.moving_mean) and np.all(np.asarray(layer.moving_variance) == 1)
    ]


def other_statistics(network: KerasNetwork, images: Pixels) -> str:
    """What images give to layers with initial statistics, in words; empty where there are none, or it is much the same.

    Args:
        network: whose layers.
        images: uint8 (count, height, width, channels), all of which are run at once.
    """
    names = _initial_statistics(network.model)
    outputs = [use.output for use in layer_uses(network.model) if use.layer.name in names[:1]]
    # Most often the first of these layers tells, and what comes before it is soon run.
    beginning = [keras.Model(network.model.inputs, outputs[0])] if len(outputs) == 1 else []
    for model in (*beginning, network.model) if names else ():
        with_own = _with_batch_statistics(model)
        with_own.predict_on_batch(network.fed(images))
        for layer in with_own.layers:
            if layer.name in names and (words := _far_from_initial(layer)):
                where = "1 layer" if len(names) == 1 else f"{len(names)} layers"
                return (
                    "batch normalisation has mean 0 and variance 1, as before any training, in "
                    f"{where}; these images give {layer.name} {words}"
                )
    return ""


def _far_from_initial(layer: keras.layers.BatchNormalization) -> str:
    means, variances = (np.asarray(each) for each in (layer.moving_mean, layer.moving_variance))
    off = np.maximum(np.abs(means), np.abs(np.log2(np.maximum(variances, np.finfo(np.float32).tiny))))
    if np.median(off) <= _STEPS:
        return ""
    return (
        f"means of {means.min():.3g} to {means.max():.3g} and variances of "
        f"{variances.min():.3g} to {variances.max():.3g}"
    )
