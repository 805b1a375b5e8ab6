"""Whether a classifier that runs well can be the one that was trained: at chance, one class for all, labels exchanged.

Conversion may keep every answer of a network that is fed wrongly: then all figures of parity are good, and all answers
wrong. What is said here is a suspicion, with its likely cause.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from .metrics import best_order, right_in_order
from .pixels.input_spec import InputSpec
from .wilson import wilson_interval

Confusion = npt.NDArray[np.int64]
Cause = Literal[
    "one class",
    "chance",
    "missing classes",
    "labels",
    "last layer",
    "input",
    "scaled twice",
    "statistics",
    "unfinished",
]
# Fewer images tell nothing.
ENOUGH = 10
_CHANCE = 0.01  # that as many images of a class move by accident; shared by all classes
_NAMED = 4
_MISSING = 0.25  # of the classes, and two: a weak network takes one for another
KNOWN = 0.5  # of the images: who gets fewer right may know none of these classes well
_MANY = 500  # throws: from here on the normal distribution is near enough, and quick


@dataclass(frozen=True)
class Suspicion:
    """What looks wrong with a classifier.

    Attributes:
        cause: for programs: `one class` (all images get the same), `chance` (no better than guessing, or hardly),
            `missing classes` (no image gets them), `labels` (names of classes are exchanged), `last layer` (what it
            takes tells the classes apart, and it does not), `input` (it does better when it is fed otherwise),
            `scaled twice` (pixels are), `statistics` (those of its batch normalisation are not those of its images),
            `unfinished` (its training broke off).
        evidence: what the figures show.
        causes: what it may come from: the evidence does not tell these apart.
        experiment: what would.
    """

    cause: Cause
    evidence: str
    causes: tuple[str, ...]
    experiment: str

    @property
    def words(self) -> str:
        """All of it as a sentence for people."""
        return f"{self.evidence}: likely {', or '.join(self.causes)}; {self.experiment}"


def suspicions(
    confusion: Confusion, labels: Sequence[str], spec: InputSpec | None = None, is_own: bool = False
) -> tuple[Suspicion, ...]:
    """What looks wrong with a classifier on labelled images.

    Args:
        confusion: int64 (classes, classes); rows are the true class, columns the predicted one.
        labels: class names.
        spec: how pixels become its input, to be said along with it.
        is_own: whether edgecnn trained it: then other options help.
    """
    images, classes_there = int(confusion.sum()), int((confusion.sum(axis=1) > 0).sum())
    if images < ENOUGH or classes_there < 2:
        return ()
    alike = one_class(confusion.sum(axis=0), labels, spec, is_own)
    if alike:
        return alike
    order = best_order(confusion)
    right, best = int(np.trace(confusion)), right_in_order(confusion, order)
    exchanged = _exchanged(confusion, order)
    if exchanged and best >= KNOWN * images:
        return (_labels(confusion, labels, exchanged, best, is_own),)
    guessing = float(confusion.sum(axis=1) @ confusion.sum(axis=0)) / images**2
    if lower_bound(right, images) > guessing and not exchanged:
        return () if is_own else _missing(confusion, labels)  # its training tells of weak classes
    evidence = f"{right:,} of {images:,} images are right ({right / images:.1%})"
    evidence += (
        f", in the best order of the labels {best / images:.1%} would be"
        if exchanged
        else f", no more than by guessing ({guessing:.1%})"
    )
    causes, experiment = of_a_lost_network(spec, is_own)
    # With so many images of each class an order of the labels that is not this one would show.
    if exchanged or confusion.sum(axis=1).min() < ENOUGH:
        causes = (causes[0], "its labels stand in another order", *causes[1:])
    return (Suspicion("chance", evidence, causes, experiment),)


def _missing(confusion: Confusion, labels: Sequence[str]) -> tuple[Suspicion, ...]:
    """Whether classes of which there are many images are the answer to none, of a network that knows the others."""
    shown = confusion.sum(axis=1)
    is_missing = (confusion.sum(axis=0) == 0) & (shown >= 3 * ENOUGH)
    missing = np.flatnonzero(is_missing)
    if len(missing) < max(2, _MISSING * len(labels)) or np.trace(confusion) < KNOWN * shown[~is_missing].sum():
        return ()
    named = ", ".join(repr(labels[each]) for each in missing[:_NAMED]) + (", …" if len(missing) > _NAMED else "")
    evidence = f"no image gets {named}, though {int(shown[missing].sum()):,} of {int(shown.sum()):,} show such"
    causes = (
        "its training had no images of these classes, or few",
        "it was trained too briefly to tell these classes from others",
        "the numbers of these classes in its last layer were lost",
        "the images of these classes are others than in its training",
    )
    experiment = (
        "count the images of each class in its training, and look how many of them are right: where there are none, "
        "train it again with all classes; where they are right, compare them with these"
    )
    return (Suspicion("missing classes", evidence, causes, experiment),)


def one_class(
    predicted: npt.NDArray[np.integer], labels: Sequence[str], spec: InputSpec | None = None, is_own: bool = False
) -> tuple[Suspicion, ...]:
    """Whether all images get one class; `predicted` counts the answers, integers (classes,)."""
    images, best = int(predicted.sum()), int(predicted.argmax())
    if images < ENOUGH or int(predicted[best]) < images:
        return ()
    evidence = f"all {images:,} images get one class, {labels[best]!r}"
    return (Suspicion("one class", evidence, *of_a_lost_network(spec, is_own)),)


def of_a_lost_network(spec: InputSpec | None, is_own: bool) -> tuple[tuple[str, ...], str]:
    """What a network that tells nothing apart may come from, and the experiment that tells which it is."""
    causes = (
        f"it is not fed as in training{_fed(spec)}",
        "it, or its last layer, has not learned these classes",
        "these are other images than those of its training, or under other names",
    )
    if is_own:
        return causes, "edgecnn parity on the data set it was trained on tells which it is"
    return causes, (
        "run these images, and some of its training, through the code that trained it: where both are right, compare "
        "--input-range, --scale and --labels with it; where only the latter are, these are others; else train it again"
    )


def lower_bound(right: int, images: int) -> float:
    """Lower end of the 95 % Wilson interval of an accuracy, 0 to 1."""
    return wilson_interval(right, images)[0]


def _exchanged(confusion: Confusion, order: npt.NDArray[np.intp]) -> list[tuple[int, int]]:
    """The classes whose images surely get another one's name, as (true, answered), where the best order says so too."""
    classes = np.arange(len(confusion))

    def are_sure(*rows: int) -> bool:
        here, there = (int(confusion[list(rows), columns].sum()) for columns in (list(rows), order[list(rows)]))
        return there > here and _tail(there, here + there) < _CHANCE / len(confusion) ** len(rows)

    # Of two classes that are much alike one alone may not be sure, and both together are.
    is_pair = (order != classes) & (order[order] == classes)
    found = [
        (true, answered)
        for true, answered in enumerate(order.tolist())
        if are_sure(true) or (is_pair[true] and are_sure(true, answered))
    ]
    # A class that is taken for another is a weak network; names that are exchanged come back to where they began.
    moved = {true for true, _ in found}
    return found if len(found) > 1 and any(answered in moved for _, answered in found) else []


def _labels(
    confusion: Confusion, labels: Sequence[str], exchanged: Sequence[tuple[int, int]], best: int, is_own: bool
) -> Suspicion:
    images, right = int(confusion.sum()), int(np.trace(confusion))
    moved = ", ".join(f"{labels[true]!r} gets {labels[answered]!r}" for true, answered in exchanged[:_NAMED])
    more = ", …" if len(exchanged) > _NAMED else ""
    evidence = (
        f"the labels seem to stand in another order than in training: {moved}{more}; {right / images:.1%} of "
        f"{images:,} images are right, in the best order {best / images:.1%} would be"
    )
    causes = (
        "the names were written in another order",
        "the folders of the images are called otherwise",
        "the images are turned, mirrored or of other colours, where that is what tells these classes apart",
    )
    experiment = (
        "look at an image of each of these classes, beside one of its training: where both look alike and the folder "
        "is right, put the "
        f"{'classes of --data' if is_own else 'lines of --labels'} into the order of training"
    )
    return Suspicion("labels", evidence, causes, experiment)


def _tail(successes: int, tries: int) -> float:
    """Chance of as many heads or more in so many throws of a coin."""
    if tries > _MANY:
        return math.erfc((2 * successes - tries - 1) / math.sqrt(2 * tries)) / 2
    return float(sum(math.comb(tries, heads) for heads in range(successes, tries + 1)) / 2**tries)


def _fed(spec: InputSpec | None) -> str:
    if spec is None:
        return ""
    low = min(min(offset, 255 * scale + offset) for scale, offset in zip(spec.scale, spec.offset, strict=True))
    high = max(max(offset, 255 * scale + offset) for scale, offset in zip(spec.scale, spec.offset, strict=True))
    return f" (here pixels become {low:.3g} to {high:.3g})"
