"""Weights as the file has them, dequantized by hand; damage is a sentence."""

import dataclasses
import random

import numpy as np
import pytest

from edgecnn.device.runtime.loading import open_model
from edgecnn.errors import ModelFileError
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import read_model
from edgecnn.model_file.tflite_constants import pooling_window, read_constant
from edgecnn.model_file.tflite_graph import Graph, GraphTensor, read_graph


@pytest.fixture(scope="module")
def data() -> bytes:
    return read_model(find_model("fashion-mnist")).flatbuffer


@pytest.fixture(scope="module")
def graph(data: bytes) -> Graph:
    return read_graph(data, "m")


def of(graph: Graph, name: str, place: int) -> tuple[int, GraphTensor]:
    """Number and description of a constant of the last operator that is called so."""
    index = [one for one in graph.operators if one.name == name][-1].inputs[place]
    return index, graph.tensors[index]


@pytest.mark.parametrize(("operator", "place"), [("FULLY_CONNECTED", 1), ("FULLY_CONNECTED", 2), ("CONV_2D", 1)])
def test_weights_are_the_interpreter_s_times_the_scale_of_their_channel(
    operator: str, place: int, data: bytes, graph: Graph
) -> None:
    index, tensor = of(graph, operator, place)
    interpreter = open_model("fashion-mnist").session.interpreter
    stored = interpreter.get_tensor(index)
    scales = {one["index"]: one for one in interpreter.get_tensor_details()}[index]["quantization_parameters"]["scales"]
    assert len(scales) == len(stored) > 1
    wanted = np.stack([row.astype(np.float64) * scale for row, scale in zip(stored, scales, strict=True)])
    found = read_constant(data, index, tensor, "m")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_one_zero_point_and_scale_are_of_all_values(data: bytes, graph: Graph) -> None:
    index, tensor = of(graph, "FULLY_CONNECTED", 1)
    plain = read_constant(data, index, dataclasses.replace(tensor, scales=(), zero_points=()), "m")
    shifted = read_constant(data, index, dataclasses.replace(tensor, scales=(0.5,), zero_points=(-100,)), "m")
    np.testing.assert_array_equal(shifted, (plain + 100) * 0.5)


def test_windows_of_the_poolings(data: bytes, graph: Graph) -> None:
    places = [number for number, one in enumerate(graph.operators) if one.name == "MAX_POOL_2D"]
    assert [pooling_window(data, place, "m") for place in places] == [(2, 2), (2, 2)]


@pytest.mark.parametrize(
    "changes",
    [{"shape": (10, 127)}, {"dtype": "float32"}, {"scales": (0.1,) * 3, "zero_points": ()}, {"dtype": "string"}],
    ids=str,
)
def test_sizes_and_types_that_do_not_fit_are_a_sentence(changes: dict[str, object], data: bytes, graph: Graph) -> None:
    index, tensor = of(graph, "FULLY_CONNECTED", 1)
    with pytest.raises(ModelFileError, match=r"^m( is damaged|: the values of)"):
        read_constant(data, index, dataclasses.replace(tensor, **changes), "m")  # type: ignore[arg-type]


def test_damaged_offsets_are_a_sentence(data: bytes, graph: Graph) -> None:
    index, tensor = of(graph, "FULLY_CONNECTED", 1)
    pool = next(number for number, one in enumerate(graph.operators) if one.name == "MAX_POOL_2D")
    chance, refused = random.Random(4), 0
    for _ in range(300):
        damaged = bytearray(data)
        for place in chance.choices(range(4000), k=200):
            damaged[place] = chance.randrange(256)
        for read in (
            lambda file=bytes(damaged): read_constant(file, index, tensor, "m"),
            lambda file=bytes(damaged): pooling_window(file, pool, "m"),
        ):
            try:
                read()
            except ModelFileError:
                refused += 1
    assert refused > 100
