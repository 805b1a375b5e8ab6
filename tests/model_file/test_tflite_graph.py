"""Graphs as they are written in a file, against what the runtime says of the same file, and damaged ones."""

import numpy as np
import pytest

from edgecnn import ModelFileError
from edgecnn.device.runtime.loading import open_model
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.device.runtime.runtimes import operators
from edgecnn.model_file import tflite_graph
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import read_model
from edgecnn.model_file.tflite_graph import read_graph, scheme_of
from tests.support.tflite_files import converted_colours


def test_graph_is_what_the_runtime_says() -> None:
    graph = read_graph(read_model(find_model("fashion-mnist")).flatbuffer, "model")
    session = open_model("fashion-mnist", RunOptions(kernels="plain")).session
    assert [one.name for one in graph.operators] == [one["op_name"] for one in operators(session.interpreter)]
    for details in session.interpreter.get_tensor_details():
        if int(details["index"]) < len(graph.tensors) and details["name"]:
            tensor = graph.tensors[int(details["index"])]
            assert (tensor.name, tensor.dtype) == (details["name"], details["dtype"].__name__)
            np.testing.assert_array_equal(tensor.shape, details["shape"])
            scales = details["quantization_parameters"]["scales"]
            np.testing.assert_array_equal(np.array(tensor.scales, np.float32), scales)
    assert graph.inputs == (session.input.index,)


def test_names_of_operators_and_types_are_those_of_the_published_schema() -> None:
    schema = pytest.importorskip("tensorflow.lite.python.schema_py_generated", reason="boards have no TensorFlow")
    operators = {number: name for name, number in vars(schema.BuiltinOperator).items() if name.isupper()}
    assert tflite_graph._OPERATORS[: len(operators)] == [operators[number] for number in sorted(operators)]
    types = {number: name.lower() for name, number in vars(schema.TensorType).items() if name.isupper()}
    assert tflite_graph._TYPES[: len(types)] == [types[number] for number in sorted(types)]


def test_scheme_is_told_by_the_types() -> None:
    assert scheme_of(read_graph(read_model(find_model("fashion-mnist")).flatbuffer, "model")) == "int8"
    assert scheme_of(read_graph(converted_colours(), "model")) == "float32"


def test_damaged_graphs_are_a_sentence_or_read() -> None:
    whole, rng = read_model(find_model("fashion-mnist")).flatbuffer, np.random.default_rng(0)
    sentences = []
    for _ in range(2000):
        data = bytearray(whole[: rng.integers(8, len(whole))]) if rng.random() < 0.2 else bytearray(whole)
        for at in rng.integers(0, min(len(data), 6000), rng.integers(1, 8)):
            data[at] = rng.integers(256)
        try:
            read_graph(bytes(data), "spoilt.tflite")
        except ModelFileError as error:
            sentences.append(str(error))
    assert 100 < len(sentences) < 2000
    assert all(sentence.startswith("spoilt.tflite is damaged") for sentence in sentences)
