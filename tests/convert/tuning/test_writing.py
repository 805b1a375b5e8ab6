"""The integers of a simulation are those of its file, before and after they are written into it."""

import itertools

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgecnn import EdgecnnError
from edgecnn.convert.tuning.graph import Graph
from edgecnn.convert.tuning.simulation import Simulation
from edgecnn.convert.tuning.writing import write
from tests.support.many_operators import fed_noise


def test_what_is_chosen_is_what_the_file_has(flatbuffer: bytes) -> None:
    simulation = Simulation(Graph.read(flatbuffer), {})
    generator = np.random.default_rng(1)
    for variable in simulation.weights.values():
        variable.assign_add(generator.normal(0, 3, variable.numpy().shape).astype(np.float32))
    for index in [index for index in simulation.biases if not simulation.graph.shares_buffer(index)]:
        simulation.move_bias(index, generator.normal(0, 0.01, simulation.real_bias(index).shape))
    for group in simulation.graph.groups:
        low, high = simulation.range(group[0])
        simulation.set_range(group, 0.8 * low, 0.9 * high)
    written = write(flatbuffer, simulation)
    assert len(written) == len(flatbuffer)
    again = Simulation(Graph.read(written), {})
    for index in simulation.weights:
        np.testing.assert_array_equal(again.integers(index), simulation.integers(index))
    for index in simulation.biases:
        np.testing.assert_allclose(again.real_bias(index), simulation.real_bias(index), atol=1e-5)
    for operator in (each for each in again.graph.operators if each.is_weighted and each.inputs[2] in again.biases):
        taken, weights, bias = (again.graph.tensors[index] for index in operator.inputs)
        np.testing.assert_allclose(bias.scales, taken.scales * weights.scales, rtol=1e-6)  # as kernels take it
    images = fed_noise(16, seed=9)
    off = np.abs(again.answers(images, True) - simulation.answers(images, True))
    # A bias of float32 may round the other way: then a value that was halfway is a step off.
    assert off.max() <= 1.01 * simulation.quantization(simulation.logits)[0] and (off < 1e-5).mean() >= 0.95


def test_a_state_is_gone_back_to(flatbuffer: bytes) -> None:
    simulation = Simulation(Graph.read(flatbuffer), {})
    state, as_it_was = simulation.state(), write(flatbuffer, simulation)
    for variable in simulation.weights.values():
        variable.assign(-variable)
    for index in simulation.biases:
        simulation.move_bias(index, np.full(simulation.real_bias(index).shape, 0.5))
    for group in simulation.graph.groups:
        low, high = simulation.range(group[0])
        simulation.set_range(group, low / 4 - 0.1, high / 2)
    assert all(simulation.integers(index).any() for index in simulation.weights)  # so that each is another now
    simulation.restore(state)
    assert write(flatbuffer, simulation) == as_it_was


def test_constants_of_one_buffer_are_known(flatbuffer: bytes) -> None:
    from tensorflow.lite.tools import flatbuffer_utils

    graph = Graph.read(flatbuffer)
    alone = next(index for index in Simulation(graph, {}).biases if not graph.shares_buffer(index))
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(flatbuffer))
    tensors = model.subgraphs[0].tensors
    tensors.append(tensors[alone])
    again = Graph.read(bytes(flatbuffer_utils.convert_object_to_bytearray(model)))
    assert again.shares_buffer(alone) and again.shares_buffer(len(tensors) - 1)


def test_layers_with_one_set_of_biases_are_not_parted(flatbuffer: bytes) -> None:
    from tensorflow.lite.tools import flatbuffer_utils

    graph = Graph.read(flatbuffer)
    own = [index for index in Simulation(graph, {}).biases if not graph.shares_buffer(index)]
    pairs = itertools.combinations(own, 2)
    first, second = next(pair for pair in pairs if len({graph.tensors[index].values for index in pair}) == 1)
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(flatbuffer))
    model.subgraphs[0].tensors[second].buffer = model.subgraphs[0].tensors[first].buffer
    shared = bytes(flatbuffer_utils.convert_object_to_bytearray(model))
    simulation = Simulation(Graph.read(shared), {})
    assert write(shared, simulation) == shared
    simulation.move_bias(second, np.full(graph.tensors[second].values, 0.5))
    with pytest.raises(EdgecnnError, match="two layers have one set of biases in the converted file"):
        write(shared, simulation)


def test_a_bias_that_no_integer_stands_for_becomes_the_nearest(flatbuffer: bytes) -> None:
    simulation = Simulation(Graph.read(flatbuffer), {})
    operator = next(each for each in simulation.graph.operators if each.is_weighted)
    count = simulation.graph.tensors[operator.inputs[2]].values
    simulation.move_bias(operator.inputs[2], np.resize([1e9, -1e9], count))
    found = Graph.read(write(flatbuffer, simulation)).tensors[operator.inputs[2]].constant
    assert found.tolist() == np.resize([2**31 - 1, -(2**31)], count).tolist()
