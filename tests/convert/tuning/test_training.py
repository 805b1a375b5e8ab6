"""Training brings the simulated int8 network nearer to the float network."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgecnn.convert.network.feature_maps import with_named_outputs
from edgecnn.convert.tflite.export import to_flatbuffer
from edgecnn.convert.tuning.graph import Graph
from edgecnn.convert.tuning.simulation import Simulation
from edgecnn.convert.tuning.training import divergence, train
from tests.support.many_operators import fed_noise, make_many_operators


def test_divergence_is_that_of_the_probabilities() -> None:
    expected, found = np.log([[0.5, 0.25, 0.25]]), np.log([[0.25, 0.5, 0.25]]) + 7  # logits have no zero of their own
    assert divergence(expected, found) == pytest.approx(0.5 * np.log(2) - 0.25 * np.log(2))
    assert divergence(expected, expected) == pytest.approx(0)


def test_training_lowers_the_divergence_the_same_way_twice() -> None:
    images = fed_noise(192)
    flatbuffer = to_flatbuffer(with_named_outputs(make_many_operators()), "int8", images[:20])
    states = []
    told: list[str] = []
    for _ in range(2):
        simulation = Simulation(Graph.read(flatbuffer), {})
        teacher = simulation.answers(images, quantized=False)
        for variable in simulation.trainable_biases:
            variable.assign_add(np.where(np.arange(len(variable.numpy())) % 2, 2.0, -2.0).astype(np.float32))
        before = divergence(teacher, simulation.answers(images, quantized=True))
        train(simulation, lambda rows: images[rows], teacher, 120, seed=3, progress=told.append)
        assert divergence(teacher, simulation.answers(images, quantized=True)) < 0.7 * before
        states.append([simulation.integers(index) for index in simulation.weights])
    for first, second in zip(*states, strict=True):
        np.testing.assert_array_equal(first, second)
    assert told[119].startswith("epoch 120 of 120: divergence from Keras ")
