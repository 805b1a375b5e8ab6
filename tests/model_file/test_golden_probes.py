"""Golden probes tell much about a device, and weigh little beside their network."""

import numpy as np
import numpy.typing as npt
import pytest

from edgecnn import InputSpec
from edgecnn.arrays import Pixels
from edgecnn.model_file.card import ModelCard, Provenance, Quantization
from edgecnn.model_file.golden import Golden, preprocessing_sha256
from edgecnn.model_file.golden_probes import COUNT, ProbeModels, choose_probes, coarse, golden_probes, most_bytes
from edgecnn.pixels.dataset import Split
from tests.support.photographs import photograph

CLASSES = 5


def spec_of(side: int) -> InputSpec:
    return InputSpec(side, side, 3, "rgb", "crop", "bilinear", (1 / 255,) * 3, (0.0,) * 3, "any")


def photographs(count: int, side: int) -> Split:
    wide = np.asarray(photograph(side * 4, side * 4))
    rng = np.random.default_rng(1)
    corners = rng.integers(0, side * 3, (count, 2))
    images = np.stack([wide[top : top + side, left : left + side] for top, left in corners])
    return Split(images, np.arange(count) % CLASSES)


def answers(images: Pixels) -> npt.NDArray[np.float32]:
    """A model of its own: five brightnesses compete."""
    level = np.asarray(images).mean(axis=(1, 2, 3))[:, None] / 255 * (CLASSES - 1)
    scores = np.exp(-2 * (level - np.arange(CLASSES)) ** 2)
    return np.asarray(scores / scores.sum(axis=1, keepdims=True), np.float32)


def keras_answers(images: Pixels) -> npt.NDArray[np.float32]:
    return answers(images) + np.float32(0.001)


def probes_of(split: Split, side: int, limit: int) -> Golden:
    images = np.asarray(split.images)
    models = ProbeModels(keras_answers, answers, "some-runtime 1.0")
    return golden_probes(split, keras_answers(images), answers(images), models, spec_of(side), 0, limit)


@pytest.mark.parametrize("side", [96, 224])
@pytest.mark.parametrize("limit", [64_000, 200_000])
def test_photographs_fit_and_have_the_answers_to_what_is_stored(side: int, limit: int) -> None:
    split = photographs(60, side)
    golden = probes_of(split, side, limit)
    assert len(golden.to_bytes()) <= limit and 8 <= len(golden.images) <= COUNT
    assert golden.images.shape[1:] == (side, side, 3)
    quantization, provenance = Quantization("int8"), Provenance("0.1.0", "", "", "")
    labels = tuple(map(str, range(golden.host.shape[1])))
    card = ModelCard("photographs", labels, spec_of(side), quantization, provenance)
    read = Golden.from_bytes(golden.to_bytes(), card, "m")
    np.testing.assert_array_equal(read.host, answers(read.images))
    np.testing.assert_array_equal(read.keras, keras_answers(read.images))
    assert read.preprocessing_sha256 == preprocessing_sha256(spec_of(side), read.images)
    lead = np.sort(read.host, axis=1)
    assert (lead[:, -1] - lead[:, -2]).min() >= 0.2  # no healthy device can flip them


def test_images_that_fit_are_test_images_as_they_are() -> None:
    split = photographs(60, 24)
    golden = probes_of(split, 24, 64_000)
    known = {image.tobytes() for image in np.asarray(split.images)}
    assert len(golden.images) == COUNT and all(image.tobytes() in known for image in golden.images)


def test_the_fewest_and_coarsest_are_left_where_nothing_fits() -> None:
    golden = probes_of(photographs(30, 64), 64, 100)
    assert len(golden.images) == 2
    assert all(len(np.unique(image.reshape(-1, 3), axis=0)) <= (64 // 16) ** 2 for image in golden.images)


def test_blocks_have_the_mean_of_their_pixels_at_the_edge_too() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), np.uint8)
    found = coarse(images, 4)
    assert found.shape == images.shape
    np.testing.assert_array_equal(found[0, 0, 0], np.rint(images[0, :4, :4].mean(axis=(0, 1))))
    assert (found[:, :4, :4] == found[:, :1, :1]).all() and (found[:, 4:, 4:] == found[:, 4:5, 4:5]).all()
    np.testing.assert_array_equal(coarse(images, 1), images)


def test_every_class_is_among_the_first_probes() -> None:
    split = photographs(200, 16)
    scores = np.full((200, CLASSES), 0.1, np.float32)
    scores[np.arange(200), split.labels] = 0.6
    rows = choose_probes(split, scores, 0)
    assert len(rows) == COUNT and set(split.labels[rows[:CLASSES]]) == set(range(CLASSES))


@pytest.mark.parametrize(
    ("flatbuffer", "limit"), [(3_000, 3_000), (64_000, 64_000), (600_000, 64_000), (4_000_000, 200_000)]
)
def test_probes_never_outweigh_their_network(flatbuffer: int, limit: int) -> None:
    assert most_bytes(flatbuffer) == limit


def test_a_few_safe_leads_are_joined_by_the_largest_others() -> None:
    split = photographs(40, 16)
    lead = np.linspace(0, 0.3, 40)  # seven of them are 0.25 at least
    scores = np.stack([(1 + lead) / 2, (1 - lead) / 2], axis=1).astype(np.float32)
    assert sorted(choose_probes(split, scores, 0)) == list(range(40 - COUNT, 40))
