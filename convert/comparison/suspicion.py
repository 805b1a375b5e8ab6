"""Whether the Keras network can be the one that was trained: the ladder's first rung, and what `convert` warns of."""

import numpy as np
import numpy.typing as npt

from edgecnn.metrics import evaluate_probabilities
from edgecnn.model_file.card import ModelCard
from edgecnn.pixels.dataset import Split
from edgecnn.sanity import KNOWN, Suspicion, of_a_lost_network, one_class, suspicions

from ..network.input_scaling import read_scaling
from ..network.keras_network import KerasNetwork
from .binomial import at_most
from .constant_values import constant_values
from .last_layer import among_shown, last_layer_trial
from .trials import (
    GAIN,
    Better,
    Trial,
    better_trial,
    images_in_a_batch,
    input_trials,
    normalisations,
    other_statistics,
    statistics_trial,
)

# Enough to tell a right input from a wrong one; more take time.
_IMAGES = 200
DROP = 0.01  # of accuracy, and beyond chance:
CHANCE = 0.01
_AS_GOOD = 0.1  # of the images
_MUCH = 0.2  # likewise
_OF_STATISTICS = (
    (
        "its batch normalisation was frozen or called with training=False",
        "its training was too short for the momentum of these layers",
        "its statistics were not loaded, or are of other images than these",
        "it is not fed as in training",
    ),
    "look how many images of its training are right{where}: if as few, train it again with these layers trainable, for "
    "longer or with a smaller momentum, or load all of its weights; else compare how they are fed",
)
_OF_A_LAST_LAYER = (
    (
        "its last layer was made anew, or was not trained for all of these classes",
        "it was not trained at all, or its weights were not loaded",
        "these are other images than those of its training",
    ),
    "look how many images of its training are right{where}: if as few, train its last layer, or load all of its "
    "weights; else compare those images with these",
)
_NARROW = 0.1  # of what pixels become: networks are trained on values that differ by 1 and more


def suspicions_of(network: KerasNetwork, probabilities: npt.NDArray[np.float32], split: Split) -> tuple[Suspicion, ...]:
    """What looks wrong with a Keras network: its training, and what it answers.

    Args:
        network: which edgecnn may have trained, or not.
        probabilities: its own, of the images of `split`, float32 (images, classes).
        split: labelled, or not: then only what needs no labels can be noticed.
    """
    return (*_of_training(network.card), *_of_answers(network, probabilities, split))


def _of_training(card: ModelCard) -> tuple[Suspicion, ...]:
    if card.training is None or card.training.is_finished:
        return ()
    evidence = f"its training is not finished: the card is of epoch {card.training.epochs}, and of no test images"
    causes = "the training was killed, or the machine went off", "model.keras was copied while it was trained"
    experiment = "edgecnn train --resume, in the run directory of the training, goes on with it"
    return (Suspicion("unfinished", evidence, causes, experiment),)


def _of_answers(network: KerasNetwork, probabilities: npt.NDArray[np.float32], split: Split) -> tuple[Suspicion, ...]:
    """What is noticed in the answers; where the network is lost, other ways to run it are tried."""
    labels, spec, is_own = network.card.labels, network.card.input, network.card.training is not None
    if split.is_labelled:
        found = suspicions(evaluate_probabilities(probabilities, split.labels).confusion, labels, spec, is_own)
        right = int((probabilities.argmax(axis=1) == split.labels).sum())
        causes = {one.cause for one in found}
        is_lost = bool(causes - {"labels", "missing classes"}) or is_below_training(network.card, right, len(split))
        # Nobody knows how good it was; where the order of its labels explains all, nothing else needs to.
        may_be_lost = not is_own and not is_lost and "labels" not in causes and right < KNOWN * len(split)
    else:
        found = one_class(np.bincount(probabilities.argmax(axis=1), minlength=len(labels)), labels, spec, is_own)
        is_lost, may_be_lost = True, False  # nobody knows
    if not is_lost and (is_own or not split.is_labelled):
        return found
    rows = split.drawn(min(_IMAGES, len(split)))
    some = split.at(rows)
    seen = _seen_in(network, some) if is_lost else []
    if any(one.cause == "one class" for one in found):
        seen += constant_values(network, np.asarray(some.images))
    better = _better(network, some, probabilities[rows], is_lost, may_be_lost) if split.is_labelled else []
    is_explained = any(one.cause == "one class" for one in seen)
    if split.is_labelled and not better and (is_lost or may_be_lost) and not is_explained:
        trial = last_layer_trial(network, some)
        last = better_trial(some, among_shown(probabilities[rows], some), [trial], _MUCH) if trial else None
        better = [last] if last else []
    if may_be_lost and better:
        seen += _seen_in(network, some)
    return _together(found, seen, better, network)


def is_below_training(card: ModelCard, right: int, images: int) -> bool:
    """Whether surely fewer of the test images are right than when edgecnn trained the network."""
    training = card.training
    if training is None or training.test_accuracy is None or training.test_images != images:
        return False
    expected = max(0.0, training.test_accuracy - DROP)
    return at_most(right, images, expected) <= CHANCE


def _seen_in(network: KerasNetwork, some: Split) -> list[Suspicion]:
    """What can be seen in the network itself."""
    seen = []
    scaling, spec = read_scaling(network.model), network.card.input
    width = 255 * max(abs(a * b) for a, b in zip(scaling.scale, spec.scale, strict=True)) if scaling else 1.0
    if scaling and width < _NARROW and set(spec.scale) != {1.0}:
        low, high = (value * spec.scale[0] + spec.offset[0] for value in (0, 255))
        evidence = (
            f"pixels become {low:.3g} to {high:.3g} and are scaled again by the network: {scaling.words()}, so that "
            f"{width:.3g} is left between black and white"
        )
        causes = "it scales pixels itself and was trained on 0 to 255", "it was trained on pixels scaled twice"
        advice = "the card beside the model says scale 1, offset 0" if network.card.training else "--input-range 0 255"
        seen.append(Suspicion("scaled twice", evidence, causes, f"convert it with {advice}: are more images right?"))
    evidence = other_statistics(network, np.asarray(some.images[: images_in_a_batch(network)]))
    if evidence:
        causes = "these layers were frozen or called with training=False", "the network was never trained"
        experiment = "train it again with these layers trainable, or load all of its weights, and compare"
        seen.append(Suspicion("statistics", evidence, causes, experiment))
    return seen


def _better(
    network: KerasNetwork, some: Split, now: npt.NDArray[np.float32], is_lost: bool, may_be_lost: bool
) -> list[Better]:
    """What surely does better: the best other input, and other statistics of batch normalisation; the best one first.

    One of them that is far worse than the other cures only some of what that other does. The statistics of the images
    at hand help many a healthy network a little, of a short training or on photographs of another camera.
    """
    trials: list[Better | None] = []
    if normalisations(network.model):
        few = some.drawn(min(images_in_a_batch(network), len(some)))
        gain = GAIN if is_lost else _MUCH
        trials.append(better_trial(some.at(few), now[few], [statistics_trial(network)], gain))
    # Other input has other statistics: where those help, it may be what is wrong.
    everything = is_lost or may_be_lost or any(trials)
    trials.insert(0, better_trial(some, now, list(input_trials(network, everything))))
    found = sorted((each for each in trials if each), key=lambda each: -each.share)
    return [each for each in found if each.share > found[0].share - _AS_GOOD]


def _together(
    found: tuple[Suspicion, ...], seen: list[Suspicion], better: list[Better], network: KerasNetwork
) -> tuple[Suspicion, ...]:
    """One suspicion of what was noticed in the answers, in the network, and by trying."""
    noticed = [*found, *seen]
    if not noticed and not better:
        return ()
    evidence = [one.evidence for one in noticed]
    evidence += [f"the network does better when it is run otherwise: {one.words}" for one in better]
    # What was tried tells more than what was seen, and that more than the answers alone.
    better = sorted(better, key=lambda one: one.trial.cause not in [each.cause for each in seen])
    reasons = [_of_a_trial(one.trial, network) for one in better]
    cures = any(one.share >= KNOWN and one.trial.cause != "last layer" for one in better)
    # Other input may bring dead layers to life, whatever they died of; and other colours may look like other names.
    kept = [*(one for one in found if one.cause == "labels"), *(one for one in seen if one.cause == "one class")]
    # Dead layers may have died of what the answers speak for.
    others = [*seen, *found] if any(one.cause == "one class" for one in seen) else seen or found
    reasons += [(one.causes, one.experiment) for one in (kept if cures else others)]
    if not cures and not noticed:  # it helps a network that is lost all the same
        reasons.append(of_a_lost_network(network.card.input, network.card.training is not None))
    is_lost = found and found[0].cause != "labels"
    cause = found[0].cause if is_lost and not seen else seen[0].cause if seen else ""
    return (
        Suspicion(
            cause or (better[0].trial.cause if better else found[0].cause),
            "; ".join(evidence),
            _distinct([cause for causes, _ in reasons for cause in causes]),
            "; or ".join(dict.fromkeys(experiment for _, experiment in reasons)),
        ),
    )


def _distinct(causes: list[str]) -> tuple[str, ...]:
    """Each cause once: of those that say the same the one that says more."""
    once = list(dict.fromkeys(causes))
    return tuple(one for one in once if not any(other.startswith(f"{one} ") for other in once))


def _of_a_trial(trial: Trial, network: KerasNetwork) -> tuple[tuple[str, ...], str]:
    is_own = network.card.training is not None
    if trial.cause in ("statistics", "last layer"):
        reasons, experiment = _OF_STATISTICS if trial.cause == "statistics" else _OF_A_LAST_LAYER
        return reasons, experiment.format(where=" by edgecnn evaluate" if is_own else " in the code that trained it")
    if trial.turns:
        causes = f"it was trained on images that are {trial.how.removeprefix('with images ')}", "these images are"
        return causes, "look at an image of its training beside one of these; make them stand alike"
    option = trial.how.removeprefix("with ")
    what = "make the card beside the model say so" if is_own else f"convert it with {option}"
    trained = f"it was trained on {'such input' if is_own else f'what {option} makes'}"
    return (trained, "these images are negatives") if trial.negates else (trained,), what
