"""Labelled images: parts of them, the same for the same seed, and as many of each class."""

import numpy as np
import numpy.typing as npt
import pytest

from edgecnn import InputError
from edgecnn.pixels.dataset import Dataset, Split, check_seed, held_back, stratified
from edgecnn.pixels.input_spec import InputSpec

SPEC = InputSpec(2, 2, 1, "grayscale", "stretch", "bilinear", (1.0,), (0.0,), "any")
LABELS = np.array([0] * 10 + [1] * 5 + [2] * 2 + [3], np.int64)


@pytest.fixture
def split() -> Split:
    """Images that say where they stand: all pixels of image 7 are 7."""
    return Split(np.broadcast_to(np.arange(18, dtype=np.uint8)[:, None, None, None], (18, 2, 2, 1)), LABELS)


def each(labels: npt.NDArray[np.int64]) -> list[int]:
    """How many of each of the four classes."""
    return [int(np.count_nonzero(labels == value)) for value in range(4)]


def standing(part: Split) -> list[int]:
    return [int(image[0, 0, 0]) for image in part.images]


def test_take_gives_the_first_images_with_their_labels(split: Split) -> None:
    part = split.take(11)
    assert standing(part) == list(range(11)) and list(part.labels) == list(LABELS[:11]) and len(part) == 11


def test_the_images_of_each_class_are_counted_those_without_an_image_too(split: Split) -> None:
    assert split.count_classes(5).tolist() == [*each(LABELS), 0]


def test_sample_gives_as_many_of_each_class_in_the_order_in_which_they_stand(split: Split) -> None:
    part = split.sample(7, seed=3)
    assert standing(part) == sorted(standing(part)) == standing(split.sample(7, seed=3))
    assert list(part.labels) == [int(LABELS[place]) for place in standing(part)]
    assert each(part.labels) == [2, 2, 2, 1]
    assert any(standing(split.sample(7, seed=seed)) != standing(part) for seed in range(3))


@pytest.mark.parametrize(("labels", "known"), [([0, 1], True), ([-1, -1], False), ([], False)])
def test_images_are_labelled_if_it_is_known_what_they_show(labels: list[int], known: bool) -> None:
    assert Split(np.zeros((len(labels), 2, 2, 1), np.uint8), np.array(labels, np.int64)).is_labelled is known


def test_classes_are_numbered_as_those_of_a_model_by_name() -> None:
    def images(*labels: int) -> Split:
        return Split(np.zeros((len(labels), 2, 2, 1), np.uint8), np.array(labels, np.int64))

    named = ("ant", "bee", "cafe\u0301")  # as some file systems spell it: e and an accent of its own
    own = Dataset("d", named, SPEC, images(0, 1, 2, 2), images(2, 0), "0" * 64, "here", images(1))
    assert own.ordered_as(named) is own
    model = ("bee", "wasp", "caf\u00e9", "ant")
    found = own.ordered_as(model)
    assert found.labels == model and found.validation is not None
    assert found.train.labels.tolist() == [3, 0, 2, 2] and found.test.labels.tolist() == [2, 3]
    assert found.validation.labels.tolist() == [0] and own.train.labels.tolist() == [0, 1, 2, 2]
    unknown = Dataset("d", named, SPEC, images(0), images(-1, -1), "0" * 64, "here")
    assert unknown.ordered_as(model).test.labels.tolist() == [-1, -1] and unknown.ordered_as(model).validation is None
    with pytest.raises(ValueError, match="not in tuple"):
        own.ordered_as(("bee", "ant"))


def test_stratified_takes_one_of_each_class_in_turn() -> None:
    drawn = stratified(LABELS, 18, seed=0)
    assert sorted(drawn) == list(range(18))
    assert list(LABELS[drawn[:11]]) == [0, 1, 2, 3, 0, 1, 2, 0, 1, 0, 1]


@pytest.mark.parametrize(("share", "counts"), [(0.0, [0, 0, 0, 0]), (0.2, [2, 1, 0, 0]), (0.5, [5, 2, 1, 0])])
def test_held_back_is_a_share_of_each_class(share: float, counts: list[int]) -> None:
    kept, held = held_back(LABELS, share, seed=0)
    assert sorted([*kept, *held]) == list(range(18)) and list(held) == sorted(held)
    assert each(LABELS[held]) == counts


@pytest.mark.parametrize("sizes", [(1000, 20), (1000, 150), (30, 2)])
@pytest.mark.parametrize("share", [0.1, 0.2, 0.99])
def test_held_back_images_leave_rare_classes_their_part(sizes: tuple[int, int], share: float) -> None:
    labels = np.repeat([0, 1], sizes)
    kept, held = held_back(labels, share, seed=0)
    assert np.bincount(labels[kept], minlength=2).min() >= 1
    expected = [min(round(share * size), size - 1) for size in sizes]
    assert np.bincount(labels[held], minlength=2).tolist() == expected


def test_never_all_of_a_class_are_held_back() -> None:
    kept, _ = held_back(LABELS, 1.0, seed=0)
    assert each(LABELS[kept]) == [1, 1, 1, 1]


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_seeds_that_every_library_takes_pass(seed: int) -> None:
    check_seed(seed)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "1", None])
def test_other_seeds_are_a_sentence(seed: object) -> None:
    with pytest.raises(InputError, match=r"seed must be a whole number from 0 to 2\*\*32 - 1\. Received: "):
        check_seed(seed)  # type: ignore[arg-type]
