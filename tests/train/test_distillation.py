"""A small network learns what a larger one thinks."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgecnn import EdgecnnError, InputError, ModelFileError, OutputError
from edgecnn.convert import KerasModel
from edgecnn.model_file.card import ModelCard, Quantization, Training
from edgecnn.model_file.provenance import stamp
from edgecnn.pixels.dataset import Dataset
from edgecnn.pixels.input_table import input_table
from edgecnn.run_directory import RunDirectory
from edgecnn.train import RECIPES, TrainingRun, train
from edgecnn.train.distillation import Mixture, draw_mixture, is_trained, query_teacher
from edgecnn.train.run_report import read_run
from tests.support import own_architectures
from tests.support.trainings import Interrupting, Listening, weights

# Of a tenth of the reference network's computing.
OWN = f"{own_architectures.__file__}:normalised"


def test_a_pupil_learns_what_its_teacher_thinks(tiny: Dataset, small_run: TrainingRun, tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPES["fast"], epochs=6, batch_size=32, teacher_weight=1.0)
    run = train(tmp_path / "run", tiny, recipe=recipe, teacher=small_run.model_path)
    teacher, pupil = (
        KerasModel(path).predict_all(tiny.train.images) for path in (small_run.model_path, run.model_path)
    )
    alone = train(tmp_path / "alone", tiny, recipe=recipe)
    untaught = KerasModel(alone.model_path).predict_all(tiny.train.images)
    assert np.abs(pupil - teacher).mean() < 0.7 * np.abs(untaught - teacher).mean()


def test_the_teacher_is_asked_about_mixtures_too(tiny: Dataset, small_run: TrainingRun, tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPES["fast"], epochs=4, batch_size=64, teacher_mixtures=2, validation_split=0.1)
    spoken = Listening()
    run = train(tmp_path / "run", tiny, recipe=recipe, architecture=OWN, teacher=small_run.model_path, progress=spoken)
    assert spoken.heard == ["asking the teacher about 1,800 images"]
    # Every second epoch is of mixtures, whose images are harder to tell; the last is of the images themselves.
    assert run.history[3].accuracy > run.history[2].accuracy
    assert [epoch.target for epoch in run.history] == ["mixtures", "teacher", "mixtures", "teacher"]
    assert read_run(run.folder).history == run.history
    # They are a curve of their own; a loss towards a teacher is not compared with that of the test images.
    page = run.folder.report.read_text()
    for words, charts in (
        (">training, mixtures of two images<", 2),
        (">loss towards the teacher<", 1),
        (">test, saved", 1),
    ):
        assert page.count(words) == charts, words
    stopped = train(
        tmp_path / "again",
        tiny,
        recipe=recipe,
        architecture=OWN,
        teacher=small_run.model_path,
        progress=Interrupting(3, 2),
    )
    assert stopped.interrupted
    resumed = train(
        tmp_path / "again", tiny, recipe=recipe, architecture=OWN, teacher=small_run.model_path, resume=True
    )
    assert weights(resumed) == weights(run)


def test_a_teacher_says_in_bfloat16_what_it_says_in_float32(tiny: Dataset, small_run: TrainingRun) -> None:
    precise, quick = (
        query_teacher(small_run.model_path, tiny, RECIPES["fast"], 0, print, bfloat16=bfloat16).plain
        for bfloat16 in (False, True)
    )
    alone = KerasModel(small_run.model_path).predict_all(tiny.train.images, calibrated=False)
    np.testing.assert_allclose(precise, alone, atol=1e-6)
    assert quick.dtype == np.float32 and not np.array_equal(quick, precise)
    np.testing.assert_allclose(quick, precise, atol=0.03)
    np.testing.assert_allclose(quick.sum(axis=1), 1, atol=1e-5)  # the last layer is of float32


def test_a_teacher_is_asked_with_the_pixel_values_that_it_was_trained_on(tiny: Dataset, small_run: TrainingRun) -> None:
    signed = dataclasses.replace(tiny.input, scale=(1 / 127.5,), offset=(-1.0,))
    recipe = dataclasses.replace(RECIPES["fast"], teacher_mixtures=1)
    own, others = (
        query_teacher(small_run.model_path, dataset, recipe, 0, print)
        for dataset in (tiny, dataclasses.replace(tiny, input=signed))
    )
    np.testing.assert_array_equal(others.plain, own.plain)
    np.testing.assert_array_equal(others.mixtures[0].probabilities, own.mixtures[0].probabilities)


def test_mixtures_leave_out_what_is_held_back() -> None:
    images, kept = np.empty((10, 50, 24, 1), np.uint8), np.array([0, 2, 3, 5, 8])
    partners, shares, _ = draw_mixture(kept, images, seed=3, number=0)
    assert sorted(partners[kept]) == kept.tolist() and (partners[[1, 4, 6, 7, 9]] == [1, 4, 6, 7, 9]).all()
    assert shares.min() >= 0.5 and shares.max() <= 1
    assert not np.array_equal(partners, draw_mixture(kept, images, seed=3, number=1)[0])


def test_mixtures_move_as_far_as_the_augmentation_shift_does() -> None:
    _, _, moves = draw_mixture(np.arange(1000), np.empty((1000, 50, 24, 1), np.uint8), seed=3, number=0)
    assert sorted(set(moves[:, 0])) == list(range(-4, 5)) and sorted(set(moves[:, 1])) == list(range(-2, 3))


def test_a_mixture_is_the_weighted_sum_of_two_inputs(tiny: Dataset) -> None:
    table = input_table(tiny.input)
    shares, nowhere = np.array([0.5, 0.75, 1.0], np.float32), np.zeros((3, 2), np.int64)
    mixture = Mixture(np.array([2, 0, 1]), shares, nowhere, np.zeros((3, 10), np.float32))
    pixels = np.asarray(tiny.train.images[:3]) / 255
    expected = [(pixels[0] + pixels[2]) / 2, 0.75 * pixels[1] + 0.25 * pixels[0], pixels[2]]
    np.testing.assert_allclose(mixture.inputs(table, tiny.train.images, np.arange(3)), expected, atol=1e-6)


def test_a_mixture_is_moved_down_and_right_and_its_edge_repeated(tiny: Dataset) -> None:
    images = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4, 1)
    moves = np.array([[1, 0], [-2, 3]])
    mixture = Mixture(np.array([0, 1]), np.ones(2, np.float32), moves, np.zeros((2, 10), np.float32))
    seen = mixture.inputs(np.arange(256, dtype=np.float32)[None], images, np.array([1, 0]))[..., 0]
    assert seen[1].tolist() == [[0, 1, 2, 3], [0, 1, 2, 3], [4, 5, 6, 7]]
    assert seen[0].tolist() == [[20, 20, 20, 20], [20, 20, 20, 20], [20, 20, 20, 20]]


def test_a_missing_teacher_is_named(tiny: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"no teacher at nowhere.keras"):
        train(tmp_path / "run", tiny, teacher="nowhere.keras")
    assert not (tmp_path / "run").exists()


def test_an_empty_teacher_is_no_missing_one(tiny: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="teacher's name is empty"):
        train(tmp_path / "run", tiny, teacher="")


def test_a_teacher_of_other_classes_is_refused(tiny: Dataset, small_run: TrainingRun, tmp_path: Path) -> None:
    other = dataclasses.replace(tiny, labels=tuple("abcdefghij"))
    with pytest.raises(ModelFileError, match="or names them otherwise"):
        train(tmp_path / "run", other, teacher=small_run.model_path)
    assert not (tmp_path / "run").exists()


def test_a_teacher_whose_training_was_killed_is_refused(tiny: Dataset, small_run: TrainingRun, tmp_path: Path) -> None:
    teacher = Path(shutil.copy(small_run.model_path, tmp_path / "model.keras"))
    assert small_run.card.training
    killed = dataclasses.replace(small_run.card.training, test_images=0, test_accuracy=None, test_loss=None)
    dataclasses.replace(small_run.card, training=killed).save(tmp_path / "card.json")
    with pytest.raises(ModelFileError, match="is not finished; edgecnn train --resume goes on with it"):
        train(tmp_path / "run", tiny, teacher=teacher)
    assert not (tmp_path / "run").exists()


def test_a_teacher_that_answers_with_logits_is_refused(tiny: Dataset, small_run: TrainingRun, tmp_path: Path) -> None:
    teacher = tmp_path / "model.keras"
    own_architectures.logits(tiny.input.shape, len(tiny.labels)).save(teacher)
    shutil.copy(small_run.model_path.with_name("card.json"), tmp_path)
    with pytest.raises(ModelFileError, match=r"does not give probabilities .* end it with a softmax"):
        query_teacher(teacher, tiny, RECIPES["fast"], 0, print)


def test_a_teacher_is_not_trained_again_where_the_same_one_was_trained_to_the_end(
    tiny: Dataset, tmp_path: Path
) -> None:
    folder = RunDirectory(tmp_path)
    trained = Training("d", tiny.sha256, "residual", "best", 3, epochs=9, train_images=600, test_accuracy=0.9)
    card = ModelCard("t", tiny.labels, tiny.input, Quantization("float32"), stamp(), training=trained)
    card.save(folder.card)
    assert not is_trained(folder, "residual", 3, tiny)  # there is no model
    folder.model.write_bytes(b"")
    assert is_trained(folder, "residual", 3, tiny)
    for architecture, seed, dataset in (
        ("compact", 3, tiny),
        ("residual", 4, tiny),
        ("residual", 3, dataclasses.replace(tiny, sha256="0" * 64)),
        ("residual", 3, dataclasses.replace(tiny, train=tiny.train.take(599))),
    ):
        assert not is_trained(folder, architecture, seed, dataset)
    for unfinished in (dataclasses.replace(trained, test_accuracy=None), None):
        dataclasses.replace(card, training=unfinished).save(folder.card)
        assert not is_trained(folder, "residual", 3, tiny)


def test_resume_goes_on_after_an_interrupted_teacher(
    tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgecnn.train import distillation

    monkeypatch.setattr(distillation, "RECIPE", dataclasses.replace(distillation.RECIPE, epochs=3))
    with pytest.raises(EdgecnnError, match="while training the teacher"):
        train(tmp_path / "run", tiny, epochs=2, teacher="reference", progress=Interrupting(2, 3))
    run = train(tmp_path / "run", tiny, epochs=2, teacher="reference", resume=True)
    assert len(run.history) == 2 and (run.path / "teacher" / "model.keras").exists()
    before = (run.path / "teacher" / "model.keras").read_bytes()
    with pytest.raises(OutputError, match="holds a run already"):
        train(run.path, tiny, teacher="reference", epochs=1)
    assert (run.path / "teacher" / "model.keras").read_bytes() == before
