"""What a run's network answers is computed once, and never taken from a file that is not of it."""

import dataclasses
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from edgecnn import ModelCard
from edgecnn.convert import CustomCode, KerasModel, Preprocessing, adopt, convert, parity
from edgecnn.device import Classifier
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.run_directory import RunDirectory
from edgecnn.train import TrainingRun
from tests.support.command_line import Run, printed

IMAGES = 200


@pytest.fixture(scope="module")
def some(small: Dataset) -> Dataset:
    return dataclasses.replace(small, test=Split(small.test.images[:IMAGES], small.test.labels[:IMAGES]))


@pytest.fixture(scope="module")
def truth(small_run: TrainingRun, some: Dataset) -> np.ndarray:
    """Keras' own answers."""
    return KerasModel(small_run.path / "model.keras").predict_all(some.test.images, calibrated=False)


def predicted(run: RunDirectory, some: Dataset) -> np.ndarray:
    from edgecnn.convert import run_cache
    from edgecnn.convert.network.keras_network import KerasNetwork

    return run_cache.predictions(run, KerasNetwork.load(run.model, ModelCard.load(run.card)), some.test.images)


def files(run: RunDirectory, kind: str) -> list[Path]:
    return sorted(run.kept.glob(f"*.{kind}.*.npz"))


def rewrite(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    with np.load(path) as file:
        values = file["kept"].copy()
    np.savez(path, kept=change(values))


def test_kept_answers_are_keras_and_are_used_again(copy: RunDirectory, some: Dataset, truth: np.ndarray) -> None:
    np.testing.assert_allclose(predicted(copy, some), truth, atol=1e-5)
    (file,) = files(copy, "keras")

    def marked(values: np.ndarray) -> np.ndarray:
        values[1] = 1 / 10  # not among those that are computed anew, 0 and 199 and 30 between
        return values

    rewrite(file, marked)
    again = predicted(copy, some)
    assert (again[1] == np.float32(1 / 10)).all()
    np.testing.assert_allclose(np.delete(again, 1, 0), np.delete(truth, 1, 0), atol=1e-5)


def test_what_other_versions_kept_goes(copy: RunDirectory, some: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    predicted(copy, some)
    (before,) = files(copy, "keras")
    monkeypatch.setattr("edgecnn.convert.run_cache.__version__", "99.0")
    predicted(copy, some)
    (after,) = files(copy, "keras")
    assert after != before


def zeroed(values: np.ndarray) -> np.ndarray:
    return np.zeros_like(values)


def reversed_classes(values: np.ndarray) -> np.ndarray:
    return values[:, ::-1]


def shifted(values: np.ndarray) -> np.ndarray:
    return np.roll(values, 1, axis=0)


def fewer(values: np.ndarray) -> np.ndarray:
    return values[:-1]


def doubles(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float64)


@pytest.mark.parametrize("change", [zeroed, reversed_classes, shifted, fewer, doubles])
def test_answers_that_are_not_keras_are_computed_anew(
    copy: RunDirectory, some: Dataset, truth: np.ndarray, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    predicted(copy, some)
    (file,) = files(copy, "keras")
    rewrite(file, change)
    np.testing.assert_allclose(predicted(copy, some), truth, atol=1e-5)


def npy() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    return stream.getvalue()


CONTENTS = {"empty": b"", "cut": b"PK\x03\x04", "text": b"x" * 1000, "one array": npy(), "a flipped bit": None}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_a_damaged_file_is_computed_anew(
    copy: RunDirectory, some: Dataset, truth: np.ndarray, content: bytes | None
) -> None:
    predicted(copy, some)
    (file,) = files(copy, "keras")
    whole = file.read_bytes()
    file.write_bytes(content if content is not None else whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
    np.testing.assert_allclose(predicted(copy, some), truth, atol=1e-5)
    assert file.stat().st_size == len(whole)


def test_other_pixels_have_answers_of_their_own(copy: RunDirectory, some: Dataset, truth: np.ndarray) -> None:
    predicted(copy, some)
    images = np.array(some.test.images)
    images[1] = images[0]
    other = predicted(copy, dataclasses.replace(some, test=Split(images, some.test.labels)))
    np.testing.assert_allclose(other[1], truth[0], atol=1e-5)
    assert len(files(copy, "keras")) == 2


def test_another_network_in_the_run_has_answers_of_its_own_and_the_old_go(copy: RunDirectory, some: Dataset) -> None:
    import keras

    before = predicted(copy, some)
    (old,) = files(copy, "keras")
    model = keras.models.load_model(copy.model)
    model.layers[-1].set_weights([values[..., ::-1] for values in model.layers[-1].get_weights()])
    model.save(copy.model)
    np.testing.assert_allclose(predicted(copy, some), before[:, ::-1], atol=1e-5)
    assert not old.exists() and len(files(copy, "keras")) == 1


def test_known_answers_are_those_that_kept_ones_must_agree_with(
    copy: RunDirectory, some: Dataset, truth: np.ndarray
) -> None:
    from edgecnn.convert import run_cache
    from edgecnn.convert.network.answer_cache import key_of
    from edgecnn.convert.network.keras_network import KerasNetwork

    network = KerasNetwork.load(copy.model, ModelCard.load(copy.card))
    known = {key_of(some.test.images[row]): truth[row] for row in (3, 150)}
    first = run_cache.predictions(copy, network, some.test.images, known)
    np.testing.assert_allclose(first, truth, atol=1e-5)
    (file,) = files(copy, "keras")
    for row, is_seen in ((3, True), (150, True), (0, False)):

        def marked(values: np.ndarray, row: int = row) -> np.ndarray:
            values[row] = values[row, ::-1]
            return values

        rewrite(file, marked)
        again = run_cache.predictions(copy, network, some.test.images, known)
        assert np.allclose(again, truth, atol=1e-5) == is_seen, row
    # All of them are known: nothing is run.
    everything = {key_of(pixels): answer for pixels, answer in zip(some.test.images, truth[:, ::-1], strict=True)}
    np.testing.assert_array_equal(run_cache.predictions(copy, network, some.test.images, everything), truth[:, ::-1])


def test_a_file_in_the_folders_place_keeps_nothing(copy: RunDirectory, some: Dataset, truth: np.ndarray) -> None:
    copy.kept.touch()
    np.testing.assert_allclose(predicted(copy, some), truth, atol=1e-5)
    assert copy.kept.is_file()


def test_parity_says_the_same_with_and_without_what_is_kept(copy: RunDirectory, some: Dataset) -> None:
    convert(copy.path, some)
    (float32,) = files(copy, "float32")
    made = float32.stat().st_mtime_ns
    first = parity(copy.path, some)
    second = parity(copy.path, some, force=True)
    assert float32.stat().st_mtime_ns == made
    shutil.rmtree(copy.kept)
    third = parity(copy.path, some, force=True)
    assert first.ladder.rungs[1].layers == second.ladder.rungs[1].layers == third.ladder.rungs[1].layers
    assert [rung.parity for rung in first.ladder.rungs] == [rung.parity for rung in second.ladder.rungs]


def test_what_code_of_somebodys_own_makes_is_not_kept_for_other_code(edgecnn: Run, tmp_path: Path) -> None:

    def code(file: str, sign: int) -> Path:
        lines = ("import keras", "class Gain(keras.layers.Layer):", f"    def call(self, x): return {sign} * x")
        (tmp_path / file).write_text("\n".join(lines))
        return tmp_path / file

    first = CustomCode(code("first.py", 1))
    with first.scope():
        layers = keras.layers
        dense = layers.Dense(2, activation="softmax", kernel_initializer="ones", name="dense")
        model = keras.Sequential([keras.Input((4, 4, 1)), first.objects()["Gain"](), layers.Flatten(), dense])
        dense.set_weights([np.tile([[1.0, -1.0]], (16, 1)), np.zeros(2)])
        model.save(tmp_path / "net.keras")
        run = RunDirectory(adopt(tmp_path / "net.keras", ("a", "b"), tmp_path / "run", Preprocessing((1 / 255,))))
    grays = np.arange(0, 256, 8, dtype=np.uint8)
    for gray in grays:
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.new("L", (4, 4), int(gray)).save(tmp_path / "photos" / f"{gray}.png")
    common = ("convert", run.path, "--representative", tmp_path / "photos", "--int8", "--no-activations", "--force")
    printed(edgecnn(*common, "--custom-objects", tmp_path / "first.py"))
    printed(edgecnn(*common, "--custom-objects", code("second.py", -1)))
    answers = Classifier(run.tflite("int8")).predict_all(np.broadcast_to(grays[9:, None, None, None], (23, 4, 4, 1)))
    assert (answers.argmax(axis=1) == 1).all()
