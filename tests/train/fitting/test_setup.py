"""What a training is set up from: the arithmetic that recipe and processor agree on, and the say of each class."""

import dataclasses
import importlib.metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.run_directory import RunDirectory
from edgecnn.train.recipes import RECIPES

pytest.importorskip("keras")

from edgecnn.train.devices.data_parallel import Parallel
from edgecnn.train.devices.processor import Processor
from edgecnn.train.distillation import TeacherAnswers
from edgecnn.train.fitting.setup import TrainingSetup, balance_classes


def images(*labels: int) -> Split:
    return Split(np.zeros((len(labels), 2, 2, 1), np.uint8), np.array(labels, np.int64))


SPEC = InputSpec(2, 2, 1, "grayscale", "stretch", "bilinear", (1.0,), (0.0,), "any")
DATASET = Dataset("d", ("ant", "bee", "wasp", "fly"), SPEC, images(0, 0, 0, 1, 1, 3), images(0), "0" * 64, "here")


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("able", [False, True])
def test_bfloat16_is_computed_where_it_is_asked_for_and_the_processor_multiplies_it(asked: bool, able: bool) -> None:
    recipe = dataclasses.replace(RECIPES["fast"], bfloat16=asked)
    processor = Processor("CPU (Example 1)", gpu=False, bfloat16=able)
    setup = TrainingSetup(DATASET, "baseline", recipe, 0, processor, RunDirectory(Path("run")))
    assert setup.bfloat16 is (asked and able)


def test_every_class_with_images_has_the_same_say() -> None:
    weights = balance_classes(DATASET)
    assert weights.dtype == np.float32 and weights[[0, 1, 3]].tolist() == [0.5, 0.75, 1.5]  # 6 / (4 * 3), 6 / (4 * 2)


def test_any_build_of_the_backend_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = TrainingSetup(
        DATASET, "compact", RECIPES["fast"], 0, Processor("CPU", False, True), RunDirectory(Path("run"))
    )
    identity, from_name = setup.identity, importlib.metadata.Distribution.from_name

    def without_tensorflow(name: str) -> importlib.metadata.Distribution:
        if name == "tensorflow":  # as where tensorflow-cpu is
            raise importlib.metadata.PackageNotFoundError(name)
        return from_name(name)

    monkeypatch.setattr(importlib.metadata.Distribution, "from_name", without_tensorflow)
    assert dataclasses.replace(setup).identity == identity


def test_a_training_that_goes_on_shares_all_that_weights_depend_on_and_files_to_the_byte(tmp_path: Path) -> None:
    own, start = tmp_path / "own.py", tmp_path / "start.h5"
    own.write_text("def net(shape, classes): ...")
    start.write_bytes(b"weights")
    transfer = dataclasses.replace(RECIPES["fast"], frozen=0.5)
    plain = TrainingSetup(DATASET, f"{own}:net", transfer, 0, Processor("CPU", False, True), RunDirectory(Path("run")))
    setup = dataclasses.replace(plain, weights=str(start))
    harmless: list[dict[str, Any]] = [{"folder": RunDirectory(tmp_path)}, {"resume": True}]
    assert {dataclasses.replace(setup, **change).identity for change in harmless} == {setup.identity}
    answers = TeacherAnswers(np.array([[1, 0, 0, 0], [0, 1, 0, 0]], np.float32), ())
    changes: list[dict[str, Any]] = [
        {"dataset": dataclasses.replace(DATASET, sha256="1" * 64)},
        {"dataset": dataclasses.replace(DATASET, train=images(0, 1, 2, 3))},
        {"dataset": dataclasses.replace(DATASET, input=dataclasses.replace(SPEC, scale=(2.0,)))},
        {"architecture": "compact"},
        {"recipe": dataclasses.replace(transfer, l2=1e-4)},
        {"recipe": dataclasses.replace(transfer, first_layer=0.5)},
        {"seed": 1},
        {"processor": Processor("CPU", False, False)},
        {"processor": Processor("another CPU", False, True)},
        {"parallel": Parallel(2, 2)},
        {"teacher_answers": answers},
        {"class_weights": np.ones(4, np.float32)},
        {"weights": "imagenet"},
        {"weights": None},
        {"freeze": 1},
    ]
    others = [dataclasses.replace(setup, **change).identity for change in changes]
    for file in (own, start):
        file.write_bytes(file.read_bytes() + b" ")
        others.append(dataclasses.replace(setup).identity)
    assert len({setup.identity, *others}) == 1 + len(changes) + 2
