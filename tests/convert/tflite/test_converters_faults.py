"""What converters get wrong is mended, or said: one bias for two uses, other outputs than are named, ranges cut off."""

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.convert import Conversion, Preprocessing, adopt, convert, load_representative, parity
from edgecnn.model_file.container import pack_card, read_model
from edgecnn.model_file.schemes import IoType, Scheme
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import RunDirectory
from tests.support.foreign import save_pictures
from tests.support.shared import once


def make(folder: Path) -> Path:
    """A layer that is used twice, and one whose values go into two poolings that are put side by side."""
    keras.utils.set_random_seed(8)
    image, layers = keras.Input((16, 16, 3)), keras.layers
    twice = layers.Conv2D(3, 3, padding="same", activation="relu", bias_initializer="random_normal", name="twice")
    wide = layers.Conv2DTranspose(4, 3, bias_initializer="random_normal", name="wide")(twice(twice(image)))
    poolings = [layers.GlobalAveragePooling2D(name="mean")(wide), layers.GlobalMaxPooling2D(name="most")(wide)]
    answer = layers.Dense(4, activation="softmax")(layers.Concatenate()(poolings))
    keras.Model(image, answer).save(folder / "model.keras")
    save_pictures(folder / "photos", np.random.default_rng(1).integers(0, 256, (40, 16, 16, 3), np.uint8))
    adopt(folder / "model.keras", tuple("abcd"), folder / "run", Preprocessing((1 / 255,)))
    return folder


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> RunDirectory:
    made = once(tmp_path_factory, "converters-faults", make)
    return RunDirectory(Path(shutil.copytree(made, tmp_path / "made")) / "run")


def photographs(run: RunDirectory) -> Dataset:
    return load_representative(run.path.parent / "photos", run.read_card())


def converted(run: RunDirectory, scheme: Scheme, io: IoType = "int8") -> Conversion:
    return convert(run.path, photographs(run), scheme=scheme, calibration_images=40, io=io)


def broken(run: RunDirectory, scheme: Scheme) -> list[str]:
    findings = parity(run.path, photographs(run), scheme=scheme, force=True).findings
    return [found.words for found in findings if found.broken]


def biases(flatbuffer: bytearray) -> list[np.ndarray]:
    """The inputs of its convolutions, which can be written."""
    graph = schema.Model.GetRootAs(flatbuffer, 0).Subgraphs(0)
    inputs = [graph.Operators(place).InputsAsNumpy() for place in range(2)]
    assert all(len(each) == 3 for each in inputs)
    return inputs


def test_each_use_of_a_layer_has_a_bias_in_its_own_scale(run: RunDirectory) -> None:
    made = converted(run, "int16x8")
    assert broken(run, "int16x8") == [] and made.activations
    for path in (made.plain.path, made.activations.path):  # as TensorFlow writes it
        packed = read_model(path)
        flatbuffer = bytearray(packed.flatbuffer)
        first, second = biases(flatbuffer)
        assert first[1] == second[1] and first[2] != second[2], "the weights are shared, the bias is not"
        second[2] = first[2]
        assert packed.card and packed.golden
        path.write_bytes(pack_card(bytes(flatbuffer), packed.card, packed.golden))
    (found,) = broken(run, "int16x8")
    assert found.startswith("twice#2: ") and "here it counts" in found and "use --int8 or --float16" in found


def test_feature_maps_of_mixed_are_those_before_they_are_put_side_by_side(run: RunDirectory) -> None:
    made = converted(run, "mixed")
    distances = {layer.name: layer.sqnr_db for layer in made.layers}
    assert {"wide", "mean", "most"} <= set(distances) and min(distances.values()) > 20
    assert made.notes == () and broken(run, "mixed") == []


@pytest.mark.parametrize("io", ["int8", "float32"])
def test_convert_names_the_layer_whose_values_are_cut_off(io: IoType, run: RunDirectory) -> None:
    (note,) = converted(run, "int8", io).notes
    assert note.startswith("warning: wide: its integers stand for ") and note.endswith(
        "which cuts them off; use --dynamic or --float16, which compute it in floats"
    )
