"""What the runtime of 32-bit Raspberry Pi OS takes is measured on it, and it gives the same answers."""

import dataclasses
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorflow.lite.tools import flatbuffer_utils

from edgecnn import EdgecnnError
from edgecnn.convert import SCHEMES, convert
from edgecnn.convert.targets.rules import require_supported
from edgecnn.convert.targets.table import TARGETS
from edgecnn.convert.targets.tflite_runtime_2_14 import HIGHEST_VERSION
from edgecnn.device import Classifier
from edgecnn.model_file.container import read_model
from edgecnn.model_file.tflite_graph import read_graph
from edgecnn.pixels.dataset import Dataset
from edgecnn.train import TrainingRun
from tests.convert.targets.conftest import changed

ROOT = Path(__file__).parents[3]


def of_the_future(model: Any) -> None:
    model.operatorCodes[1].version = 9


def test_an_operator_of_a_newer_version_is_refused_by_the_old_runtime_alone(flatbuffer: bytes) -> None:
    newer = read_graph(changed(flatbuffer, of_the_future), "m")
    require_supported(TARGETS["litert"], newer)
    with pytest.raises(EdgecnnError, match="runs MAX_POOL_2D up to version 3, the converted model has version 9"):
        require_supported(TARGETS["tflite-runtime-2.14"], newer)


def test_dense_layers_have_one_scale_where_that_is_asked_for(
    small_run: TrainingRun, small: Dataset, tmp_path: Path
) -> None:
    some = dataclasses.replace(small, test=small.test.take(20))
    scales = {}
    for per_tensor in (False, True):
        folder = tmp_path / str(per_tensor)
        made = convert(small_run.path, some, scheme="dynamic", output=folder, dense_per_tensor=per_tensor)
        graph = read_graph(read_model(made.plain.path).flatbuffer, "m")
        scales[per_tensor] = [
            len(graph.tensors[op.inputs[1]].scales) for op in graph.operators if op.name == "FULLY_CONNECTED"
        ]
    assert scales == {False: [128, 10], True: [1, 1]}
    with pytest.raises(EdgecnnError, match=r"up to version 10|one scale a channel wrongly"):
        require_supported(
            TARGETS["tflite-runtime-2.14"],
            read_graph(read_model(tmp_path / "False" / "model.dynamic.tflite").flatbuffer, "m"),
        )


THERE = """
import sys, numpy
from edgecnn.device import Classifier
for name in sys.argv[2:]:
    classifier = Classifier(name)
    assert classifier.runtime == "tflite-runtime 2.14.0"
    numpy.save(name + ".npy", classifier.predict_all(numpy.load(sys.argv[1])))
"""


# Largest difference of a probability between the runtimes: other int8 kernels round otherwise (17/256 were seen),
# floats are added in another order.
BETWEEN = {"float32": 1e-5, "float16": 1e-5, "dynamic": 0.02, "mixed": 0.05, "int8": 20 / 256, "int16x8": 1e-3}


def test_the_old_runtime_gives_the_same_answers(
    old_python: Path, small_run: TrainingRun, small: Dataset, tmp_path: Path
) -> None:
    some = dataclasses.replace(small, test=small.test.take(100))
    files = [
        convert(small_run.path, some, scheme=scheme, target="tflite-runtime-2.14", output=tmp_path).plain.path
        for scheme in SCHEMES
    ]
    images = np.asarray(small.test.images[:400])
    np.save(tmp_path / "images.npy", images)
    command = [str(old_python), "-c", THERE, str(tmp_path / "images.npy"), *map(str, files)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for scheme, path in zip(SCHEMES, files, strict=True):
        here, there = Classifier(path).predict_all(images), np.load(f"{path}.npy")
        assert np.abs(here - there).max() <= BETWEEN[scheme], scheme
        same = here.argmax(axis=1) == there.argmax(axis=1)
        lead = np.sort(here, axis=1)[:, -1] - np.sort(here, axis=1)[:, -2]
        # The network of this test is unsure of many images.
        assert same.mean() >= 0.99 and (lead[~same] <= 2 * BETWEEN[scheme]).all(), scheme


def test_the_table_of_versions_is_what_the_old_runtime_says(
    old_python: Path, flatbuffer: bytes, tmp_path: Path
) -> None:
    known = {name: code for name, code in vars(flatbuffer_utils.schema_fb.BuiltinOperator).items() if name[0] != "_"}
    assert set(HIGHEST_VERSION) <= set(known)
    for name, highest in HIGHEST_VERSION.items():
        for version in (highest, highest + 1):

            def naming(model: Any, name: str = name, version: int = version) -> None:
                code = flatbuffer_utils.schema_fb.OperatorCodeT()
                code.builtinCode, code.deprecatedBuiltinCode = known[name], min(known[name], 127)
                code.version = version
                model.operatorCodes.append(code)
                for buffer in model.buffers:
                    buffer.data = None  # only the list of operators is looked at

            (tmp_path / f"{name}.{version}").write_bytes(changed(flatbuffer, naming))
    script = (
        "import pathlib, sys\nfrom tflite_runtime.interpreter import Interpreter\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
        "    try:\n        Interpreter(model_path=str(path)); print(path.name, 'known')\n"
        "    except ValueError as error:\n"
        "        print(path.name, 'unknown' if path.name.split('.')[0] in str(error) else error)\n"
    )
    done = subprocess.run([old_python, "-c", script, tmp_path], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    answers = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    for name, highest in HIGHEST_VERSION.items():
        assert answers[f"{name}.{highest}"] == "known" and answers[f"{name}.{highest + 1}"] == "unknown", name
