"""A Keras model that was trained elsewhere becomes a run, and everything works on it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from edgecnn import EdgecnnError, InputError, ModelCard, ModelFileError, OutputError
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
from edgecnn.run_directory import RunDirectory
from tests.support.foreign import Foreign

LAYERS = ["stem", "depthwise", "pointwise", "pool", "last", "gap"]


def save(model: keras.Model, folder: Path, name: str = "mine.keras") -> Path:
    model.save(folder / name)
    return folder / name


def small_net(*outputs: keras.layers.Layer, shape: tuple[int, ...] = (8, 8, 3)) -> keras.Model:
    return keras.Sequential([keras.Input(shape), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), *outputs])


def test_the_run_gives_the_softmax_of_the_models_logits(run: Path, foreign: Foreign) -> None:
    images = load_representative(foreign.photos, RunDirectory(run).read_card()).test.images[:50]
    logits = np.asarray(keras.models.load_model(foreign.model).predict_on_batch(np.asarray(images, np.float32)))
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(KerasModel(RunDirectory(run).model).predict_all(images), expected, atol=1e-5)


def test_its_card_says_that_pixels_go_in_as_they_are(run: Path) -> None:
    card = RunDirectory(run).read_card()
    assert card.input.scale == (1, 1, 1) and card.input.offset == (0, 0, 0) and card.input.fit == "stretch"
    assert card.training is None and card.labels[0] == "T-shirt or top"


# Worst layer in dB; agreement in percent: a network of two epochs is unsure of many images.
PARITY = {
    "float32": (100, 100), "float16": (50, 99.5), "dynamic": (30, 99), "mixed": (20, 96), "int8": (20, 96),
    "int16x8": (25, 98.5),
}  # fmt: skip


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_is_the_same_classifier(scheme: str, run: Path, foreign: Foreign, tmp_path: Path) -> None:
    images = load_representative(foreign.photos, RunDirectory(run).read_card())
    made = convert(run, images, scheme=scheme, output=tmp_path)  # type: ignore[arg-type]
    decibels, agreement = PARITY[scheme]
    assert [layer.name for layer in made.layers] == [*LAYERS, "probabilities"]
    assert min(layer.sqnr_db for layer in made.layers) >= decibels
    assert 100 * made.plain.parity.agreement >= agreement and made.bit_equal
    assert made.plain.parity.accuracy and made.plain.parity.accuracy > 0.6
    assert verify(made.plain.path).passed
    if scheme == "float32":
        models = Classifier(made.plain.path), KerasModel(RunDirectory(run).model)
        found, keras_says = (model.predict_all(images.test.images, calibrated=False) for model in models)
        np.testing.assert_allclose(found, keras_says, atol=1e-4)


def test_the_ladder_passes_on_it(run: Path, foreign: Foreign, tmp_path: Path) -> None:
    images = load_representative(foreign.photos, RunDirectory(run).read_card())
    convert(run, images, output=tmp_path, feature_layers=["stem", "p*"])
    report = parity(run, images, files=tmp_path)
    assert report.passed and report.html.parent == tmp_path
    assert [layer.name for layer in report.ladder.rungs[-1].layers] == ["stem", "pointwise", "pool", "probabilities"]


def test_feature_layers_are_chosen_by_name_or_pattern(run: Path, foreign: Foreign, tmp_path: Path) -> None:
    images = load_representative(foreign.photos, RunDirectory(run).read_card())
    made = convert(run, images, output=tmp_path, feature_layers=["gap", "*wise"])
    assert made.activations
    extractor = FeatureExtractor(made.activations.path)
    assert [layer.name for layer in extractor.layers] == ["depthwise", "pointwise", "gap"]
    assert extractor.extract(images.test.images[0]).maps["gap"].shape == (1, 1, 32)
    with pytest.raises(InputError, match="is called Stem; there are: stem, depthwise"):
        convert(run, images, output=tmp_path, feature_layers=["Stem"], force=True)


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


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"channel_order": "BGR"}, "channel_order must be rgb or bgr. Received: 'BGR'"),
        ({"background": None}, "background must be dark, light or any"),
        ({"fit": "cover"}, "fit must be stretch, pad or crop"),
        ({"scale": 0.5}, r"scale must be a tuple of numbers. Received: 0.5 \(float\); write \(0.5,\)"),
        ({"offset": ("0",)}, "offset must be a tuple of numbers"),
        ({"image_size": 224}, r"image_size must be \(height, width\), whole numbers from 1 on. Received: 224"),
        ({"image_size": (224, 224, 3)}, "image_size must be"),
    ],
    ids=str,
)
def test_preprocessing_that_is_none_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Preprocessing(**wrong)


def test_labels_are_a_list_and_no_text(tmp_path: Path) -> None:
    model = save(small_net(keras.layers.Dense(3)), tmp_path)
    with pytest.raises(InputError, match=r"labels must be a tuple of names. Received: 'cat'"):
        adopt(model, "cat", tmp_path / "run")
    labels: Any = np.array(["a", "b", "c"])  # as scikit-learn has them
    assert ModelCard.load(adopt(model, labels, tmp_path / "run") / "card.json").labels == ("a", "b", "c")


def two_inputs() -> keras.Model:
    one, two = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    return keras.Model([one, two], keras.layers.Dense(2)(keras.layers.Flatten()(keras.layers.Add()([one, two]))))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (two_inputs, "must have one input and one output"),
        (lambda: small_net(keras.layers.Dense(2, activation="sigmoid")), "ends in 2 sigmoids"),
        (lambda: small_net(keras.layers.Dense(2), shape=(8, 8, 4)), "1 or 3 channels"),
    ],
    ids=["two inputs", "sigmoid", "four channels"],
)
def test_other_networks_are_refused_with_a_sentence(
    build: Callable[[], keras.Model], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelFileError, match=words):
        adopt(save(build(), tmp_path), ("a", "b"), tmp_path / "run")


def test_an_operator_that_needs_tensorflow_is_refused_here(tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3))
    scores = keras.layers.Dense(2)(keras.layers.Flatten()(keras.ops.erfinv(keras.layers.Rescaling(1 / 256)(image))))
    run = adopt(save(keras.Model(image, scores), tmp_path), ("a", "b"), tmp_path / "run")
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (8, 8), "red").save(tmp_path / "photos" / "1.png")
    images = load_representative(tmp_path / "photos", RunDirectory(run).read_card())
    with pytest.raises(EdgecnnError, match=r"(?i)erfinv"):
        convert(run, images, scheme="float32", calibration_images=1)


def test_a_damaged_run_is_replaced_where_that_is_asked_for(tmp_path: Path) -> None:
    file = save(small_net(keras.layers.Dense(2)), tmp_path)
    run = RunDirectory(adopt(file, ("a", "b"), tmp_path / "run"))
    written = run.model.stat().st_mtime_ns
    adopt(file, ("a", "b"), run.path)
    assert run.model.stat().st_mtime_ns == written  # it is kept
    for spoilt in (run.model, run.card):
        kept = spoilt.read_bytes()
        spoilt.write_bytes(b"spoilt")
        with pytest.raises(OutputError, match="exists already"):
            adopt(file, ("a", "b"), run.path)
        spoilt.write_bytes(kept)
    run.model.write_bytes(b"spoilt")
    run.card.write_bytes(b"spoilt")
    for name in ("model.int8.tflite", "parity.int8.html", "report.html", "mine.txt"):
        (run.path / name).write_text("of the network before")
    adopt(file, ("a", "b"), run.path, force=True)
    assert KerasModel(run.model).labels == ("a", "b")
    assert {path.name for path in run.path.iterdir()} == {"model.keras", "card.json", "mine.txt"}


def test_what_was_made_of_another_network_goes_with_it(tmp_path: Path) -> None:
    run = RunDirectory(adopt(save(small_net(keras.layers.Dense(2)), tmp_path), ("a", "b"), tmp_path / "run"))
    names = {"model.float16.tflite", "parity.int8.json", "metrics.json", "mine.json"}
    for name in names:
        (run.path / name).write_text("of the first network")
    adopt(save(small_net(keras.layers.Dense(3)), tmp_path), ("a", "b", "c"), run.path, force=True)
    assert {path.name for path in run.path.iterdir()} == {"model.keras", "card.json", "mine.json"}
    own = tmp_path / "own"
    own.mkdir()
    (own / "metrics.json").write_text("of somebody's own: there was no run")
    adopt(tmp_path / "mine.keras", ("a", "b", "c"), own)
    assert (own / "metrics.json").exists()


def test_a_network_whose_maps_are_a_burden_is_advised_to_name_some(tmp_path: Path) -> None:
    layers = keras.layers
    wide = [layers.Conv2D(64, 1, name=f"wide{number}") for number in (1, 2)]
    first = [keras.Input((184, 184, 3)), layers.Rescaling(1 / 255)]
    model = keras.Sequential([*first, *wide, layers.GlobalAveragePooling2D(), layers.Softmax()])
    (tmp_path / "labels").mkdir()
    run = adopt(save(model, tmp_path), tuple(map(str, range(64))), tmp_path / "run")
    for number in range(2):
        Image.new("RGB", (184, 184), (number, 99, 9)).save(tmp_path / "labels" / f"{number}.png")
    images = load_representative(tmp_path / "labels", RunDirectory(run).read_card())
    options: dict[str, Any] = {"scheme": "float32", "output": tmp_path, "calibration_images": 2, "force": True}
    (note,) = convert(run, images, **options).notes
    # Twice 184 x 184 x 64, and 64 means.
    assert note.startswith(
        "the activations variant gives 3 feature maps of 4,333,632 values an image; --feature-layers"
    )
    assert not convert(run, images, **options, feature_layers=["wide2"]).notes


def test_a_run_is_no_folder_of_the_model_itself(tmp_path: Path) -> None:
    model = save(small_net(keras.layers.Dense(2)), tmp_path, "model.keras")
    with pytest.raises(InputError, match=r"holds .*model\.keras itself; name another folder with --output"):
        adopt(model, ("a", "b"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


def test_one_channel_has_no_other_order(tmp_path: Path) -> None:
    model = save(small_net(keras.layers.Dense(2), shape=(8, 8, 1)), tmp_path)
    with pytest.raises(InputError, match=r"takes images of 1 channel\(s\), which have no other order"):
        adopt(model, ("a", "b"), tmp_path / "run", Preprocessing(channel_order="bgr"))


def test_scales_of_blue_green_and_red_are_those_of_the_networks_own_channels(tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    scale, offset = (1 / 255, 1 / 128, 1 / 64), (0.0, -1.0, 0.5)
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")])
    chosen = Preprocessing(scale, offset, channel_order="bgr")
    run = adopt(save(model, tmp_path), ("a", "b"), tmp_path / "run", chosen)
    assert ModelCard.load(run / "card.json").input.scale == scale[::-1]
    pixels = np.random.default_rng(2).integers(0, 256, (6, 8, 8, 3), np.uint8)
    expected = model.predict_on_batch((pixels[..., ::-1] * scale + offset).astype(np.float32))
    np.testing.assert_allclose(KerasModel(RunDirectory(run).model).predict_all(pixels), expected, atol=1e-5)
