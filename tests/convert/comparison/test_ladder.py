"""The ladder names rung, layer and cause of models that were broken on purpose, and passes those that were not."""

import dataclasses
import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from edgecnn import DelegateError, ModelCard
from edgecnn.convert import KerasModel, ParityReport, Preprocessing, adopt, convert, load_representative, parity
from edgecnn.convert.comparison.constant_values import NO_WEIGHTS
from edgecnn.convert.comparison.diagnosis import diagnose
from edgecnn.device import Classifier, Delegate
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.run_directory import RunDirectory
from edgecnn.sanity import Suspicion
from tests.convert.comparison.conftest import change_card, change_weights
from tests.support.foreign import save_pictures


def cause(report: ParityReport) -> tuple[str, str, str]:
    (finding,) = [finding for finding in report.findings if finding.broken]
    assert not report.passed
    return finding.rung, finding.layer, finding.cause


WEIGHTS = "int8, dequantized weights, float arithmetic"
REFERENCE = "int8, reference kernels"


def test_a_healthy_file_passes(run: RunDirectory, some: Dataset) -> None:
    report = parity(run.path, some)
    assert report.passed and [rung.name for rung in report.ladder.rungs] == [
        "Keras", "TFLite, float32", WEIGHTS, REFERENCE, "int8, default kernels",
    ]  # fmt: skip
    keras_says = KerasModel(run.model).predict_all(some.test.images, calibrated=False)
    here = Classifier(run.tflite("int8")).predict_all(some.test.images, calibrated=False)
    last = report.ladder.rungs[-1]
    assert last.parity.agreement == (keras_says.argmax(axis=1) == here.argmax(axis=1)).mean()
    assert last.max_difference == pytest.approx(float(np.abs(keras_says - here).max()), abs=1e-6)
    assert min(layer.sqnr_db for layer in report.ladder.rungs[1].layers) > 100


def test_a_delegate_is_a_last_rung_and_named_where_it_computes_wrongly(
    run: RunDirectory, some: Dataset, library: str
) -> None:
    healthy = parity(run.path, some, delegate=Delegate(library))
    before, last = healthy.ladder.rungs[-2:]
    assert healthy.passed and last.name == "int8, pool_delegate.so"
    np.testing.assert_array_equal(last.probabilities, before.probabilities)
    wrong = parity(run.path, some, delegate=Delegate(library, (("wrong", "1"),)), force=True)
    assert cause(wrong) == ("int8, pool_delegate.so", "max_pooling2d", "kernels")
    # Nor is it the file's fault where the run is another by now, or the reference kernels do not run it.
    moved_on = dataclasses.replace(wrong.ladder.compared, keras_sha256="0" * 64)
    alone = tuple(rung for rung in wrong.ladder.rungs if rung.name != REFERENCE)
    flipped = dataclasses.replace(last, probabilities=np.roll(last.probabilities, 1, axis=1))
    for ladder, layer, words in (
        (wrong.ladder, "max_pooling2d", "on the kernels of this processor; leave pool_delegate.so out, or update it"),
        (dataclasses.replace(wrong.ladder, compared=moved_on), "max_pooling2d", "leave pool_delegate.so out"),
        (dataclasses.replace(wrong.ladder, rungs=alone), "max_pooling2d", "leave pool_delegate.so out"),
        (
            dataclasses.replace(healthy.ladder, rungs=(*healthy.ladder.rungs[:-1], flipped)),
            "probabilities", "300 images flip on pool_delegate.so alone",
        ),
    ):  # fmt: skip
        (finding,) = diagnose(ladder)
        assert (finding.layer, finding.cause) == (layer, "kernels") and words in finding.words
    with pytest.raises(DelegateError, match="no delegate library"):
        parity(run.path, some, delegate=Delegate("/no/such.so"), force=True)


def test_calibration_on_black_images_is_named(run: RunDirectory, some: Dataset) -> None:
    black = Split(np.zeros_like(np.asarray(some.train.images[:100])), some.train.labels[:100])
    convert(run.path, dataclasses.replace(some, train=black), force=True)
    report = parity(run.path, some)
    assert cause(report) == (REFERENCE, "conv2d", "saturated")
    assert "calibrate with images like those" in report.findings[0].words


def test_a_file_of_other_weights_is_named_with_the_layer_and_the_factor(
    run: RunDirectory, some: Dataset, tmp_path: Path
) -> None:
    other = RunDirectory(tmp_path / "other")
    other.path.mkdir()
    for path in (run.model, run.card):
        shutil.copy(path, other.path)

    def scale(weights: dict[str, list[np.ndarray]]) -> None:
        weights["conv2d_1"] = [1000 * values for values in weights["conv2d_1"]]

    change_weights(other, scale)
    made = convert(other.path, some)
    assert made.activations
    for file in (made.plain, made.activations):
        shutil.copy(file.path, run.path)
    report = parity(run.path, some)
    assert cause(report) == (WEIGHTS, "conv2d_1", "weights")
    factor = re.search(r"conv2d_1: all its weights are ([\d,.]+) times Keras'", report.findings[0].words)
    assert factor and float(factor[1].replace(",", "")) == pytest.approx(1000, rel=0.05)


def test_a_channel_that_dwarfs_the_others_is_named(run: RunDirectory, some: Dataset) -> None:
    def stretch(weights: dict[str, list[np.ndarray]]) -> None:
        # The same function: channel 5 a thousand times larger, and taken a thousandth of by the next layer.
        kernel, bias = weights["conv2d"]
        busiest = int(np.abs(kernel).sum(axis=(0, 1, 2)).argmax())
        order = [busiest if channel == 5 else 5 if channel == busiest else channel for channel in range(64)]
        kernel, bias, following = kernel[..., order], bias[order], weights["conv2d_1"][0][:, :, order]
        kernel[..., 5] *= 1000
        bias[5] *= 1000
        following[:, :, 5] /= 1000
        weights["conv2d"], weights["conv2d_1"][0] = [kernel, bias], following

    change_weights(run, stretch)
    convert(run.path, some, force=True)
    report = parity(run.path, some)
    _, layer, why = cause(report)
    # The channel itself keeps its precision and dominates conv2d's own figure. What comes first depends on how much the
    # network, which every processor trains a little otherwise, needs it: weights that are rounded away, or the others.
    assert (layer, why) == ("conv2d", "dwarfed") and "channel 5 " in report.findings[0].words


def test_labels_in_another_order_in_the_file_are_named(run: RunDirectory, some: Dataset) -> None:
    change_card(run, lambda card: dataclasses.replace(card, labels=card.labels[::-1]))
    assert cause(parity(run.path, some)) == (WEIGHTS, "probabilities", "labels")


def test_labels_in_another_order_in_the_data_are_named(run: RunDirectory, small: Dataset) -> None:
    order = np.array([0, 1, 2, 5, 4, 3, 6, 7, 8, 9])
    swapped = dataclasses.replace(small, test=Split(small.test.images, order[small.test.labels]))
    report = parity(run.path, swapped)
    assert cause(report) == ("Keras", "probabilities", "labels")
    assert "Sandal for Dress" in report.findings[0].words and "Dress for Sandal" in report.findings[0].words


def test_other_preprocessing_in_the_file_is_named(run: RunDirectory, some: Dataset) -> None:
    change_card(run, lambda card: dataclasses.replace(card, input=dataclasses.replace(card.input, scale=(1 / 127.5,))))
    report = parity(run.path, some)
    assert cause(report) == (WEIGHTS, "image", "preprocessing") and "0.00784314" in report.findings[0].words


def test_other_preprocessing_than_in_training_is_named(run: RunDirectory, small: Dataset) -> None:
    card = ModelCard.load(run.card)
    changed = dataclasses.replace(card, input=dataclasses.replace(card.input, scale=(-1 / 255,), offset=(1.0,)))
    changed.save(run.card)
    change_card(run, lambda card: dataclasses.replace(card, input=changed.input))
    report = parity(run.path, small)
    assert cause(report) == ("Keras", "image", "preprocessing")
    # As of a layer whose weights were lost: then it is not the images.
    lost = Suspicion("one class", f"from layer conv2d on: {NO_WEIGHTS}", ("they were lost",), "load them again")
    finding = diagnose(dataclasses.replace(report.ladder, suspicions=(lost,)))[0]
    assert (finding.layer, finding.cause) == ("probabilities", "weights") and "load them again" in finding.words


def test_scores_nearer_to_each_other_than_a_step_are_ties_and_not_the_last_layers_fault(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 1))
    x = keras.layers.Flatten()(keras.layers.Conv2D(4, 3, activation="relu")(image))
    keras.Model(image, keras.layers.Dense(60, activation="softmax")(x)).save(tmp_path / "model.keras")
    save_pictures(tmp_path / "photos", np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), np.uint8))
    labels = tuple(f"class {number}" for number in range(60))
    run = adopt(tmp_path / "model.keras", labels, tmp_path / "run", Preprocessing((1 / 255,)))
    images = load_representative(tmp_path / "photos", ModelCard.load(run / "card.json"))
    convert(run, images, calibration_images=20)
    report = parity(run, images)
    assert cause(report)[1:] == ("probabilities", "ties")
    assert re.search(r"(\d+) of the \1 images that flip .* --mixed has a float32 output", report.findings[0].words)
