"""What is chosen by error: biases that make up for roundings, and ranges without what no image reaches."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgecnn.convert.tuning.graph import Graph, Operator
from edgecnn.convert.tuning.rounding import choose_by_error
from edgecnn.convert.tuning.simulation import Simulation
from tests.support.many_operators import fed_noise


def test_biases_bring_the_means_of_a_layer_back_to_those_of_real_numbers(flatbuffer: bytes) -> None:
    simulation, images = Simulation(Graph.read(flatbuffer), {}), fed_noise(32, seed=3)
    graph = simulation.graph
    for variable in simulation.weights.values():  # as floats, a third of a step beside their integers
        variable.assign(np.clip(variable.numpy() + 1 / 3, -127, 127))
    wanted = simulation.run(images, quantized=False)
    before = simulation.run(images, quantized=True)
    choose_by_error(simulation, images, ranges=False)
    after = simulation.run(images, quantized=True)

    def largest_shift(operator: Operator, values: dict[int, Any]) -> float:
        """Of the mean of a channel, in steps, before it is rounded and cut off."""
        given = np.asarray(simulation.compute(operator, values, quantized=True))
        shift = np.mean(given - wanted[operator.output], axis=tuple(range(given.ndim - 1)))
        return float(np.abs(shift).max() / simulation.quantization(operator.output)[0])

    own = [each for each in graph.operators if each.is_weighted and each.inputs[2] in simulation.biases]
    own = [each for each in own if not graph.shares_buffer(each.inputs[2])]
    assert sum(largest_shift(each, before) > 1 for each in own) >= 3
    assert all(largest_shift(each, after) < 0.05 for each in own)


@pytest.mark.parametrize(("bright", "kept"), [(1.0, (0.9, 1.0)), (0.3, (0.65, 0.75))], ids=["as calibrated", "dark"])
def test_both_ends_of_a_range_go_where_no_image_reaches_them(
    bright: float, kept: tuple[float, float], flatbuffer: bytes
) -> None:
    simulation = Simulation(Graph.read(flatbuffer), {})
    graph = simulation.graph
    (first,) = (group for group in graph.groups if graph.operators[0].output in group)
    before = simulation.range(first[0])
    assert before[0] < 0 < before[1]
    choose_by_error(simulation, np.float32(bright) * fed_noise(20), ranges=True)
    for old, new in zip(before, simulation.range(first[0]), strict=True):
        assert kept[0] <= new / old <= kept[1] + 0.01
