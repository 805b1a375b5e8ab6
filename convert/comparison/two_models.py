"""Two models on the same labelled images, whatever each was made of: which is better, and where they differ."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecnn.paired import PairedComparison
from edgecnn.pixels.dataset import Dataset
from edgecnn.printable import composed
from edgecnn.wilson import wilson_interval


@dataclass(frozen=True)
class ModelAnswers:
    """What a model says of the test images.

    Attributes:
        model: its name, for people.
        size_bytes: of its file.
        labels: its class names, in output order.
        probabilities: (images, classes).
        truth: int64 (images,), the true classes in the order of `labels`.
    """

    model: str
    size_bytes: int
    labels: tuple[str, ...]
    probabilities: npt.NDArray[np.floating]
    truth: npt.NDArray[np.int64]

    @cached_property
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether each answer is right, (images,)."""
        return np.asarray(self.probabilities.argmax(axis=1) == self.truth)

    @cached_property
    def answers(self) -> list[str]:
        """Its answers, by name, however the file writes accents."""
        names = [*map(composed, self.labels)]
        return [names[index] for index in self.probabilities.argmax(axis=1)]

    @cached_property
    def scores(self) -> list[float]:
        """The probability of each answer."""
        return [float(score) for score in self.probabilities.max(axis=1)]


@dataclass(frozen=True)
class TwoModels:
    """Two models' answers on the same images.

    Attributes:
        dataset: its test images are what was asked about, in its own order of classes.
    """

    first: ModelAnswers
    second: ModelAnswers
    dataset: Dataset

    @cached_property
    def paired(self) -> PairedComparison:
        """How many images which of them gets right."""
        return PairedComparison.of(self.first.right, self.second.right)

    @cached_property
    def differing(self) -> list[int]:
        """The images on which they give different answers."""
        pairs = zip(self.first.answers, self.second.answers, strict=True)
        return [row for row, (first, second) in enumerate(pairs) if first != second]

    def classes(self) -> list[tuple[str, int, int, int]]:
        """Of every class: its name, its images, how many the first and how many the second gets right."""
        truth, figures = self.dataset.test.labels, []
        for index, label in enumerate(self.dataset.labels):
            rows = truth == index
            first, second = int(self.first.right[rows].sum()), int(self.second.right[rows].sum())
            figures.append((label, int(rows.sum()), first, second))
        return figures

    @property
    def verdict(self) -> str:
        """Which is better, in one of three ways."""
        return {0: "first is better", 1: "second is better", None: "cannot tell"}[self.paired.better]

    @property
    def words(self) -> str:
        """The verdict in a sentence, with what it is worth."""
        paired, names = self.paired, (self.first.model, self.second.model)
        low, high = paired.interval
        points = f"{100 * abs(paired.difference):.2f} points"
        if paired.better is not None:
            ends = sorted((100 * abs(low), 100 * abs(high)))
            return (
                f"{names[paired.better]} is better: by {points} of accuracy (95 % interval {ends[0]:.2f} to "
                f"{ends[1]:.2f}), McNemar p {paired.mcnemar_p:.2g}"
            )
        if not self.differing:
            return f"both give the same answers to all {paired.images:,} images"
        if paired.images_needed is None:
            return f"cannot tell which is better: each gets {paired.only_first:,} right that the other gets wrong"
        return (
            f"cannot tell which is better: {points} may be chance (95 % interval of the change {100 * low:+z.2f} to "
            f"{100 * high:+z.2f}, McNemar p {paired.mcnemar_p:.2g}); if they are as different as here, about "
            f"{paired.images_needed:,} images would show it"
        )


def to_dict(two: TwoModels) -> dict[str, Any]:
    """Every figure, ready for JSON."""
    paired, truth = two.paired, two.dataset.test.labels
    low, high = paired.interval
    return {
        "images": paired.images,
        "verdict": two.verdict,
        "first": _figures(two.first),
        "second": _figures(two.second),
        "both_right": paired.both,
        "only_first_right": paired.only_first,
        "only_second_right": paired.only_second,
        "neither_right": paired.neither,
        "agreement": 1 - len(two.differing) / paired.images,
        "difference": paired.difference,
        "difference_low": low,
        "difference_high": high,
        "mcnemar_p": paired.mcnemar_p,
        "images_needed": paired.images_needed,
        "classes": [
            {"label": label, "images": images, "first": first, "second": second}
            for label, images, first, second in two.classes()
        ],
        "differing": [
            {
                "image": name_of(two, row),
                "label": two.dataset.labels[truth[row]],
                "first": two.first.answers[row],
                "second": two.second.answers[row],
            }
            for row in two.differing
        ],
    }


def name_of(two: TwoModels, row: int) -> str:
    """A test image's file, or its number."""
    names = two.dataset.test.names
    return names[row] if names else f"#{row}"


def _figures(one: ModelAnswers) -> dict[str, Any]:
    low, high = wilson_interval(int(one.right.sum()), len(one.right))
    return {
        "model": one.model,
        "size_bytes": one.size_bytes,
        "accuracy": float(one.right.mean()),
        "interval_low": low,
        "interval_high": high,
    }
