"""What is held back of a data set: a share of every class, and of a rare one never all."""

import numpy as np
import pytest

from edgecnn.pixels.dataset import Dataset, held_back


def test_held_back_images_are_a_share_of_every_class(fashion: Dataset) -> None:
    kept, held = held_back(fashion.train.labels, 0.1, seed=3)
    assert len(held) == 6000 and np.bincount(fashion.train.labels[held]).tolist() == [600] * 10
    assert sorted([*kept, *held]) == list(range(60_000))


@pytest.mark.parametrize("sizes", [(1000, 20), (1000, 150), (30, 2)])
@pytest.mark.parametrize("share", [0.1, 0.2, 0.99])
def test_held_back_images_leave_rare_classes_their_part(sizes: tuple[int, int], share: float) -> None:
    labels = np.repeat([0, 1], sizes)
    kept, held = held_back(labels, share, seed=0)
    assert np.bincount(labels[kept], minlength=2).min() >= 1
    expected = [min(round(share * size), size - 1) for size in sizes]
    assert np.bincount(labels[held], minlength=2).tolist() == expected
