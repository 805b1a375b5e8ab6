"""A fault of the Keras model itself is seen, though the file answers just as it does: no plain PASS."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from edgecnn.convert import ParityReport, Preprocessing, adopt, convert, load_representative, parity
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import RunDirectory
from edgecnn.sanity import suspicions
from tests.support.colours import COLOURS, ColourNetwork, pictures, trained
from tests.support.foreign import save_pictures

LABELS = tuple(COLOURS)
UNIT = Preprocessing(scale=(1 / 255,))
layers = keras.layers


@pytest.fixture(scope="module")
def normalised(tmp_path_factory: pytest.TempPathFactory) -> ColourNetwork:
    """A healthy network with batch normalisation, and its pictures."""
    folder = tmp_path_factory.mktemp("normalised")
    network = trained(folder, rescales=False)
    keras.utils.set_random_seed(0)
    image = keras.Input((12, 12, 3))
    x = layers.Conv2D(12, 3, use_bias=False, name="conv")(image)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.8, name="norm")(x))
    x = layers.GlobalAveragePooling2D(name="gap")(x)
    model = keras.Model(image, layers.Dense(len(COLOURS), activation="softmax")(x))
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="sparse_categorical_crossentropy")
    images, classes = pictures(400, 0)
    model.fit(images / 255, classes, epochs=8, verbose=0)
    model.save(network.model)
    return network


def report_of(
    network: ColourNetwork, folder: Path, change: Callable[[keras.Model], object], photos: Path | None = None
) -> ParityReport:
    model = keras.models.load_model(network.model, compile=False)
    changed = change(model)
    saved: keras.Model = changed if isinstance(changed, keras.Model) else model
    saved.save(folder / "changed.keras")
    run = RunDirectory(adopt(folder / "changed.keras", LABELS, folder / "run", UNIT))
    images: Dataset = load_representative(photos or network.photos, run.read_card())
    convert(run.path, images, scheme="float32", calibration_images=40)
    return parity(run.path, images, scheme="float32")


def never_updated(model: keras.Model) -> None:
    layer = model.get_layer("norm")
    gamma, beta, mean, variance = layer.get_weights()
    layer.set_weights([gamma, beta, np.zeros_like(mean), np.ones_like(variance)])


def forgotten(model: keras.Model) -> None:
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([0 * kernel, 0 * bias])


def scaled_again(model: keras.Model) -> keras.Model:
    image = keras.Input((12, 12, 3))
    return keras.Model(image, model(layers.Rescaling(1 / 255, name="scale")(image)))


def test_a_healthy_network_passes(normalised: ColourNetwork, tmp_path: Path) -> None:
    report = report_of(normalised, tmp_path, lambda _: None)
    assert report.verdict == "PASS" and report.passed and not report.ladder.suspicions


def test_statistics_that_were_never_updated_are_told_from_other_images(
    normalised: ColourNetwork, tmp_path: Path
) -> None:
    report = report_of(normalised, tmp_path, never_updated)
    assert report.verdict == "DOUBTFUL" and not report.passed
    (finding,) = [one for one in report.findings if one.rung == "Keras"]
    assert "mean 0 and variance 1, as before any training, in 1 layer" in finding.words
    assert "with the statistics of these images 100.0% of 80 images are right, now" in finding.words
    # On colours that are so far apart another input may do as well, and is not kept back.
    assert finding.cause == "statistics" and "frozen" in finding.causes[0] and len(finding.causes) > 1
    assert "train it again" in finding.experiment and finding.words.endswith(finding.experiment)


def test_statistics_need_no_labels(normalised: ColourNetwork, tmp_path: Path) -> None:
    save_pictures(tmp_path / "flat", pictures(40, 3)[0])
    report = report_of(normalised, tmp_path, never_updated, tmp_path / "flat")
    assert report.verdict == "DOUBTFUL" and report.passed  # nobody knows what these images show
    assert any(one.cause == "statistics" for one in report.findings)


def test_a_network_without_weights_in_its_last_layer_is_told_so(normalised: ColourNetwork, tmp_path: Path) -> None:
    report = report_of(normalised, tmp_path, forgotten)
    finding = report.findings[0]
    assert report.verdict == "DOUBTFUL" and finding.cause in ("one class", "chance")
    assert "all its weights are zero" in finding.words and "were not loaded" in finding.causes[0]
    assert "DOUBTFUL" in report.json.read_text() and "Keras itself looks wrong" in report.html.read_text()


def test_pixels_that_are_scaled_twice_are_read_in_the_network(normalised: ColourNetwork, tmp_path: Path) -> None:
    save_pictures(tmp_path / "flat", pictures(40, 3)[0])
    report = report_of(normalised, tmp_path, scaled_again, tmp_path / "flat")
    (finding,) = [one for one in report.findings if one.cause == "scaled twice"]
    assert "pixels become 0 to 1 and are scaled again by the network" in finding.words
    assert "0.00392 is left between black and white" in finding.words and "--input-range 0 255" in finding.experiment


def test_two_classes_that_are_exchanged_in_the_last_layer_are_named(normalised: ColourNetwork, tmp_path: Path) -> None:
    def exchange(model: keras.Model) -> None:
        kernel, bias = model.layers[-1].get_weights()
        model.layers[-1].set_weights([kernel[:, [0, 1, 3, 2]], bias[[0, 1, 3, 2]]])

    report = report_of(normalised, tmp_path, exchange)
    finding = report.findings[0]
    assert report.verdict == "DOUBTFUL" and finding.cause == "labels"
    assert "'teal' gets 'white', 'white' gets 'teal'" in finding.words and "look at an image" in finding.experiment


def test_a_last_layer_that_is_lost_is_told_from_a_lost_network(normalised: ColourNetwork, tmp_path: Path) -> None:
    def lose(model: keras.Model) -> None:
        kernel, bias = model.layers[-1].get_weights()
        bias[0] = 1e6  # no other input gets past that
        model.layers[-1].set_weights([kernel, bias])

    report = report_of(normalised, tmp_path, lose)
    finding = report.findings[0]
    assert report.verdict == "DOUBTFUL" and not report.passed
    assert "with the means of each class in place of" in finding.words
    assert any("its last layer was made anew" in cause for cause in finding.causes)


def test_classes_that_were_never_trained_are_named() -> None:
    confusion = np.array([[40, 0, 0, 0], [3, 37, 0, 0], [20, 20, 0, 0], [0, 40, 0, 0]])
    (found,) = suspicions(confusion, LABELS)
    assert found.cause == "missing classes" and "its training had no images" in found.causes[0]
    assert found.evidence == f"no image gets {LABELS[2]!r}, {LABELS[3]!r}, though 80 of 160 show such"
    assert suspicions(confusion + np.eye(4, dtype=np.int64), LABELS) == ()
    assert suspicions(confusion, LABELS, is_own=True) == ()  # what it was after its training is known
    weak = np.array([[18, 17, 0, 5], [15, 20, 0, 5], [20, 20, 0, 0], [10, 10, 0, 20]])
    assert suspicions(weak, LABELS) == () and suspicions(confusion // 2, LABELS) == ()
    one = np.array([[40, 0, 0, 0], [0, 40, 0, 0], [20, 20, 0, 0], [0, 0, 0, 40]])  # one that looks like others
    assert suspicions(one, LABELS) == ()
