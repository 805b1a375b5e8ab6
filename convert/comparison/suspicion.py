"""Whether the Keras network can be the one that was trained, and how it would answer if it were fed otherwise."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from edgecnn.metrics import evaluate_probabilities
from edgecnn.pixels.dataset import Split
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.sanity import Suspicion, one_class, suspicions

from ..network.keras_network import KerasNetwork

# Enough to tell a right input from a wrong one; more take time.
_IMAGES = 200
_CHANCE, _GAIN = 0.01, 0.03
_RANGES = ((0.0, 255.0), (0.0, 1.0), (-1.0, 1.0))


def suspicions_of(network: KerasNetwork, probabilities: npt.NDArray[np.float32], split: Split) -> tuple[Suspicion, ...]:
    """What looks wrong with a Keras network; where it was trained elsewhere, other inputs are tried.

    Args:
        network: which edgecnn may have trained, or not.
        probabilities: its own, of the images of `split`, float32 (images, classes).
        split: labelled, or not: then there is only one thing that can be noticed.
    """
    labels, spec, is_own = network.card.labels, network.card.input, network.card.training is not None
    if not split.is_labelled:
        return one_class(np.bincount(probabilities.argmax(axis=1), minlength=len(labels)), labels, spec, is_own)
    found = suspicions(evaluate_probabilities(probabilities, split.labels).confusion, labels, spec, is_own)
    if is_own:
        return found
    is_lost = any(one.cause != "labels" for one in found)
    better = _better_input(network, split, tried=list(_inputs(spec, everything=is_lost)))
    if not better:
        return found
    if not found:
        return (Suspicion("input", f"the network does better when it is fed otherwise: {better}"),)
    return (
        dataclasses.replace(found[0], words=f"{found[0].words}. It does better when it is fed otherwise: {better}"),
    )


@dataclasses.dataclass(frozen=True)
class _Input:
    """Another way to feed a network: how pixels are scaled, whether blue comes first, and the option that does it."""

    spec: InputSpec
    reverses: bool
    option: str


def _inputs(spec: InputSpec, everything: bool) -> Iterator[_Input]:
    """The ways to try: with blue first and, where nothing is right, with other ranges."""
    if spec.channels == 3:
        yield _Input(spec, True, "--channel-order bgr")
    if not everything:
        return
    for low, high in _RANGES:
        scale, offset = ((high - low) / 255,) * spec.channels, (low,) * spec.channels
        if np.allclose(scale, spec.scale) and np.allclose(offset, spec.offset):
            continue
        other = dataclasses.replace(spec, scale=scale, offset=offset)
        yield _Input(other, False, f"--input-range {low:g} {high:g}")
        if spec.channels == 3:
            yield _Input(other, True, f"--input-range {low:g} {high:g} --channel-order bgr")


def _better_input(network: KerasNetwork, split: Split, tried: list[_Input]) -> str:
    """The way in which surely more images are right, in words; empty where there is none."""
    some = split.sample(min(_IMAGES, len(split)))
    images = np.asarray(some.images)
    right = network.predict(images).argmax(axis=1) == some.labels
    best, words = right.mean() + _GAIN, ""
    for other in tried:
        fed = dataclasses.replace(network, card=dataclasses.replace(network.card, input=other.spec))
        answers = fed.predict(images[..., ::-1] if other.reverses else images).argmax(axis=1)
        is_right = answers == some.labels
        gained, lost = int((is_right & ~right).sum()), int((right & ~is_right).sum())
        if is_right.mean() < best or not gained:
            continue
        if binomtest(gained, gained + lost, 0.5, alternative="greater").pvalue < _CHANCE / len(tried):
            best = is_right.mean()
            words = f"with {other.option} {best:.1%} of {len(some):,} images are right, now {right.mean():.1%}"
    return words
