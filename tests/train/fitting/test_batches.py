"""Batches: every image once an epoch, in an order that seed and epoch alone decide, divided among processes."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.run_directory import RunDirectory
from edgecnn.train.recipes import RECIPES

pytest.importorskip("keras")

from edgecnn.train.devices.data_parallel import Parallel
from edgecnn.train.devices.processor import Processor
from edgecnn.train.distillation import Mixture, TeacherAnswers
from edgecnn.train.fitting.batches import Batches
from edgecnn.train.fitting.fit import prepare_fitting
from edgecnn.train.fitting.setup import TrainingSetup
from tests.support import own_architectures

# Image number n is of the pixel value n and the class n % 3.
IMAGES = Split(np.arange(11, dtype=np.uint8).reshape(-1, 1, 1, 1), np.arange(11, dtype=np.int64) % 3)
SPEC = InputSpec(1, 1, 1, "grayscale", "stretch", "bilinear", (1.0,), (0.0,), "any")
DATASET = Dataset("d", ("ant", "bee", "wasp"), SPEC, IMAGES, IMAGES, "0" * 64, "here")
RECIPE = dataclasses.replace(RECIPES["notebook"], batch_size=4)
SETUP = TrainingSetup(DATASET, "baseline", RECIPE, 5, Processor("CPU", False, False), RunDirectory(Path("run")))
TABLE = np.arange(256, dtype=np.float32)[None]  # a pixel's input is its value


def flat(batches: list[list[int]]) -> list[int]:
    return [number for batch in batches for number in batch]


def served(setup: TrainingSetup = SETUP, epoch: int = 0, rows: int = 11) -> list[list[int]]:
    """The numbers of the images of every batch; all labels are right."""
    batches = Batches(setup, IMAGES, np.arange(rows), TABLE)
    batches.start_epoch(epoch)
    found = []
    for inputs, labels in (batches[index][:2] for index in range(len(batches))):
        found.append(inputs.ravel().astype(int).tolist())
        assert labels.tolist() == [number % 3 for number in found[-1]]
    return found


def test_every_epoch_serves_every_image_once_in_an_order_of_its_own() -> None:
    first, second = served(epoch=0), served(epoch=1)
    assert [len(batch) for batch in first] == [4, 4, 3]
    assert sorted(flat(first)) == sorted(flat(second)) == list(range(11))
    assert len({str(order) for order in (first, second, served(dataclasses.replace(SETUP, seed=6)))}) == 3
    assert flat(first) != list(range(11))
    # Whatever was served before: a training that goes on begins there.
    assert served(epoch=1) == second


def test_images_that_are_held_back_are_not_served() -> None:
    assert sorted(flat(served(rows=6))) == list(range(6))


def test_the_processes_of_a_job_divide_every_batch_and_leave_out_what_cannot_be_divided() -> None:
    alone = served()
    shares = [served(dataclasses.replace(SETUP, parallel=Parallel(2, 2, process))) for process in range(2)]
    for batch, first, second in zip(alone, *shares, strict=True):
        assert len(first) == len(second) == len(batch) // 2
        assert first + second == batch[: len(batch) - len(batch) % 2]


def test_of_two_devices_of_one_process_a_batch_of_one_image_is_left_out() -> None:
    both = dataclasses.replace(SETUP, parallel=Parallel(2))
    assert [len(batch) for batch in served(both, rows=9)] == [4, 4]


def test_class_weights_weigh_each_image() -> None:
    weighted = dataclasses.replace(SETUP, class_weights=np.array([0.5, 1.0, 4.0], np.float32))
    inputs, labels, weights = Batches(weighted, IMAGES, np.arange(11), TABLE)[0]
    assert inputs.ravel().tolist() == [0, 1, 2, 3] and labels.tolist() == [0, 1, 2, 0]
    assert weights.tolist() == [0.5, 1.0, 4.0, 0.5]


def test_a_teacher_answers_for_images_and_for_mixtures_in_turn_and_the_epoch_is_called_so() -> None:
    plain, mixed = (np.eye(3, dtype=np.float32)[(IMAGES.labels + shift) % 3] for shift in (1, 2))
    # Two parts of image n and one of n + 1, nothing moved.
    partners, shares = np.array([*range(1, 11), 10]), np.full(11, 2 / 3, np.float32)
    mixture = Mixture(partners, shares, np.zeros((11, 2), np.int64), mixed)
    recipe = dataclasses.replace(RECIPE, epochs=4, teacher_weight=0.75)
    batches = Batches(
        dataclasses.replace(SETUP, recipe=recipe), IMAGES, np.arange(10), TABLE, TeacherAnswers(plain, (mixture,))
    )
    told = []
    for epoch in range(4):
        batches.start_epoch(epoch)
        told.append(batches.target)
        inputs, targets = batches[0]
        is_mixed = batches.target == "mixtures"
        rows = np.floor(inputs.ravel()).astype(int)
        np.testing.assert_allclose(inputs.ravel(), rows + is_mixed / 3, rtol=1e-6)
        share, answers = (1.0, mixed) if is_mixed else (0.75, plain)
        expected = [[row % 3, share, *answers[row]] for row in rows]
        np.testing.assert_array_equal(targets, np.array(expected, np.float32))
    assert told[-1] == "teacher" and set(told) == {"teacher", "mixtures"}
    assert Batches(SETUP, IMAGES, np.arange(11), TABLE).target == "labels"


@pytest.mark.parametrize(("images", "devices", "batch_size"), [(129, 1, 128), (129, 2, 128), (257, 4, 64)])
def test_the_learning_rate_falls_over_all_steps_that_are_taken(images: int, devices: int, batch_size: int) -> None:
    split = Split(np.zeros((images, 1, 1, 1), np.uint8), np.arange(images) % 3)
    recipe = dataclasses.replace(RECIPES["notebook"], epochs=3, batch_size=batch_size, peak_learning_rate=1e-3)
    setup = dataclasses.replace(
        SETUP,
        dataset=dataclasses.replace(DATASET, train=split),
        architecture=f"{own_architectures.__file__}:net",
        recipe=recipe,
        parallel=Parallel(devices=devices),
    )
    fitting = prepare_fitting(setup)
    schedule = fitting.training_model.optimizer.get_config()["learning_rate"]["config"]
    assert schedule["warmup_steps"] + schedule["decay_steps"] == 3 * len(fitting.batches)
