"""A classifier that cannot be the one that was trained is noticed; a weak one, or one on few images, is not."""

import numpy as np
import pytest

from edgecnn.pixels.input_spec import InputSpec
from edgecnn.sanity import one_class, suspicions

NAMES = ("cat", "dog", "emu", "fox")


def confusion(*rows: tuple[int, ...]) -> np.ndarray:
    return np.array(rows, np.int64)


def spread(classes: int, images: int, right: float) -> np.ndarray:
    """Of every class so many images, a share of them right, the others anywhere."""
    generator = np.random.default_rng(0)
    wrong = [generator.multinomial(round(images * (1 - right)), np.full(classes, 1 / classes)) for _ in range(classes)]
    return np.asarray(np.add(wrong, np.eye(classes, dtype=int) * round(images * right)), np.int64)


# What is found, and what the sentence must say.
FOUND = {
    "all images one class": (confusion((0, 20, 0), (0, 20, 0), (0, 20, 0)), "one class", "all 60 images get one class"),
    "guessing": (spread(4, 50, 0.0), "chance", "no more than by guessing (25"),
    "guessing, mostly one class": (confusion((2, 28), (3, 27)), "chance", "29 of 60 images are right"),
    "two of two exchanged": (confusion((1, 29), (28, 2)), "labels", "'cat' gets 'dog', 'dog' gets 'cat'; 5.0% of 60"),
    "two of four exchanged": (
        confusion((30, 0, 0, 0), (0, 28, 1, 1), (0, 1, 3, 26), (1, 1, 27, 1)), "labels",
        "'emu' gets 'fox', 'fox' gets 'emu'; 51.7%",
    ),
    "two much alike exchanged": (  # of the second alone it is not sure
        confusion((5, 32, 0, 3), (18, 12, 6, 4), (0, 5, 33, 2), (1, 0, 3, 36)), "labels",
        "'cat' gets 'dog', 'dog' gets 'cat'; 53.8% of 160 images are right, in the best order 74.4% would be",
    ),
    "a last layer that was never trained": (
        confusion((4, 20, 8, 8), (10, 4, 8, 18), (4, 6, 10, 20), (20, 6, 10, 4)), "chance",
        "22 of 160 images are right (13.8%), in the best order of the labels 42.5% would be",
    ),
    "all moved by one": (np.roll(np.diag([20, 20, 20, 20]), 1, axis=1), "labels", "in the best order 100.0%"),
}  # fmt: skip


@pytest.mark.parametrize("case", FOUND)
def test_what_looks_wrong_is_said_with_its_likely_cause(case: str) -> None:
    matrix, cause, words = FOUND[case]
    (found,) = suspicions(matrix, NAMES)
    assert found.cause == cause and words in found.words and "--" in found.words


QUIET = {
    "all right": np.diag([10, 10, 10, 10]),
    "weak": spread(4, 50, 0.2),
    "one class is taken for another": confusion((30, 0, 0), (28, 2, 0), (0, 0, 30)),
    "a circle that is not sure": confusion((9, 10, 0), (10, 9, 0), (0, 0, 20)),
    "few images": confusion((0, 4), (4, 1)),
    "images of one class": confusion((0, 30), (0, 0)),
    "few images of many classes": np.eye(100, dtype=int),
    "weak, with many classes": spread(100, 10, 0.5),
    "two much alike": confusion((12, 18, 0), (16, 14, 0), (0, 0, 30)),
}


@pytest.mark.parametrize("case", QUIET)
def test_what_may_be_so_is_not_suspected(case: str) -> None:
    matrix = QUIET[case]
    assert suspicions(matrix, [f"class {index}" for index in range(len(matrix))]) == ()


def test_one_class_is_noticed_without_labels() -> None:
    spec = InputSpec(8, 8, 1, "grayscale", "pad", "bilinear", (1 / 255 / 255,), (0.0,), "any")
    (found,) = one_class(np.array([0, 12]), NAMES, spec)
    assert found.cause == "one class" and "(here pixels become 0 to 0.00392)" in found.words
    assert one_class(np.array([1, 12]), NAMES) == () and one_class(np.array([0, 9]), NAMES) == ()


def test_what_is_advised_is_what_can_be_done() -> None:
    exchanged, guessing = confusion((1, 29), (28, 2)), spread(4, 50, 0.0)
    for matrix in (exchanged, guessing):
        (foreign,), (own,) = suspicions(matrix, NAMES), suspicions(matrix, NAMES, is_own=True)
        assert "--labels" in foreign.words and "--labels" not in own.words and "--input-range" not in own.words
    (own,) = one_class(np.array([0, 12]), NAMES, is_own=True)
    assert "edgecnn parity" in own.words and "--input-range" not in own.words
