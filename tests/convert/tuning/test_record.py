"""What a tuned file was exported from is read as it was written, and stands in for Keras' numbers."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgecnn.convert.tflite.kernels import Constant, Kernel
from edgecnn.convert.tuning.record import TuningRecord
from edgecnn.model_file.card import LayerRange
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.pixels.input_spec import InputSpec

RANDOM = np.random.default_rng(3)
WEIGHTS = tuple(RANDOM.normal(size=shape).astype(np.float32) for shape in ((4, 3, 3, 2), (2, 8)))
BIASES = (RANDOM.normal(size=4).astype(np.float32), np.empty(0, np.float32))
RECORD = TuningRecord("tuned: somewhat", "a" * 64, WEIGHTS, BIASES, {"conv": (-0.5, 2.0)}, "2026-01-02T03:04:05+00:00")


def constant(index: int, values: np.ndarray) -> Constant:
    return Constant(index, values.astype(np.float64), np.ones(1), np.zeros(1), np.ones(1))


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "tuned.npz").write_bytes(RECORD.to_bytes())
    found = TuningRecord.load(tmp_path / "tuned.npz")
    for name in ("words", "parent_sha256", "ranges", "created"):
        assert getattr(found, name) == getattr(RECORD, name)
    for name in ("weights", "biases"):
        for one, other in zip(getattr(found, name), getattr(RECORD, name), strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == np.float32


def test_its_numbers_stand_in_for_those_of_keras() -> None:
    before = (
        Kernel("CONV_2D", constant(5, np.zeros((4, 3, 3, 2))), constant(6, np.zeros(4))),
        Kernel("FULLY_CONNECTED", constant(8, np.zeros((2, 8))), None),
    )
    after = RECORD.kernels(before)
    assert [kernel.operator for kernel in after] == ["CONV_2D", "FULLY_CONNECTED"] and after[1].bias is None
    for kernel, old, weights in zip(after, before, WEIGHTS, strict=True):
        np.testing.assert_array_equal(kernel.weights.values, weights)
        assert (kernel.weights.index, kernel.weights.error) == (old.weights.index, old.weights.error)
    assert after[0].bias and after[0].bias.index == 6
    np.testing.assert_array_equal(after[0].bias.values, BIASES[0])
    with pytest.raises(ValueError, match="zip"):
        RECORD.kernels(before[:1])


def test_ranges_that_were_chosen_take_the_place_of_those_that_were_seen() -> None:
    seen = tuple(LayerRange(name, -1.0, 3.0, 0.1, 0.2, (1,)) for name in ("input", "conv"))
    assert RECORD.calibrated(seen) == (seen[0], dataclasses.replace(seen[1], low=-0.5, high=2.0))


def test_images_that_tuned_it_are_no_proof() -> None:
    spec = InputSpec(2, 2, 1, "grayscale", "pad", "bilinear", (1.0,), (0.0,), "dark")
    some, others = (Split(np.zeros((2, 2, 2, 1), np.uint8), np.array([0, 1])) for _ in range(2))
    assert RECORD.notes(Dataset("d", ("a", "b"), spec, some, others, "0", "d")) == ("tuned: somewhat",)
    words, doubt = RECORD.notes(Dataset("d", ("a", "b"), spec, some, some, "0", "d"))
    assert words == "tuned: somewhat" and "tuned on the images that it is compared on" in doubt
