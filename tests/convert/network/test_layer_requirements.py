"""What a Keras file needs beyond Keras is said by layer, with the Keras that wrote the file and what helps."""

import json
import re
import shutil
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from edgecnn import InputError, ModelFileError
from edgecnn.convert import CustomCode, KerasModel, Preprocessing, adopt
from tests.support.command_line import Run, sentence
from tests.support.keras2 import LABELS, SCRIPTS, Keras2Models

AS_IT_IS = Preprocessing((1.0,), (0.0,))
OWN = CustomCode(SCRIPTS / "own_layers.py")
TRUSTED = CustomCode(is_trusted=True)


def as_keras_2(path: Path, layer: dict[str, object], version: str | None = "2.11.0") -> Path:
    """A .h5 file, as Keras 2 writes them, of one layer: what stands in it before the weights."""
    first = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 8, 8, 3], "name": "image"}}
    config = {"class_name": "Sequential", "config": {"name": "model", "layers": [first, layer]}}
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        if version:
            file.attrs["keras_version"] = version
    return path


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ({"class_name": "Swoosh", "config": {"name": "mine"}}, "layer mine is a Swoosh.*--custom-objects FILE.py"),
        ({"class_name": "Lambda", "config": {"name": "l", "function": ["4wA=", None, None]}}, "layer l.*--trust"),
        (
            {"class_name": "Lambda", "config": {"name": "l", "function": "shrink"}},
            r"calls shrink\(\).*--custom-objects",
        ),
        ({"class_name": "KerasLayer", "config": {"name": "hub"}}, "layer hub is a KerasLayer of TensorFlow Hub"),
        ({"class_name": "TFOpLambda", "config": {"name": "w", "function": "io.write_file"}}, "calls tf.io.write_file"),
    ],
    ids=["class", "code", "function", "hub", "operation"],
)
def test_what_a_layer_needs_is_named(layer: dict[str, object], words: str, tmp_path: Path) -> None:
    path = as_keras_2(tmp_path / "model.h5", layer)
    with pytest.raises(ModelFileError, match=f"model.h5, written by Keras 2.11.0: .*{words}") as refusal:
        adopt(path, LABELS, tmp_path / "run", AS_IT_IS)
    assert "train it again" not in str(refusal.value) and "\n" not in str(refusal.value)
    # A file of classes and functions does not stand in for TensorFlow's own, nor for a graph.
    helps = layer["class_name"] not in ("TFOpLambda", "KerasLayer")
    assert ("--custom-objects" in str(refusal.value)) == helps


def test_a_layer_of_keras_3_is_named_likewise(tmp_path: Path) -> None:
    class Mine(keras.layers.Layer):  # type: ignore[misc]
        pass

    model = keras.Sequential([keras.Input((8, 8, 3)), Mine(name="mine"), keras.layers.Flatten()])
    model.save(tmp_path / "model.keras")
    words = rf"written by Keras {re.escape(keras.__version__)}: layer mine is a Mine.*--custom-objects FILE.py"
    with pytest.raises(ModelFileError, match=words):
        adopt(tmp_path / "model.keras", LABELS, tmp_path / "run", AS_IT_IS)


def test_code_in_the_file_runs_where_it_is_trusted(keras2: Keras2Models, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"written by TensorFlow 2.*: layer scaled is a Lambda.*--trust"):
        adopt(keras2.folder / "code_saved_model", LABELS, tmp_path / "run", AS_IT_IS)
    with TRUSTED.scope():
        adopt(keras2.folder / "code.h5", LABELS, tmp_path / "run", AS_IT_IS, code=TRUSTED)
        found = KerasModel(tmp_path / "run" / "model.keras").predict_all(keras2.images)
    np.testing.assert_allclose(found, keras2.answers["code.h5"], atol=1e-5)
    with pytest.raises(ModelFileError, match=r"layer scaled is a Lambda.*--trust"):
        KerasModel(tmp_path / "run" / "model.keras")


@pytest.mark.parametrize("shape", [None, (8, 8, 3)])
def test_code_in_the_file_that_uses_names_from_outside_is_a_sentence(
    shape: tuple[int, ...] | None, tmp_path: Path
) -> None:
    layers = keras.layers
    halved = layers.Lambda(lambda values: values / np.float32(2), output_shape=shape)
    model = keras.Sequential([keras.Input((8, 8, 3)), halved, layers.Flatten(), layers.Dense(3, activation="softmax")])
    model.save(tmp_path / "model.keras")
    words = (
        r"model.keras: the code of a Lambda in it uses np, which does not lie in the file; .*--custom-objects FILE.py"
    )
    with TRUSTED.scope(), pytest.raises(ModelFileError, match=words):
        adopt(tmp_path / "model.keras", LABELS, tmp_path / "run", AS_IT_IS, code=TRUSTED)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("np.abs(values)", "the code of a layer uses np, which is not defined; .* in the file of --custom-objects"),
        ("1 // 0", "does not load .*this Keras"),
    ],
)
def test_own_code_that_fails_is_a_sentence(body: str, words: str, tmp_path: Path) -> None:
    for name, given in (("sound", "values / 2"), ("unsound", body)):
        lines = (
            "import keras",
            "class Own(keras.layers.Layer):",
            f"    def call(self, values):\n        return {given}",
        )
        (tmp_path / f"{name}.py").write_text("\n".join(lines))
    with CustomCode(tmp_path / "sound.py").scope():
        own = CustomCode(tmp_path / "sound.py").objects()["Own"]()
        dense = keras.layers.Dense(3, activation="softmax")
        keras.Sequential([keras.Input((8, 8, 3)), own, keras.layers.Flatten(), dense]).save(tmp_path / "model.keras")
    unsound = CustomCode(tmp_path / "unsound.py")
    with unsound.scope(), pytest.raises(ModelFileError, match=f"model.keras.* {words}"):
        adopt(tmp_path / "model.keras", LABELS, tmp_path / "run", AS_IT_IS, code=unsound)


def test_own_layers_and_functions_come_from_a_file(keras2: Keras2Models, edgecnn: Run, tmp_path: Path) -> None:
    common = ("--labels", keras2.labels, "--representative", keras2.photos, "--input-range", 0, 255, "-o", tmp_path)
    convert = ("convert", keras2.folder / "own.keras", *common, "--float32")
    refused = edgecnn(*convert)
    assert refused.exit_code == 1 and "layer gain is a Gain" in refused.output, refused.output
    theirs = tmp_path / "their code.py"
    theirs.write_text((SCRIPTS / "own_layers.py").read_text().replace("from tensorflow import keras", "import keras"))
    made = edgecnn(*convert, "--custom-objects", theirs)
    assert made.exit_code == 0 and f"--custom-objects '{theirs}' goes on there" in made.output, made.output
    with OWN.scope():
        found = KerasModel(tmp_path / "model.keras").predict_all(keras2.images)
    np.testing.assert_allclose(found, keras2.answers["own.keras"], atol=1e-5)
    parity = ("parity", tmp_path, "--scheme", "float32", "--representative", keras2.photos)
    assert "layer gain is a Gain" in sentence(edgecnn(*parity))
    climbed = edgecnn(*parity, "--custom-objects", OWN.file)
    verdict = climbed.stdout.splitlines()[-2]  # of weights that nobody trained parity may say so
    assert verdict == "PASS" or verdict.startswith("DOUBTFUL: the file answers as Keras does"), climbed.output
    assert climbed.exit_code == (verdict != "PASS")


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "no file"), ("import nothing_of_this_name", "ModuleNotFoundError"), ("1 +", "SyntaxError")],
    ids=["missing", "import", "syntax"],
)
def test_a_file_of_own_code_that_fails_is_a_sentence(text: str | None, words: str, tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    if text:
        file.write_text(text)
    with pytest.raises(InputError, match=words), CustomCode(file).scope():
        pass


def test_weights_alone_and_damage_are_told_apart(keras2: Keras2Models, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.attrs["keras_version"] = "2.13.1"
    with pytest.raises(ModelFileError, match=r"weights without the network.*model\.save"):
        adopt(tmp_path / "weights.h5", LABELS, tmp_path / "run", AS_IT_IS)
    for name in ("sequential.h5", "functional.keras"):
        path = Path(shutil.copy(keras2.folder / name, tmp_path))
        path.write_bytes(path.read_bytes()[:-3000])
        with pytest.raises(ModelFileError, match=r"is a damaged .*cut off.*copy it again"):
            adopt(path, LABELS, tmp_path / "run", AS_IT_IS)
