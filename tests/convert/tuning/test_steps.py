"""What tuning keeps of its steps, and the networks that it leaves alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras

from edgecnn import EdgecnnError
from edgecnn.convert import Preprocessing, adopt
from edgecnn.convert.network.keras_network import KerasNetwork
from edgecnn.convert.tflite.export import to_flatbuffer
from edgecnn.convert.tflite.float32 import to_float32
from edgecnn.convert.tuning.rounding import choose_by_error
from edgecnn.convert.tuning.simulation import Floats, Simulation
from edgecnn.convert.tuning.tuning import Tuned, tune
from edgecnn.pixels.dataset import Split
from edgecnn.run_directory import RunDirectory
from tests.support.many_operators import fed_noise, noise

LABELS = tuple("abc")
State = list[Floats]


class Made(NamedTuple):
    network: KerasNetwork
    flatbuffer: bytes
    float32: bytes


def make(folder: Path, seed: int) -> Made:
    layers = keras.layers
    keras.utils.set_random_seed(seed)
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(6, 3, strides=2, activation="relu", name="seen", bias_initializer="random_normal")(image)
    x = layers.Flatten()(layers.Conv2D(6, 3, strides=2, activation="relu", bias_initializer="random_normal")(x))
    logits = layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(stddev=0.5))(x)
    keras.Model(image, layers.Softmax()(logits)).save(folder / f"{seed}.keras")
    run = RunDirectory(adopt(folder / f"{seed}.keras", LABELS, folder / str(seed), Preprocessing((1 / 255,))))
    network = KerasNetwork.load(run.model, run.read_card())
    float32 = to_float32(network.with_maps)
    return Made(network, to_flatbuffer(network.with_maps, "int8", fed_noise(20), float32=lambda: float32), float32)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("first"), 1)


def tuned(made: Made, epochs: int, told: list[str]) -> Tuned:
    split = Split(noise(80, seed=4), np.arange(80) % 3)
    return tune(made.flatbuffer, made.float32, made.network, split, epochs, 0, "0" * 64, told.append)


def ruin(simulation: Simulation, *_: object) -> None:
    for variable in (*simulation.weights.values(), *simulation.biases.values()):
        variable.assign(-variable)
    for group in simulation.graph.groups:
        simulation.set_range(group, -0.01, 0.01)


def test_steps_that_are_worse_leave_the_file_as_it_was_converted(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in ("choose_by_error", "train"):
        monkeypatch.setattr(f"edgecnn.convert.tuning.tuning.{step}", ruin)
    told: list[str] = []
    after = tuned(made, 1, told)
    assert after.record.words.endswith("; no step was better") and len(told) == 4
    assert after.flatbuffer == made.flatbuffer


def test_training_that_is_worse_leaves_what_was_chosen_before(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = tuned(made, 0, [])
    assert chosen.flatbuffer != made.flatbuffer
    monkeypatch.setattr("edgecnn.convert.tuning.tuning.train", ruin)
    after = tuned(made, 2, [])
    assert after.flatbuffer == chosen.flatbuffer and after.record.words == chosen.record.words


def test_a_network_that_is_not_computed_as_keras_does_is_left_alone(made: Made, tmp_path: Path) -> None:
    other = made._replace(network=make(tmp_path, 2).network)
    with pytest.raises(EdgecnnError, match="--qat does not compute this network as Keras does; leave it out"):
        tuned(other, 0, [])


def test_each_step_begins_with_what_it_is_to_better(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = list[State](), list[State]()

    def choose(simulation: Simulation, images: Floats, ranges: bool) -> None:
        before.append(simulation.state())
        choose_by_error(simulation, images, ranges)
        after.append(simulation.state())
        assert len(images) == 40

    def train(simulation: Simulation, fed: Callable[[Any], Floats], teacher: Floats, *_: object) -> None:
        start = simulation.state()
        assert any(same(start, one) for one in after) and not same(start, before[0])
        simulation.restore(before[0])
        np.testing.assert_allclose(teacher, simulation.answers(fed(np.arange(80)), quantized=False), atol=1e-5)

    monkeypatch.setattr("edgecnn.convert.tuning.tuning.choose_by_error", choose)
    monkeypatch.setattr("edgecnn.convert.tuning.tuning.train", train)
    told: list[str] = []
    tuned(made, 1, told)
    assert len(before) == 2 and same(*before) and not same(*after)
    assert told[0].startswith("as converted: ") and told[0].endswith(" on 40 training images")


def same(one: State, other: State) -> bool:
    return all(np.array_equal(*pair) for pair in zip(one, other, strict=True))
