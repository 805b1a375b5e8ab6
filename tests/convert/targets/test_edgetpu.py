"""What an Edge TPU takes, and what its compiler writes."""

import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from tensorflow.lite.tools import flatbuffer_utils

from edgecnn import EdgecnnError
from edgecnn.convert import convert
from edgecnn.convert.targets.edgetpu import TARGET, OperatorSupport, operator_support
from edgecnn.device import verify
from edgecnn.model_file.container import read_model
from edgecnn.model_file.tflite_graph import Graph, GraphOperator, GraphTensor, read_graph
from edgecnn.pixels.dataset import Dataset
from edgecnn.train import TrainingRun
from tests.convert.targets.conftest import changed
from tests.support.command_line import Run

COMPILER = """#!{python}
import pathlib, sys
assert sys.argv[1] == "--out_dir"
model = pathlib.Path(sys.argv[3])
if {fails}:
    sys.exit("Internal compiler error. Aborting!")
data = model.read_bytes()
root = int.from_bytes(data[:4], "little") - 16  # what edgecnn puts before a flatbuffer is gone, too
pathlib.Path(sys.argv[2], "model_edgetpu.tflite").write_bytes(root.to_bytes(4, "little") + data[4:8] + data[24:])
"""


def compiler(folder: Path, monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    """Google's compiler cannot be had here: this has its command line, and rewrites the file as it does."""
    folder.mkdir()
    program = folder / "edgetpu_compiler"
    program.write_text(COMPILER.format(python=sys.executable, fails=fails))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_edge_tpu_says_what_runs_there(edgecnn: Run, small_run: TrainingRun, tmp_path: Path) -> None:
    arguments = ("convert", small_run.path, "--target", "edgetpu", "--no-activations")
    result = edgecnn(*arguments, "-o", tmp_path)
    assert result.exit_code == 0, result.output
    assert "is not installed here" in result.output and "8 of 8 operators would run there" in result.output


def with_shape_at(flatbuffer: bytes, place: int) -> Graph:
    """The graph with an operator that no Edge TPU has."""

    def another(model: Any) -> None:
        graph = model.subgraphs[0]
        code = flatbuffer_utils.schema_fb.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = 77  # SHAPE
        code.version = 1
        model.operatorCodes.append(code)
        graph.operators[place].opcodeIndex = len(model.operatorCodes) - 1

    return read_graph(changed(flatbuffer, another), "m")


def test_a_network_of_which_nothing_would_run_there_is_refused(flatbuffer: bytes) -> None:
    TARGET.require_supported(with_shape_at(flatbuffer, 1))
    words = "edgetpu: nothing would run there: an Edge TPU has no SHAPE; change the first layers"
    with pytest.raises(EdgecnnError, match=words):
        TARGET.require_supported(with_shape_at(flatbuffer, 0))


def test_a_network_that_computes_in_floats_somewhere_is_refused(flatbuffer: bytes) -> None:
    def compute_in_floats(model: Any) -> None:
        graph = model.subgraphs[0]
        tensor = graph.tensors[graph.operators[2].outputs[0]]
        tensor.name, tensor.type = b"between", flatbuffer_utils.schema_fb.TensorType.FLOAT32

    graph = read_graph(changed(flatbuffer, compute_in_floats), "m")
    with pytest.raises(EdgecnnError, match=r"edgetpu: between of \w+ is float32, not an 8-bit integer; use --int8"):
        TARGET.require_supported(graph)


def test_what_comes_after_an_unknown_operator_stays_on_the_cpu(flatbuffer: bytes) -> None:
    placed = operator_support(with_shape_at(flatbuffer, 5))
    assert [bool(operator.why_not) for operator in placed] == [False] * 5 + [True] * 3
    assert placed[5] == OperatorSupport("SHAPE", "an Edge TPU has no SHAPE")
    assert placed[6].why_not == "it comes after SHAPE"


@pytest.mark.parametrize(
    ("operator", "shape", "why"),
    [
        ("SOFTMAX", (1, 16_000), ""),
        ("SOFTMAX", (1, 16_001), "a softmax may have 16,000 elements there"),
        ("ADD", (1, 1, 2, 3, 4), ""),
        ("ADD", (1, 2, 2, 3, 4), "values has more than 3 dimensions above 1"),
    ],
)
def test_what_its_compiler_does_not_take_stays_on_the_cpu(operator: str, shape: tuple[int, ...], why: str) -> None:
    tensor = GraphTensor("values", shape, shape, "int8", (1.0,), (0,), False, False)
    one = GraphOperator(operator, 1, False, (0,), (1,))
    assert operator_support(Graph((tensor, tensor), (one,), (0,), (1,), 0)) == (OperatorSupport(operator, why),)


def test_the_compiled_file_carries_the_card(
    small_run: TrainingRun, small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler(tmp_path / "bin", monkeypatch, fails=False)
    some = dataclasses.replace(small, test=small.test.take(100))
    made = convert(small_run.path, some, target="edgetpu", output=tmp_path / "out", activations=False)
    assert made.compiled and made.compiled.name == "model.int8.edgetpu.tflite"
    compiled, plain = read_model(made.compiled), read_model(made.plain.path)
    assert compiled.card and plain.card and compiled.card.labels == plain.card.labels
    assert compiled.card.provenance.flatbuffer_sha256 and verify(made.compiled).passed


def test_a_compiler_that_fails_is_a_sentence(
    small_run: TrainingRun, small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler(tmp_path / "bin", monkeypatch, fails=True)
    some = dataclasses.replace(small, test=small.test.take(20))
    left = r"Aborting!; model\.int8\.tflite is written and can be run without that; --force replaces"
    with pytest.raises(EdgecnnError, match=rf"edgetpu_compiler refuses .*: Internal compiler error\. {left}"):
        convert(small_run.path, some, target="edgetpu", output=tmp_path / "out", activations=False)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["model.int8.tflite"]
    assert verify(tmp_path / "out" / "model.int8.tflite").passed
