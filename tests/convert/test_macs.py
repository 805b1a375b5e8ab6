"""The MACs of a Keras network and of the file that is made of it are the same, whatever its convolutions are."""

import json
from pathlib import Path

import keras
import numpy as np

from edgecnn.convert import Preprocessing, adopt
from edgecnn.convert.network.feature_maps import with_named_outputs
from edgecnn.convert.tflite.export import to_flatbuffer
from edgecnn.run_directory import RunDirectory
from tests.support.command_line import Run, printed
from tests.support.model_files import without_card


def test_macs_of_separable_and_transposed_convolutions_are_those_of_their_operators(
    edgecnn: Run, tmp_path: Path
) -> None:
    layers = keras.layers
    image = keras.Input((6, 6, 3))
    x = layers.SeparableConv2D(8, 3, padding="same", depth_multiplier=2)(image)
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="same")(x)
    network = keras.Model(image, layers.Dense(2, activation="softmax")(layers.Flatten()(x)))
    network.save(tmp_path / "up.keras")
    run = adopt(tmp_path / "up.keras", ("a", "b"), tmp_path / "run", Preprocessing((1 / 255,), (0.0,)))
    file = tmp_path / "up.tflite"
    made = to_flatbuffer(with_named_outputs(network), "float32", np.empty((0, 6, 6, 3), np.float32))
    file.write_bytes(without_card(made))
    # 36 places of 3 x 2 kernels and of a mixture of the 6; 36 values of 8 channels, each to 3 x 3 of 4; 576 of 2.
    macs = [36 * 9 * 6, 36 * 6 * 8, 36 * 8 * 9 * 4, 12 * 12 * 4 * 2]
    info = json.loads(printed(edgecnn("info", file, "--json")))
    assert [one["macs"] for one in info["operators"] if one["macs"]] == macs and info["macs"] == sum(macs)
    parameters = 9 * 6 + 6 * 8 + 8 + 9 * 8 * 4 + 4 + 576 * 2 + 2
    assert sum(one["parameters"] for one in info["operators"]) >= parameters
    table = json.loads(printed(edgecnn("info", RunDirectory(run).model, "--json")))
    assert [layer["macs"] for layer in table["layers"] if layer["macs"]] == [macs[0] + macs[1], *macs[2:]]


def test_a_layer_counts_as_often_as_it_is_used_and_what_is_not_known_is_blank(edgecnn: Run, tmp_path: Path) -> None:
    layers = keras.layers
    image, twice = keras.Input((8, 8, 3)), layers.Conv2D(3, 3, padding="same", name="twice")
    x = layers.MaxPooling2D(name="pool")(twice(image))
    rows = layers.Reshape((16, 3))(twice(x))  # 64 positions and 16, of 3 x 3 x 3 x 3
    y = layers.LSTM(4, name="lstm")(layers.MultiHeadAttention(2, 8, name="attention")(rows, rows))
    keras.Model(image, layers.Dense(2, activation="softmax", name="scores")(y)).save(tmp_path / "seen.keras")
    run = adopt(tmp_path / "seen.keras", ("a", "b"), tmp_path / "run", Preprocessing((1 / 255,), (0.0,)))
    model = RunDirectory(run).model
    table = {layer["name"]: layer["macs"] for layer in json.loads(printed(edgecnn("info", model, "--json")))["layers"]}
    assert (table["twice"], table["scores"], table["pool"]) == (80 * 9 * 3 * 3, 8, 0)
    assert table["attention"] is None and table["lstm"] is None
    assert "at least 6,488" in printed(edgecnn("info", model))
