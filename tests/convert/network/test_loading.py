"""A .keras file is loaded, or the reason why not is one line."""

import dataclasses
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from edgecnn import EdgecnnError, ModelFileError, OutputError
from edgecnn.convert import KerasModel, adopt, convert
from edgecnn.device import FeatureExtractor
from edgecnn.model_file.bundled import find_model
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import RunDirectory

REFERENCE = Path(__file__).parents[2] / "parity" / "reference" / "model.keras"


def test_no_run_there_is_a_sentence(small: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="not a run directory"):
        convert(tmp_path, small)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", r"is empty \(0 bytes\); copy it again"),
        (b"nonsense", "is no Keras model, or its beginning is damaged"),
        (None, r"is a damaged \.keras file \(cut off: the end of its zip is missing\); copy it again"),
    ],
    ids=["empty", "nonsense", "truncated"],
)
def test_damaged_keras_file_is_a_sentence(
    content: bytes | None, sentence: str, copy: RunDirectory, small: Dataset
) -> None:
    whole = copy.model.read_bytes()
    copy.model.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(ModelFileError, match=sentence) as error:
        convert(copy.path, small)
    assert "\n" not in str(error.value)


def test_flipped_bits_in_the_keras_file_are_a_sentence_or_harmless(copy: RunDirectory) -> None:
    whole = copy.model.read_bytes()
    generator, refused = np.random.default_rng(0), 0
    for place in generator.integers(0, len(whole), 25):
        damaged = bytearray(whole)
        damaged[place] ^= 16
        copy.model.write_bytes(damaged)
        try:
            KerasModel(copy.model)
        except ModelFileError:
            refused += 1
    assert refused > 15


def test_network_that_needs_more_than_builtin_operators_is_a_sentence(copy: RunDirectory, small: Dataset) -> None:
    image = keras.Input((28, 28, 1))
    x = keras.layers.Flatten()(keras.ops.real(keras.ops.ifft2((image[..., 0], image[..., 0]))[0]))
    keras.Model(image, keras.layers.Dense(10, activation="softmax")(x)).save(copy.model)
    with pytest.raises(EdgecnnError, match="TensorFlow cannot convert the model to float32") as error:
        convert(copy.path, small, scheme="float32")
    assert "\n" not in str(error.value)


def replaced(copy: RunDirectory, *layers: keras.layers.Layer) -> RunDirectory:
    """The run with another network beside its card."""
    keras.Sequential(list(layers)).save(copy.model)
    return copy


def test_network_and_card_that_contradict_each_other_are_refused(copy: RunDirectory, small: Dataset) -> None:
    layers = keras.layers
    replaced(copy, keras.Input((32, 32, 1)), layers.Flatten(), layers.Dense(10, activation="softmax"))
    with pytest.raises(ModelFileError, match="the card beside it says"):
        convert(copy.path, small)


def test_network_without_a_softmax_is_refused(copy: RunDirectory, small: Dataset) -> None:
    layers = keras.layers
    replaced(copy, keras.Input((28, 28, 1)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(10))
    with pytest.raises(ModelFileError, match="end it with a softmax"):
        convert(copy.path, small)


def test_a_tflite_file_is_told_from_a_damaged_keras_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="is a TFLite model, so it is converted already; edgecnn pack") as refusal:
        adopt(find_model("fashion-mnist"), ("a", "b"), tmp_path / "run")
    assert "train it again" not in str(refusal.value) and not (tmp_path / "run").exists()


@pytest.mark.parametrize(("value", "kind"), [(np.nan, "NaN"), (np.inf, "infinite"), (-np.inf, "infinite")])
@pytest.mark.parametrize("place", [0, 1, -1], ids=["kernel", "bias", "batch normalisation"])
def test_weights_that_are_no_numbers_are_refused_by_name(
    value: float, kind: str, place: int, copy: RunDirectory, small: Dataset
) -> None:
    layers = keras.layers
    norm, last = layers.BatchNormalization(name="norm"), layers.Dense(10, activation="softmax")
    replaced(copy, keras.Input((28, 28, 1)), layers.Conv2D(2, 3, name="stem"), layers.Flatten(), last, norm)
    model = keras.models.load_model(copy.model, compile=False)
    variable = model.weights[place]
    values = np.array(variable)
    values.reshape(-1)[0] = value
    variable.assign(values)
    model.save(copy.model)
    with pytest.raises(ModelFileError, match=rf"1 of \d+ values of .*{variable.path} are {kind}.*training diverged"):
        convert(copy.path, small)
    assert not list(copy.path.glob("*.tflite"))


def test_network_of_any_image_size_is_refused(copy: RunDirectory, small: Dataset) -> None:
    layers = keras.layers
    pooled = layers.GlobalAveragePooling2D()
    replaced(copy, keras.Input((None, None, 1)), layers.Conv2D(4, 3), pooled, layers.Dense(10, activation="softmax"))
    with pytest.raises(ModelFileError, match="must take images of one size"):
        convert(copy.path, small)


def test_global_pooling_is_a_feature_map_of_one_position(copy: RunDirectory, small: Dataset) -> None:
    layers = keras.layers
    pooled = layers.GlobalAveragePooling2D()
    replaced(
        copy, keras.Input((28, 28, 1)), layers.Conv2D(4, 3, name="only"), pooled, layers.Dense(10, activation="softmax")
    )
    made = convert(copy.path, small, force=True)
    assert made.activations and [layer.name for layer in made.layers] == ["only", pooled.name, "probabilities"]
    maps = FeatureExtractor(made.activations.path).extract(small.test.images[0]).maps
    assert {name: values.shape for name, values in maps.items()} == {"only": (26, 26, 4), pooled.name: (1, 1, 4)}
    np.testing.assert_allclose(maps[pooled.name][0, 0], maps["only"].mean(axis=(0, 1)), atol=0.02)


def test_missing_card_is_a_sentence(copy: RunDirectory, small: Dataset) -> None:
    copy.card.unlink()
    with pytest.raises(ModelFileError, match="cannot read the model card"):
        convert(copy.path, small)


def test_labels_in_another_order_are_refused(copy: RunDirectory, small: Dataset) -> None:
    data = json.loads(copy.card.read_text())
    data["labels"].reverse()
    copy.card.write_text(json.dumps(data))
    with pytest.raises(ModelFileError, match="labels are not the data set's"):
        convert(copy.path, small)


def test_another_data_set_is_refused(copy: RunDirectory, small: Dataset) -> None:
    with pytest.raises(ModelFileError, match="give the one it was trained on"):
        convert(copy.path, dataclasses.replace(small, name="other", sha256="0" * 64))
    with pytest.raises(ModelFileError, match=r"is not as .* was trained on it: images were added, removed, renamed"):
        convert(copy.path, dataclasses.replace(small, sha256="0" * 64))


def test_a_full_folder_for_temporary_files_is_no_damaged_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: str, link: str, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(source), None, str(link))

    monkeypatch.setattr(os, "symlink", refuse)  # to the model, in that folder
    with pytest.raises(OutputError, match=r"there is no room for temporary files in .*TMPDIR"):
        KerasModel(REFERENCE)


def test_without_onednn_the_operator_is_named_and_grouped_convolutions_are_trained(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-m", "tests.scripts.without_onednn", str(tmp_path)]
    environment = os.environ | {"TF_ENABLE_ONEDNN_OPTS": "0"}
    done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, timeout=300)
    sentence, trained = done.stdout.splitlines()
    assert "first.keras cannot be run by TensorFlow: The Conv2D op currently only supports the NHWC" in sentence
    assert trained == "4 of 4 biases trained"
