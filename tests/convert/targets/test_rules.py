"""Each target gets what it takes, or the rule that fails in words."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgecnn import EdgecnnError, InputError
from edgecnn.convert import convert
from edgecnn.convert.targets.rules import require_supported
from edgecnn.convert.targets.table import TARGETS
from edgecnn.convert.targets.target import ExportSettings
from edgecnn.device import describe
from edgecnn.model_file.tflite_graph import Graph, GraphOperator, GraphTensor, read_graph
from edgecnn.pixels.dataset import Dataset
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.train import TrainingRun
from tests.convert.targets.conftest import changed

RGB = InputSpec(8, 8, 3, "rgb", "pad", "bilinear", (1 / 255,) * 3, (0.0,) * 3, "any")


def forget_weights(model: Any) -> None:
    graph = model.subgraphs[0]
    model.buffers[graph.tensors[graph.operators[0].inputs[1]].buffer].data = None


def free_the_batch(model: Any) -> None:
    tensor = model.subgraphs[0].tensors[model.subgraphs[0].operators[1].outputs[0]]
    tensor.shapeSignature = [-1, *tensor.shape[1:]]


def need_flex(model: Any) -> None:
    model.operatorCodes[1].builtinCode, model.operatorCodes[1].customCode = 32, b"FlexErfinv"
    model.operatorCodes[1].deprecatedBuiltinCode = 32


@pytest.mark.parametrize(
    ("change", "words"),
    [(forget_weights, "lacks the values of"), (free_the_batch, "has a size that is not fixed"),
     (need_flex, "needs FlexErfinv, which no runtime on a device has")],
)  # fmt: skip
@pytest.mark.parametrize("target", TARGETS)
def test_what_no_device_runs_is_refused(
    target: Any, change: Callable[[Any], None], words: str, flatbuffer: bytes
) -> None:
    require_supported(TARGETS[target], read_graph(flatbuffer, "m"))
    with pytest.raises(EdgecnnError, match=words):
        require_supported(TARGETS[target], read_graph(changed(flatbuffer, change), "m"))


def softmax_of(taken: str, given: str, others: int = 0) -> Graph:
    """A graph of one operator, which takes and gives tensors of these types."""
    tensors = [GraphTensor(f"a {dtype}", (1, 10), (1, 10), dtype, (), (), False, False) for dtype in (taken, given)]
    return Graph(tuple(tensors), (GraphOperator("SOFTMAX", 1, False, (0,), (1,)),), (0,), (1,), others)


@pytest.mark.parametrize(("types", "end"), [(("int32", "int8"), "input"), (("int8", "int32"), "output")])
def test_types_that_no_image_and_no_score_has_are_refused(types: tuple[str, str], end: str) -> None:
    require_supported(TARGETS["litert"], softmax_of("int8", "int8"))
    with pytest.raises(EdgecnnError, match=f"the {end} a int32 is int32, not one of float32, int8, uint8, int16"):
        require_supported(TARGETS["litert"], softmax_of(*types))


def test_a_graph_with_control_flow_is_refused() -> None:
    with pytest.raises(EdgecnnError, match=r"litert: the model has 1 subgraphs for control flow \(while, if\)"):
        require_supported(TARGETS["litert"], softmax_of("int8", "int8", others=1))


def test_a_graph_has_what_the_runtime_sees(flatbuffer: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(changed(flatbuffer, lambda _: None))
    with pytest.warns(match="carries no card"):
        info = describe(tmp_path / "model.tflite")
    graph = read_graph(flatbuffer, "m")
    assert [operator.name for operator in graph.operators] == [operator.name for operator in info.operators]
    assert [operator.inputs for operator in graph.operators] == [operator.inputs for operator in info.operators]
    assert [tensor.shape for tensor in graph.tensors_at(graph.inputs)] == [(1, 28, 28, 1)]


@pytest.mark.parametrize(
    ("target", "scheme", "io", "words"),
    [("edgetpu", "float16", "int8", "8-bit integers only"), ("edgetpu", "int8", "float32", "leave out --io"),
     ("mediapipe", "int8", "int8", "takes RGB images"), ("coral", "int8", "int8", "unknown target 'coral'; known: li")],
)  # fmt: skip
def test_what_a_target_cannot_take_is_refused(
    target: Any, scheme: Any, io: Any, words: str, small_run: TrainingRun, small: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words):
        convert(small_run.path, small, scheme=scheme, io=io, target=target, output=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("scheme", "io", "changes"),
    [("int8", "int8", {"io": "uint8", "pixels_in": True}), ("int8", "uint8", {"pixels_in": True}),
     ("int8", "float32", {}), ("float32", "int8", {"io": "uint8"}), ("dynamic", "float32", {})],
)  # fmt: skip
def test_mediapipe_gets_bytes_where_a_scheme_can_have_them(scheme: str, io: Any, changes: dict[str, Any]) -> None:
    asked = ExportSettings(scheme, io, dense_per_tensor=False)
    assert TARGETS["mediapipe"].settings(asked, RGB) == dataclasses.replace(asked, **changes)


@pytest.mark.parametrize("scheme", ["mixed", "int16x8"])
def test_mediapipe_takes_no_other_integers(scheme: str) -> None:
    with pytest.raises(InputError, match=f"takes uint8 or float32 input, not {scheme}'s; use --int8"):
        TARGETS["mediapipe"].settings(ExportSettings(scheme, "int8", dense_per_tensor=False), RGB)
