"""Verify passes on a healthy machine and fails on any other classifier."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edgecnn import ModelFileError
from edgecnn.convert import Conversion
from edgecnn.device import verify
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import read_model
from edgecnn.model_file.golden import Golden
from tests.conftest import ON_A_BOARD
from tests.support.model_files import repack


@pytest.mark.parametrize("name", ["fashion-mnist", "fashion-mnist.activations"])
def test_bundled_models_pass(name: str) -> None:
    result = verify(name)
    assert result.passed and result.probes == result.top1_equal == 24 and result.preprocessing_equal


@pytest.mark.parametrize("scheme", ["int8", "float32"])
def test_a_fresh_conversion_passes_without_any_difference(scheme: str, request: pytest.FixtureRequest) -> None:
    conversion: Conversion = request.getfixturevalue(scheme)
    result = verify(conversion.plain.path)
    assert result.passed and (ON_A_BOARD or result.max_difference == 0)  # other processors round otherwise


def with_probes(tmp_path: Path, **changes: object) -> Path:
    """The bundled model with other golden probes: as if this machine computed something else."""
    data = read_model(find_model("fashion-mnist")).golden
    assert data
    golden = dataclasses.replace(Golden.from_bytes(data, "m"), **changes)  # type: ignore[arg-type]
    return repack(tmp_path / "changed.tflite", golden=golden.to_bytes())


@pytest.fixture
def golden() -> Golden:
    data = read_model(find_model("fashion-mnist")).golden
    assert data
    return Golden.from_bytes(data, "m")


def test_another_top1_fails(golden: Golden, tmp_path: Path) -> None:
    result = verify(with_probes(tmp_path, host=np.roll(golden.host, 1, axis=1)))
    assert not result.passed and result.top1_equal == 0


def test_a_probability_off_by_more_than_the_tolerance_fails(golden: Golden, tmp_path: Path) -> None:
    host = golden.host.copy()
    host[4, host[4].argmax()] += 0.11
    result = verify(with_probes(tmp_path, host=host))
    assert not result.passed and result.top1_equal == 24 and result.max_difference > result.tolerance


def test_another_preprocessing_fails(tmp_path: Path) -> None:
    result = verify(with_probes(tmp_path, preprocessing_sha256="0" * 64))
    assert not result.passed and not result.preprocessing_equal


def test_another_classifier_behind_the_same_probes_fails(int8: Conversion, tmp_path: Path) -> None:
    golden = read_model(find_model("fashion-mnist")).golden
    result = verify(repack(tmp_path / "swapped.tflite", int8.plain.path, golden=golden))
    assert not result.passed and result.top1_equal < result.probes


@pytest.mark.parametrize(
    "changes",
    [
        {"host": np.zeros((3, 10), np.float32)},
        {"images": np.zeros((30, 28, 28, 1))},
        {"images": np.zeros((0, 28, 28, 1), np.uint8)},
    ],
    ids=["scores", "floats", "none"],
)
def test_probes_that_do_not_fit_are_a_sentence(changes: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="golden probes do not fit"):
        verify(with_probes(tmp_path, **changes))
