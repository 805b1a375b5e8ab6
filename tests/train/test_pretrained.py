"""Weights from a file or from ImageNet go into all layers but the last, or a sentence says why not."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest

from edgecnn import EdgecnnError, InputError, ModelFileError
from edgecnn.pixels.input_table import apply_table, input_table
from edgecnn.train import InputChoice
from edgecnn.train.architectures import build_network
from edgecnn.train.pretrained import body_of, load_pretrained

MOBILE, SHAPE = "mobilenet_v2-0.1", (32, 32, 3)
PIXELS = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def source() -> keras.Model:
    """A small MobileNetV2 of 7 classes with weights and statistics at random."""
    return shaken(build_network(MOBILE, SHAPE, 7))


def shaken(model: keras.Model) -> keras.Model:
    generator = np.random.default_rng(2)
    model.set_weights([weight * generator.uniform(1, 2, weight.shape) for weight in model.get_weights()])
    return model


def loaded(file: Path | str, architecture: str = MOBILE, shape: tuple[int, int, int] = SHAPE) -> keras.Model:
    network = build_network(architecture, shape, 3)
    load_pretrained(network, architecture, str(file))
    return network


def assert_same_body(network: keras.Model, source: keras.Model) -> None:
    inputs = PIXELS / np.float32(128) - 1
    expected = body_of(source).predict_on_batch(inputs)
    assert expected.std() > expected.mean() / 10 > 0
    np.testing.assert_allclose(body_of(network).predict_on_batch(inputs), expected, rtol=1e-4)


@pytest.mark.parametrize("name", ["model.keras", "body.weights.h5"])
def test_all_layers_but_the_last_come_from_a_file(name: str, source: keras.Model, tmp_path: Path) -> None:
    if name.endswith(".keras"):
        source.save(tmp_path / name)
    else:
        body_of(source).save_weights(tmp_path / name)
    assert_same_body(loaded(tmp_path / name), source)


@pytest.mark.parametrize("name", ["mobilenet_v3_small-0.3"])
def test_weights_of_keras_applications_mean_the_same_here(name: str, tmp_path: Path) -> None:
    """Their files hold a network that prepares pixels itself; edgecnn's card does that."""
    options = {"include_top": False, "pooling": "avg", "weights": None}
    theirs = shaken(keras.applications.MobileNetV3Small(input_shape=SHAPE, alpha=0.3, **options))
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    network = loaded(tmp_path / "theirs.weights.h5", name)
    values = apply_table(input_table(InputChoice(SHAPE[:2], architecture=name).spec(1, 1, "rgb", "crop")), PIXELS)
    expected = theirs.predict_on_batch(PIXELS.astype(np.float32))
    np.testing.assert_allclose(body_of(network).predict_on_batch(values), expected, rtol=1e-3, atol=1e-5)
    kinds = {type(layer).__name__ for layer in network.layers}
    assert not kinds & {"Rescaling", "Normalization"}


@pytest.mark.parametrize("content", [b"", b"no HDF5 file at all" * 100, None])
@pytest.mark.parametrize("name", ["w.keras", "w.weights.h5", "w.h5"])
def test_a_file_that_holds_no_weights_is_a_sentence(name: str, content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelFileError, match=name) as error:
        loaded(tmp_path / name)
    assert "give" in str(error.value) and "\n" not in str(error.value)
    if content is not None:  # Keras calls a .keras file that is no zip archive missing
        assert "not found: filepath" not in str(error.value)


@pytest.mark.parametrize("name", ["other.keras", "other.weights.h5"])
def test_weights_of_another_architecture_are_a_sentence(name: str, tmp_path: Path) -> None:
    other = build_network("compact", SHAPE, 4)
    if name.endswith(".keras"):
        other.save(tmp_path / name)
    else:
        other.save_weights(tmp_path / name)
    with pytest.raises(ModelFileError, match=f"{name}.* weights of mobilenet_v2-0.1"):
        loaded(tmp_path / name)


def test_weights_of_another_width_are_a_sentence(source: keras.Model, tmp_path: Path) -> None:
    source.save(tmp_path / "narrow.keras")
    with pytest.raises(ModelFileError, match=r"holds the weights of another network: \d+ arrays of [\d,]+ numbers"):
        loaded(tmp_path / "narrow.keras", "mobilenet_v2-0.2")


def test_a_network_without_a_dense_layer_at_its_end_takes_no_weights() -> None:
    image = keras.Input(SHAPE)
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(3, 3)(image))
    with pytest.raises(InputError, match=r"ends in a Dense layer with softmax\. Received: softmax"):
        body_of(keras.Model(image, keras.layers.Softmax(name="softmax")(pooled)))


def test_without_a_home_folder_a_failed_download_is_a_sentence_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setattr(Path, "home", nowhere)
    with pytest.raises(EdgecnnError, match=r"put it into .*\.keras/models, or give a file"):
        loaded("imagenet", "mobilenet-0.25")


def test_without_a_network_one_sentence_says_where_the_file_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nothing answers
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models"
    with pytest.raises(EdgecnnError) as error:
        loaded("imagenet", "mobilenet-0.25")
    words = str(error.value)
    assert words.startswith("the ImageNet weights of mobilenet cannot be downloaded (") and "\n" not in words
    assert f"/mobilenet_2_5_224_tf_no_top.h5 elsewhere and put it into {home}, or " in words
    assert "--weights FILE" in words and "--weights none" in words
