"""The pictures of a training's report: mistakes, doubtful labels, duplicates, and the data at a glance."""

from collections.abc import Iterator

import numpy as np

from edgecnn.html_page import gallery, image, picture, table, text
from edgecnn.pixels.dataset import Dataset, Split

from ..data.duplicates import BITS, MOST_PAIRS, NEAR_BITS, NEAR_LEVELS, Thumbnails, find_duplicates
from .answers import SplitAnswers
from .mislabelled import find_mislabelled, margins

# What keeps the page below 2 MB, whatever the images are.
_MISTAKES, _SUSPECTS, _PAIRS, _CLASSES, _OF_A_CLASS = 24, 18, 12, 20, 6


def mistakes(test: SplitAnswers, labels: tuple[str, ...]) -> str:
    """The wrong answers that the network is surest of."""
    wrong = np.flatnonzero(test.predicted != test.split.labels)
    order = wrong[np.argsort(-test.certainty[wrong], kind="stable")]
    if not len(order):
        return "<p>Every test image is right.</p>"
    shown = (
        picture(
            [np.asarray(test.split.images[row])],
            f"{labels[test.predicted[row]]} {test.certainty[row]:.1%}",
            f"is {labels[test.split.labels[row]]}",
            test.name_of(row),
        )
        for row in order[:_MISTAKES]
    )
    return f"<p>{_counted(len(order), _MISTAKES, 'mistake')}</p>{gallery(shown)}"


def mislabelled(answers: SplitAnswers, labels: tuple[str, ...]) -> str:
    """Images of a split whose label looks wrong."""
    rows = find_mislabelled(answers.probabilities, answers.split.labels)
    _, other = margins(answers.probabilities, answers.split.labels)
    looked = f"{len(answers.rows):,} {answers.name} images"
    if len(answers.rows) < answers.whole:
        looked = f"{len(answers.rows):,} of {answers.whole:,} {answers.name} images (edgecnn report looks at all)"
    parts = [f"<h3>{len(rows):,} of {text(looked)}</h3>"]
    if answers.name == "training":
        parts.append(
            '<p class="note">The network was trained on these labels: a wrong one that it has learnt by heart looks '
            "right to it and is missing here. More epochs hide more. With --validation-split 0.2 a fifth of them is "
            "held back, and looked at as images that it does not know.</p>"
        )
    if len(rows) > _SUSPECTS:
        parts.append(f"<p>{_counted(len(rows), _SUSPECTS, 'image')}</p>")
    return "".join(parts) + gallery(
        picture(
            [np.asarray(answers.split.images[row])],
            f"labelled {labels[answers.split.labels[row]]}",
            f"looks like {labels[other[row]]} {answers.probabilities[row, other[row]]:.1%}",
            answers.name_of(row),
        )
        for row in rows[:_SUSPECTS]
    )


def duplicates(dataset: Dataset) -> str:
    """Images that are in the training split and in another one."""
    training, parts = Thumbnails.of(dataset.train.images), []
    others = {"test": dataset.test} | ({"validation": dataset.validation} if dataset.validation else {})
    for name, split in others.items():
        found = find_duplicates(Thumbnails.of(split.images), training)
        exact = sum(one.is_exact for one in found)
        parts.append(
            f"<p>{exact:,} of {len(split):,} {name} images are training images too, {len(found) - exact:,} more are "
            f"nearly the same. {_limits(len(split) * len(dataset.train))}</p>"
        )
        # Those with another label there first: one of the two must be wrong.
        found.sort(key=lambda one: split.labels[one.row] == dataset.train.labels[one.other])
        parts.append(
            gallery(
                picture(
                    [np.asarray(split.images[one.row]), np.asarray(dataset.train.images[one.other])],
                    f"{_placed(split, one.row, name)}, {dataset.labels[split.labels[one.row]]}",
                    f"{_placed(dataset.train, one.other, 'training')}, "
                    f"{dataset.labels[dataset.train.labels[one.other]]}",
                    "the same pixels" if one.is_exact else f"{one.levels:.1f} levels of 255 apart",
                    kind="pair",
                )
                for one in found[:_PAIRS]
            )
        )
    return "".join(parts)


def _limits(pairs: int) -> str:
    if pairs > MOST_PAIRS:
        return "Nearly: the same difference hash (of more pairs than can be compared one by one in seconds)."
    return (
        f"Nearly: at most {NEAR_BITS} of the {BITS} bits of their difference hashes differ, and small gray copies of "
        f"them by at most {NEAR_LEVELS:g} levels of 255 on average."
    )


def _placed(split: Split, row: int, name: str) -> str:
    return f"{name}: {split.names[row]}" if split.names else split.name_of(row, name)


def glance(dataset: Dataset) -> str:
    """How many images of each class every split has, and some of the training images."""
    splits = {"training": dataset.train, "validation": dataset.validation, "test": dataset.test}
    there = {name: split for name, split in splits.items() if split is not None}
    counts = [split.count_classes(len(dataset.labels)) for split in there.values()]
    rows = [[label, *(f"{count[index]:,}" for count in counts)] for index, label in enumerate(dataset.labels)]
    more = len(dataset.labels) - _CLASSES
    after = f"<p>Pictures of {_CLASSES} of the {len(dataset.labels):,} classes.</p>" if more > 0 else ""
    return table(("class", *there), rows) + after + "".join(_samples(dataset))


def _samples(dataset: Dataset) -> Iterator[str]:
    for index, label in enumerate(dataset.labels[:_CLASSES]):
        members = np.flatnonzero(dataset.train.labels == index)
        # Spread over all: neighbours in a folder are often of one series.
        chosen = members[np.linspace(0, len(members) - 1, min(_OF_A_CLASS, len(members))).astype(int)]
        images = "".join(image(np.asarray(dataset.train.images[row]), 48, "small") for row in chosen)
        yield f"<p>{text(label)}<br>{images}</p>"


def _counted(count: int, most: int, thing: str) -> str:
    things = thing if count == 1 else f"{thing}s"
    return f"{count:,} {things}, the surest {most} of them:" if count > most else f"{count:,} {things}:"
