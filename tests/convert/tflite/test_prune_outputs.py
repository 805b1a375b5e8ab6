"""The plain model is a part of its activations variant, and of no other file."""

import numpy as np
import pytest

from edgecnn.convert.network.feature_maps import feature_maps, with_named_outputs
from edgecnn.convert.tflite.export import to_flatbuffer
from edgecnn.convert.tflite.prune_outputs import is_part_of, keep_output
from edgecnn.model_file.card import PROBABILITIES
from edgecnn.model_file.tflite_graph import read_graph
from tests.support.many_operators import fed_noise, make_many_operators


@pytest.fixture(scope="module")
def whole() -> bytes:
    network = make_many_operators()
    return to_flatbuffer(with_named_outputs(network, feature_maps(network)), "int8", fed_noise(10), "float32")


def answers(flatbuffer: bytes) -> dict[str, np.ndarray]:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_content=flatbuffer).get_signature_runner()
    given: dict[str, np.ndarray] = runner(image=fed_noise(1, seed=4))
    return given


def a_map(named: dict[str, np.ndarray]) -> str:
    """A convolution's, whose number depends on how many were built before."""
    return next(name for name in sorted(named) if name.startswith("conv2d"))


def test_one_output_stays_with_the_operators_that_it_needs(whole: bytes) -> None:
    everything, graph = answers(whole), read_graph(whole, "whole")
    for name in (PROBABILITIES, a_map(everything)):
        part = keep_output(whole, name)
        kept = read_graph(part, "part")
        assert len(part) == len(whole) and kept.tensors == graph.tensors and len(kept.outputs) == 1
        assert len(kept.operators) < len(graph.operators)
        computed = {index for one in kept.operators for index in one.outputs}
        needed = {index for one in kept.operators for index in one.inputs} | set(kept.outputs)
        assert computed <= needed
        ((found, values),) = answers(part).items()
        assert found == name
        np.testing.assert_array_equal(values, everything[name])


def test_a_part_is_known_to_the_byte(whole: bytes) -> None:
    part = keep_output(whole, PROBABILITIES)
    assert is_part_of(part, whole, PROBABILITIES)
    assert not is_part_of(part, whole, a_map(answers(whole))) and not is_part_of(part, whole, "nothing")
    assert not is_part_of(whole, whole, PROBABILITIES) and not is_part_of(part + b"\0", whole, PROBABILITIES)
    for place in (len(part) // 2, len(part) - 1):
        other = bytearray(part)
        other[place] ^= 1
        assert not is_part_of(bytes(other), whole, PROBABILITIES)
