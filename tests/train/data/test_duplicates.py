"""Images that are in two splits: copied, saved again as JPEG, or only alike."""

import io

import numpy as np
import pytest
from PIL import Image

from edgecnn.arrays import Pixels
from edgecnn.pixels.dataset import Dataset
from edgecnn.train.data import duplicates
from edgecnn.train.data.duplicates import Thumbnails, find_duplicates

COPIED, SAVED_AGAIN = {3: 70, 11: 5}, {20: 8, 33: 410, 47: 111}


def saved_again(pixels: Pixels) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels[:, :, 0]).save(buffer, "JPEG", quality=80)
    with Image.open(buffer) as image:
        return np.asarray(image)[:, :, None]


@pytest.fixture(scope="module")
def training(fashion: Dataset) -> Pixels:
    return np.array(fashion.train.images[:500])


@pytest.fixture(scope="module")
def test_images(fashion: Dataset, training: Pixels) -> Pixels:
    images = np.array(fashion.test.images[:60])
    for row, other in COPIED.items():
        images[row] = training[other]
    for row, other in SAVED_AGAIN.items():
        images[row] = saved_again(training[other])
    return images


def test_planted_duplicates_are_found_and_nothing_else(test_images: Pixels, training: Pixels) -> None:
    found = find_duplicates(Thumbnails.of(test_images), Thumbnails.of(training))
    assert {one.row: one.other for one in found} == COPIED | SAVED_AGAIN
    assert {one.row for one in found if one.is_exact} == set(COPIED)
    assert all(0 < one.levels <= 2.5 for one in found if not one.is_exact)


def test_of_very_many_pairs_exact_copies_are_found(
    test_images: Pixels, training: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates, "MOST_PAIRS", len(test_images) * len(training) - 1)
    shifted = test_images.copy()
    shifted[50] = training[200].clip(max=253) + 2  # the same differences between neighbours
    found = find_duplicates(Thumbnails.of(shifted), Thumbnails.of(training))
    assert {one.row for one in found if one.is_exact} == set(COPIED)
    assert 50 in {one.row for one in found}


def test_flat_images_are_alike_only_at_one_level() -> None:
    levels = np.arange(10, 250, 10, dtype=np.uint8)
    flat = np.broadcast_to(levels[:, None, None, None], (len(levels), 20, 20, 3)).copy()
    found = find_duplicates(Thumbnails.of(flat + 1), Thumbnails.of(flat))
    assert [(one.row, one.other) for one in found] == [(row, row) for row in range(len(levels))]
    assert not find_duplicates(Thumbnails.of(flat + 5), Thumbnails.of(flat))


def test_the_nearest_of_several_is_named(training: Pixels) -> None:
    noise = np.random.default_rng(0).integers(-9, 10, training[0].shape)
    others = np.stack([(training[0] + noise).clip(0, 255).astype(np.uint8), saved_again(training[0]), training[1]])
    (found,) = find_duplicates(Thumbnails.of(training[:1]), Thumbnails.of(others))
    assert found.other == 1
