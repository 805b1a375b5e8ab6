"""Where on the ladder a classifier breaks, in which layer, and why, in words."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from edgecnn.metrics import best_order, evaluate_probabilities
from edgecnn.model_file.card import PROBABILITIES
from edgecnn.model_file.schemes import SCHEMES
from edgecnn.paired import PairedComparison

from .binomial import at_least
from .causes import PROPORTIONAL, cause_of, cause_of_coarse_weights, finer_steps, is_saturated, precision
from .constant_values import NO_WEIGHTS
from .contradiction import contradiction, describe
from .finding import Cause, Finding
from .ladder import Ladder
from .layer_figures import LayerFigures
from .operator_fault import CONVERT_AGAIN, listed_faults
from .other_weights import other_weights
from .rungs import Rung, name_of
from .suspicion import CHANCE, DROP, is_below_training

# A rung is broken when it is surely worse than the one before, or answers otherwise where nothing should change.
_AGREEMENT = 0.97
# A layer is broken below 2 bits of precision, or when it has lost as many since the rung before.
_SQNR_DB = 12.0
_LOST_DB = 12.0


def diagnose(ladder: Ladder) -> tuple[Finding, ...]:
    """The first rung that breaks, with its cause; where none does, remarks on what is lost all the same."""
    first = ladder.rungs[0].name
    doubts = tuple(
        Finding(first, PROBABILITIES, one.cause, one.words, False, one.causes, one.experiment)
        for one in ladder.suspicions
    )
    broken = _keras(ladder) or _climb(ladder)
    if broken:
        return (broken,) if broken.rung == first else (broken, *doubts)
    remarks = (_ties(ladder), _dead(ladder), *_noted(ladder))
    return (*doubts, *(remark for remark in remarks if remark))


def _keras(ladder: Ladder) -> Finding | None:
    """Keras itself does worse than when it was trained: the data or their preparation are not what they were."""
    rung, training = ladder.rungs[0], ladder.keras_card.training
    if training is None or training.test_accuracy is None or rung.parity.accuracy is None or ladder.truth is None:
        return None
    if not is_below_training(ladder.keras_card, round(rung.parity.accuracy * rung.parity.images), rung.parity.images):
        return None
    then = f"Keras had {training.test_accuracy:.2%} on these images after training, now {rung.parity.accuracy:.2%}"
    best, order = _best_order(rung, ladder.truth)
    if best >= training.test_accuracy - DROP:
        moved = ", ".join(f"{ladder.dataset_labels[a]} for {ladder.dataset_labels[b]}" for a, b in order)
        return Finding(
            rung.name, PROBABILITIES, "labels",
            f"labels stand in another order: {then}, but {best:.2%} with {moved}; restore the order of training",
            True,
        )  # fmt: skip
    seen = next((one for one in ladder.suspicions if one.cause != "labels"), None)
    if seen:
        cause: Cause = seen.cause if seen.cause in ("statistics", "last layer") else "preprocessing"
        cause = "weights" if NO_WEIGHTS in seen.evidence else cause
        layer = "image" if cause == "preprocessing" else PROBABILITIES
        return Finding(rung.name, layer, cause, f"{then}: {seen.words}", True, seen.causes, seen.experiment)
    causes = (
        f"images are prepared otherwise than in training (the card says {describe(ladder.keras_card.input)})",
        "model.keras has other weights",
        "they are other images",
    )
    experiment = (
        f"edgecnn evaluate {ladder.run / 'model.keras'} on the data set of the training tells the images from the "
        "rest; restore what the network was trained with"
    )
    return Finding(
        rung.name, "image", "preprocessing", f"{then}: {', or '.join(causes)}; {experiment}", True, causes, experiment
    )


def _best_order(rung: Rung, truth: npt.NDArray[np.int64]) -> tuple[float, list[tuple[int, int]]]:
    """Accuracy under the best renaming of the classes, and which are exchanged as (answered, meant)."""
    confusion = evaluate_probabilities(rung.probabilities, truth).confusion
    order = best_order(confusion)
    exchanged = [(int(p), t) for t, p in enumerate(order) if t != p]
    return float(confusion[np.arange(len(order)), order].sum()) / len(truth), exchanged


def _climb(ladder: Ladder) -> Finding | None:
    for before, rung in zip(ladder.rungs, ladder.rungs[1:], strict=False):
        breaks = _breaks(before, rung, ladder)
        if rung.kind == "delegate":
            return _of_delegate(before, rung, ladder) if breaks else None  # the last: the file itself is right
        named = contradiction(ladder, breaks) if rung.is_of_the_file else None
        if named:
            return Finding(rung.name, *named, broken=True)
        if ladder.weight_faults and rung.kind == "dequantized":
            return other_weights(rung.name, ladder)
        if ladder.operator_faults and rung.kind in ("reference", "default"):
            fault = ladder.operator_faults[0]
            words = f"{listed_faults(ladder.operator_faults)}; {fault.advice}"
            return Finding(rung.name, fault.layer, "conversion", words, True)
        if breaks:
            return _why(before, rung, ladder)
    return None


def _of_delegate(before: Rung, rung: Rung, ladder: Ladder) -> Finding:
    """Why an accelerator is not right: the same file was, on this processor."""
    broken, name = _broken_layer(before, rung), rung.name.removeprefix(f"{ladder.scheme}, ")
    flips = np.flatnonzero(before.probabilities.argmax(axis=1) != rung.probabilities.argmax(axis=1))
    advice = f"leave {name} out, or update it"
    if broken:
        earlier = next(precision(layer) for layer in before.layers if layer.name == broken.name)
        message = (
            f"{broken.name} has {precision(broken):z.1f} dB on {name}, and {earlier:z.1f} dB on the kernels of this "
            f"processor; {advice}"
        )
        return Finding(rung.name, broken.name, "kernels", message, True)
    tied = _tied(rung, flips, ladder.scheme)
    lost = f"{len(flips):,} images flip on {name} alone, though every feature map stays close; {advice}"
    return Finding(rung.name, PROBABILITIES, "ties" if tied else "kernels", tied or lost, True)


def _breaks(before: Rung, rung: Rung, ladder: Ladder) -> bool:
    answers, surely = [each.probabilities.argmax(axis=1) for each in (before, rung)], False
    if ladder.truth is not None:
        right = [answer == ladder.truth for answer in answers]
        surely = bool(right[0].mean() - right[1].mean() > DROP) and PairedComparison.of(*right).mcnemar_p < CHANCE
    flips = int((answers[0] != answers[1]).sum())
    many = at_least(flips, len(answers[0]), 1 - _AGREEMENT) < CHANCE
    return surely or many or _broken_layer(before, rung) is not None


def _broken_layer(before: Rung, rung: Rung) -> LayerFigures | None:
    earlier = {layer.name: precision(layer) for layer in before.layers}
    for layer in rung.layers:
        here = precision(layer)
        if here < _SQNR_DB and earlier.get(layer.name, float("inf")) - here > _LOST_DB:
            return layer
    return None


def _why(before: Rung, rung: Rung, ladder: Ladder) -> Finding:
    broken = _broken_layer(before, rung)
    layer = broken.name if broken else PROBABILITIES
    is_first = rung.is_of_the_file and not before.is_of_the_file
    if is_first and ladder.card.provenance.parent_sha256 not in ("", ladder.compared.keras_sha256):
        message = "the file was made from another model.keras than the one in the run"
        if broken and broken.cosine > PROPORTIONAL:
            message += f": the values of {layer} are {broken.gain:,.4g} times Keras'"
        return Finding(rung.name, layer, "weights", f"{message}; {CONVERT_AGAIN}", True)
    if rung.kind == "dequantized":
        spoiled = rung.layers[: rung.layers.index(broken) + 1] if broken else rung.layers
        origin, cause, message = cause_of_coarse_weights(spoiled, ladder.scheme)
        if broken or cause == "dwarfed":
            message = f"{origin.name} ({precision(origin):z.1f} dB): {message}"
            return Finding(rung.name, origin.name, cause, message, True)
    if ladder.other_build and rung.kind in ("reference", "default") and before.kind != "reference":
        built, words = ladder.other_build
        if broken is None or built == layer:
            return Finding(rung.name, built, "conversion", f"{built}: {words}; {CONVERT_AGAIN}", True)
    if broken is None:
        flips = np.flatnonzero(before.probabilities.argmax(axis=1) != rung.probabilities.argmax(axis=1))
        tied = _tied(rung, flips, ladder.scheme)
        lost = (
            f"{len(flips):,} images flip though every feature map stays close; what is lost is lost in the last "
            f"layers; {finer_steps(ladder.scheme, ladder.takes_16_bits)}"
        )
        return Finding(rung.name, layer, "ties" if tied else "noise", tied or lost, True)
    if before.kind == "reference":
        message = (
            f"{layer} is right on the reference kernels and has {precision(broken):z.1f} dB here; update the runtime"
        )
        return Finding(rung.name, layer, "kernels", message, True)
    if not rung.is_of_the_file:
        message = f"{layer} has {precision(broken):z.1f} dB though nothing is quantized: TensorFlow converts it wrongly"
        return Finding(rung.name, layer, "conversion", message, True)
    # A range that is too small spoils what follows more than the layer itself: name where it begins.
    up_to = rung.layers[: rung.layers.index(broken) + 1]
    origin = next((candidate for candidate in up_to if is_saturated(candidate)), broken)
    earlier = up_to[: up_to.index(origin)]
    cause, message = cause_of(
        origin, ladder.scheme, before.kind == "dequantized", ladder.card.ranges, earlier, ladder.takes_16_bits
    )
    return Finding(rung.name, origin.name, cause, f"{origin.name} ({precision(origin):z.1f} dB): {message}", True)


def _noted(ladder: Ladder) -> Iterator[Finding]:
    """What the ladder could not do, or compared with something else than Keras."""
    if ladder.left_out:
        words = f"this rung is left out: {ladder.left_out}; the kernels of the next rung were compared alone"
        yield Finding(name_of("reference", ladder.scheme), "", "left out", words, False)
    if ladder.tuning:
        words = f"weights, biases and ranges are compared with those that --qat exported; {ladder.tuning}"
        yield Finding(name_of("dequantized", ladder.scheme), "", "tuned", words, False)


def _ties(ladder: Ladder) -> Finding | None:
    """How many of the flips are ties of an integer output: nothing is broken, and a float output cures it."""
    words = _tied(ladder.rungs[-1], ladder.flipped, ladder.scheme)
    return Finding(ladder.rungs[-1].name, PROBABILITIES, "ties", words, False) if words else None


def _tied(rung: Rung, flipped: npt.NDArray[np.int64], scheme: str) -> str:
    """A sentence where half of the images that flip, or more, have two best classes in an integer output; else none."""
    if SCHEMES[scheme].output_type == "float32":
        return ""
    ordered = np.sort(rung.probabilities[flipped], axis=1)
    tied = int((ordered[:, -1] == ordered[:, -2]).sum())
    if not tied or tied * 2 < len(flipped):
        return ""
    return (
        f"{tied} of the {len(flipped)} images that flip have their two best classes tied in the output of {scheme}, "
        "whose steps are that coarse; --mixed has a float32 output"
    )


def _dead(ladder: Ladder) -> Finding | None:
    """Channels that say nothing any more, though the answers stay: a teacher would look at black pictures."""
    last = ladder.rungs[-1]
    lost = {layer.name: len(layer.lost_channels) for layer in last.layers if layer.lost_channels}
    if not lost:
        return None
    named = ", ".join(f"{count} of {name}" for name, count in list(lost.items())[:4])
    message = f"channels that vary in Keras are constant here ({named}): their values are smaller than a step"
    return Finding(last.name, next(iter(lost)), "dead", message, False)
