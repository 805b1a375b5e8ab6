"""A Keras model that was trained elsewhere becomes a run, and everything works on it."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from edgecnn import DataError, EdgecnnError, InputError, ModelCard, ModelFileError
from edgecnn.convert import (  # fmt: skip
    SCHEMES,
    KerasModel,
    Preprocessing,
    adopt,
    convert,
    load_representative,
    parity,
    read_labels,
)
from edgecnn.device import Classifier, FeatureExtractor, verify
from tests.support.command_line import Run
from tests.support.foreign import Foreign

LAYERS = ["stem", "depthwise", "pointwise", "pool", "last", "gap"]


@pytest.fixture(scope="module")
def run(foreign: Foreign, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return adopt(foreign.model, read_labels(foreign.labels), tmp_path_factory.mktemp("adopted") / "tinted")


def save(model: keras.Model, folder: Path, name: str = "mine.keras") -> Path:
    model.save(folder / name)
    return folder / name


def small_net(*outputs: keras.layers.Layer, shape: tuple[int, ...] = (8, 8, 3)) -> keras.Model:
    return keras.Sequential([keras.Input(shape), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), *outputs])


def test_the_run_gives_the_softmax_of_the_models_logits(run: Path, foreign: Foreign) -> None:
    images = load_representative(foreign.photos, ModelCard.load(run / "card.json")).test.images[:50]
    logits = np.asarray(keras.models.load_model(foreign.model).predict_on_batch(np.asarray(images, np.float32)))
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(KerasModel(run / "model.keras").predict_all(images), expected, atol=1e-5)


def test_its_card_says_that_pixels_go_in_as_they_are(run: Path) -> None:
    card = ModelCard.load(run / "card.json")
    assert card.input.scale == (1, 1, 1) and card.input.offset == (0, 0, 0) and card.input.fit == "stretch"
    assert card.training is None and card.labels[0] == "T-shirt or top"


def test_photographs_are_labelled_by_the_name_of_their_folder(run: Path, foreign: Foreign) -> None:
    images = load_representative(foreign.photos, ModelCard.load(run / "card.json"))
    assert images.test.is_labelled and len(images.test) == 400
    # Folders are read in the order of their names; the model's labels stand in another.
    assert images.labels[images.test.labels[0]] == "Ankle boot" and images.labels != tuple(sorted(images.labels))
    assert KerasModel(run / "model.keras").evaluate(images.test).accuracy > 0.6


# Worst layer in dB; agreement in percent: a network of four epochs is unsure of many images.
PARITY = {
    "float32": (100, 100), "float16": (50, 99.5), "dynamic": (30, 99), "mixed": (20, 96), "int8": (20, 96),
    "int16x8": (25, 98.5),
}  # fmt: skip


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_is_the_same_classifier(scheme: str, run: Path, foreign: Foreign, tmp_path: Path) -> None:
    images = load_representative(foreign.photos, ModelCard.load(run / "card.json"))
    made = convert(run, images, scheme=scheme, output=tmp_path)  # type: ignore[arg-type]
    decibels, agreement = PARITY[scheme]
    assert [layer.name for layer in made.layers] == [*LAYERS, "probabilities"]
    assert min(layer.sqnr_db for layer in made.layers) >= decibels
    assert 100 * made.plain.parity.agreement >= agreement and made.bit_equal
    assert made.plain.parity.accuracy and made.plain.parity.accuracy > 0.6
    assert verify(made.plain.path).passed
    if scheme == "float32":
        found = Classifier(made.plain.path).predict_all(images.test.images)
        keras_says = KerasModel(run / "model.keras").predict_all(images.test.images)
        np.testing.assert_allclose(found, keras_says, atol=1e-4)


def test_the_ladder_passes_on_it(run: Path, foreign: Foreign, tmp_path: Path) -> None:
    images = load_representative(foreign.photos, ModelCard.load(run / "card.json"))
    convert(run, images, output=tmp_path, feature_layers=["stem", "p*"])
    report = parity(run, images, files=tmp_path)
    assert report.passed and report.html.parent == tmp_path
    assert [layer.name for layer in report.ladder.rungs[-1].layers] == ["stem", "pointwise", "pool", "probabilities"]


def test_images_without_labels_give_agreement_alone(run: Path, foreign: Foreign, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in sorted(foreign.photos.rglob("*.png"))[::20]:
        shutil.copy(path, flat)
    images = load_representative(flat, ModelCard.load(run / "card.json"))
    made = convert(run, images, output=tmp_path / "out", calibration_images=10)
    assert made.plain.parity.accuracy is None and made.plain.parity.agreement > 0.9
    report = parity(run, images, files=tmp_path / "out")
    figures = json.loads(report.json.read_text())
    assert figures["classes"] == [] and figures["rungs"][1]["mcnemar_p"] is None and report.passed
    assert "Change of the confusion matrix" not in report.html.read_text()
    assert "images right" not in report.html.read_text()


def test_feature_layers_are_chosen_by_name_or_pattern(run: Path, foreign: Foreign, tmp_path: Path) -> None:
    images = load_representative(foreign.photos, ModelCard.load(run / "card.json"))
    made = convert(run, images, output=tmp_path, feature_layers=["gap", "*wise"])
    assert made.activations
    extractor = FeatureExtractor(made.activations.path)
    assert [layer.name for layer in extractor.layers] == ["depthwise", "pointwise", "gap"]
    assert extractor.extract(images.test.images[0]).maps["gap"].shape == (1, 1, 32)
    with pytest.raises(InputError, match="is called Stem; there are: stem, depthwise"):
        convert(run, images, output=tmp_path, feature_layers=["Stem"], force=True)


def test_the_command_makes_the_run_and_goes_on_there(edgecnn: Run, foreign: Foreign, tmp_path: Path) -> None:
    model = shutil.copy(foreign.model, tmp_path / "shop.keras")
    common = ("--representative", foreign.photos)
    result = edgecnn("convert", model, "--labels", foreign.labels, *common, "--int8", "--min-agreement", 90)
    assert result.exit_code == 0, result.output
    assert {path.name for path in (tmp_path / "shop").iterdir()} == {
        "model.keras", "card.json", "model.int8.tflite", "model.int8.activations.tflite",
    }  # fmt: skip
    # Again, and on the run itself: the run is kept.
    again = edgecnn("convert", model, "--labels", foreign.labels, *common, "--float16", "--no-activations")
    assert again.exit_code == 0, again.output
    assert edgecnn("parity", tmp_path / "shop", *common).exit_code == 0
    photo = next((foreign.photos / "Trouser").iterdir())
    told = edgecnn("classify", tmp_path / "shop" / "model.int8.tflite", photo, "--json")
    assert json.loads(told.stdout)[0]["predictions"][0]["label"] == "Trouser"
    assert edgecnn("info", tmp_path / "shop" / "model.int8.tflite").exit_code == 0
    drawn = edgecnn("features", tmp_path / "shop" / "model.int8.activations.tflite", photo, "-o", tmp_path / "maps")
    assert drawn.exit_code == 0, drawn.output


def test_a_missing_option_is_a_sentence(edgecnn: Run, foreign: Foreign, run: Path, tmp_path: Path) -> None:
    for arguments, words in (
        ((foreign.model, "--labels", foreign.labels), "--labels needs --representative"),
        ((run, "--fit", "pad"), "--fit is for models trained elsewhere"),
        ((run,), "was trained elsewhere: give images"),
        ((foreign.model, "--labels", foreign.labels, "--representative", "x", "--offset", "1"), "goes with --scale"),
        ((foreign.model, "--labels", foreign.labels, "--representative", "x", "--scale", "a"), "is no number"),
        ((foreign.model, "--labels", foreign.labels, "--representative", "x", "--input-range", 1, 1), "two different"),
        ((run, "--feature-layers", "a", "--no-activations"), "leave out one of them"),
    ):
        result = edgecnn("convert", *arguments)
        assert result.exit_code == 2 and words in result.output, result.output
    result = edgecnn("convert", foreign.model)
    assert result.exit_code == 1 and "--labels" in result.output
    result = edgecnn("convert", run, "--representative", tmp_path, "--max-drop", 1)
    assert result.exit_code == 1 and "holds no images" in result.output


def test_an_accuracy_gate_needs_labels(edgecnn: Run, run: Path, foreign: Foreign, tmp_path: Path) -> None:
    shutil.copy(next((foreign.photos / "Bag").iterdir()), tmp_path)
    result = edgecnn("convert", run, "--representative", tmp_path, "--max-drop", 1, "-o", tmp_path / "out")
    assert result.exit_code == 1 and "--max-drop needs images whose class is known" in result.output


@pytest.mark.parametrize(
    ("lines", "words"),
    [("a\nb\n", "has 10 outputs, the labels are 2"), ("a\n\nb\n", "line 2 is empty"), ("a\nb\na", "line 3 repeats 'a'"),
     ("a\n", "must name 2 classes")],
)  # fmt: skip
def test_wrong_labels_are_a_sentence(lines: str, words: str, foreign: Foreign, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text(lines)
    with pytest.raises(InputError, match=words):
        adopt(foreign.model, read_labels(tmp_path / "labels.txt"), tmp_path / "run")


def test_unknown_preprocessing_is_asked_for_and_never_guessed(tmp_path: Path) -> None:
    model = save(keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]), tmp_path)
    with pytest.raises(InputError, match="say what a pixel becomes"):
        adopt(model, ("a", "b"), tmp_path / "run")
    chosen = Preprocessing(scale=(0.5, 1, 2), offset=(1,))
    card = ModelCard.load(adopt(model, ("a", "b"), tmp_path / "run", chosen) / "card.json")
    assert card.input.scale == (0.5, 1, 2) and card.input.offset == (1, 1, 1)
    with pytest.raises(InputError, match="one value, or one a channel"):
        adopt(model, ("a", "b"), tmp_path / "run", Preprocessing(scale=(1, 2)))


def test_other_networks_are_refused_with_a_sentence(tmp_path: Path) -> None:
    layers = keras.layers
    one, two = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    both = keras.Model([one, two], layers.Dense(2)(layers.Flatten()(layers.Add()([one, two]))))
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    for model, kind, words in (
        (both, ModelFileError, "must have one input and one output"),
        (small_net(layers.Dense(2, activation="sigmoid")), ModelFileError, "ends in a sigmoid"),
        (small_net(layers.Dense(2), shape=(8, 8, 4)), ModelFileError, "1 or 3 channels"),
    ):
        with pytest.raises(kind, match=words):
            adopt(save(model, tmp_path), ("a", "b"), tmp_path / "run")
    again = keras.Model(one, layers.Dense(2)(layers.Flatten()(shared(shared(one)))))
    run = adopt(save(again, tmp_path), ("a", "b"), tmp_path / "shared", Preprocessing(scale=(1.0,)))
    (tmp_path / "photos").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "photos" / "1.png")
    images = load_representative(tmp_path / "photos", ModelCard.load(run / "card.json"))
    with pytest.raises(ModelFileError, match="shared is used 2 times"):
        convert(run, images, calibration_images=1)
    assert convert(run, images, calibration_images=1, activations=False).activations is None


def test_an_operator_that_needs_tensorflow_is_refused_here(tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3))
    scores = keras.layers.Dense(2)(keras.layers.Flatten()(keras.ops.erfinv(keras.layers.Rescaling(1 / 256)(image))))
    run = adopt(save(keras.Model(image, scores), tmp_path), ("a", "b"), tmp_path / "run")
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (8, 8), "red").save(tmp_path / "photos" / "1.png")
    images = load_representative(tmp_path / "photos", ModelCard.load(run / "card.json"))
    with pytest.raises(EdgecnnError, match=r"(?i)erfinv"):
        convert(run, images, scheme="float32", calibration_images=1)


def test_strange_folders_are_a_sentence(run: Path, foreign: Foreign, tmp_path: Path) -> None:
    card = ModelCard.load(run / "card.json")
    shutil.copytree(foreign.photos, tmp_path / "photos")
    shutil.copy(foreign.labels, tmp_path / "photos" / "notes.txt")
    (tmp_path / "photos" / "Bag").rename(tmp_path / "photos" / "Bags")
    with pytest.raises(DataError, match="Bags is no label"):
        load_representative(tmp_path / "photos", card)
    (tmp_path / "photos" / "Bags").rename(tmp_path / "photos" / "Bag")
    (tmp_path / "photos" / "Bag" / "broken.png").write_bytes(b"no image")
    told: list[str] = []
    assert len(load_representative(tmp_path / "photos", card, progress=told.append).test) == 400
    assert any("left out" in line and "broken.png" in line for line in told)
    shutil.copy(tmp_path / "photos" / "Bag" / "broken.png", tmp_path / "photos" / "beside.png")
    with pytest.raises(DataError, match=r"beside.png lies beside class folders"):
        load_representative(tmp_path / "photos", card)
