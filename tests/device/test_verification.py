"""Verify passes on a healthy machine and fails on any other classifier."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from edgecnn import ModelFileError
from edgecnn.convert import Conversion
from edgecnn.device import verify
from edgecnn.device.runtime.tensor_spec import TensorSpec
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import CARD, pack_card, read_model
from edgecnn.model_file.golden import Golden
from tests.conftest import ON_A_BOARD
from tests.support.command_line import Run
from tests.support.model_files import card_and_golden, fields_of_card, repacked
from tests.support.sealed import parts, written


@pytest.mark.parametrize("name", ["fashion-mnist", "fashion-mnist.activations"])
def test_bundled_models_pass(name: str) -> None:
    result = verify(name)
    assert result.passed and result.probes == result.top1_equal == 12 and result.preprocessing_equal


def test_a_fresh_conversion_passes_without_any_difference(int8: Conversion, float32: Conversion) -> None:
    for conversion in (int8, float32):
        result = verify(conversion.plain.path)
        assert result.passed and (ON_A_BOARD or result.max_difference == 0)  # other processors round otherwise


def probes() -> Golden:
    card, golden = card_and_golden()
    return Golden.from_bytes(golden, card, "m")


def with_probes(tmp_path: Path, **changes: object) -> Path:
    """The bundled model with other golden probes: as if this machine computed something else."""
    golden = dataclasses.replace(probes(), **changes)  # type: ignore[arg-type]
    return repacked(tmp_path / "changed.tflite", golden=golden.to_bytes())


@pytest.fixture
def golden() -> Golden:
    return probes()


def test_another_top1_fails(golden: Golden, tmp_path: Path) -> None:
    result = verify(with_probes(tmp_path, host=np.roll(golden.host, 1, axis=1)))
    assert not result.passed and result.top1_equal == 0


def test_a_file_that_was_another_classifier_from_the_start_is_told_of(golden: Golden, tmp_path: Path) -> None:
    keras = golden.keras.copy()
    keras[:7] = np.roll(keras[:7], 1, axis=1)
    result = verify(with_probes(tmp_path, keras=keras))
    assert result.passed and result.keras_top1_equal == 5
    assert any("otherwise than Keras on 7 of 12 probes" in words for words in result.warnings)
    assert not verify("fashion-mnist").warnings


@pytest.mark.skipif(ON_A_BOARD, reason="the probes are of an x86 machine's runtime")
def test_a_difference_that_no_processor_explains_is_told_of(golden: Golden, tmp_path: Path) -> None:
    host = golden.host.copy()
    host[3] -= np.where(host[3] == host[3].max(), np.float32(0.05), 0)
    result = verify(with_probes(tmp_path, host=host))
    is_same = result.runtime == result.host_runtime
    assert result.passed and any("its weights may have been changed" in one for one in result.warnings) == is_same


def test_a_file_without_a_seal_is_told_of(tmp_path: Path) -> None:
    flatbuffer, members, _ = parts(find_model("fashion-mnist").read_bytes())
    card = json.loads(dict(members)[CARD])
    del card["input"]["jpeg_decoding"], card["confidence"]
    old = [
        (name, json.dumps({**card, "schema_version": 1}).encode() if name == CARD else data) for name, data in members
    ]
    (tmp_path / "old.tflite").write_bytes(written(flatbuffer, old, b""))
    result = verify(tmp_path / "old.tflite")
    assert result.passed and "it is of before files were sealed" in " ".join(result.warnings)


def test_a_probability_off_by_more_than_the_tolerance_fails(golden: Golden, tmp_path: Path) -> None:
    host = golden.host.copy()
    host[4, host[4].argmax()] += 0.11
    result = verify(with_probes(tmp_path, host=host))
    assert not result.passed and result.top1_equal == 12 and result.max_difference > result.tolerance


@pytest.mark.parametrize(("images", "is_own", "words"), [
    (40, True, "it has not learned these classes; train it longer"),
    (40, False, "likely its input range or the order of its labels"),
    (2, True, ""),
])  # fmt: skip
def test_a_network_that_guesses_is_told_of_what_may_help(images: int, is_own: bool, words: str, tmp_path: Path) -> None:
    fields = fields_of_card()
    fields["parity"] |= {"images": images, "keras_accuracy": 0.1, "accuracy": 0.1}
    fields["parity"] |= {"interval_low": 0.0, "interval_high": 0.6}
    if not is_own:
        fields["training"] = None
    warnings = " ".join(verify(repacked(tmp_path / "weak.tflite", fields=fields)).warnings)
    assert words in warnings and ("by guessing" in warnings) == bool(words)


def test_another_preprocessing_fails(tmp_path: Path) -> None:
    result = verify(with_probes(tmp_path, preprocessing_sha256="0" * 64))
    assert not result.passed and not result.preprocessing_equal


def test_another_classifier_behind_the_same_probes_fails(int8: Conversion, tmp_path: Path) -> None:
    other = read_model(int8.plain.path)
    (tmp_path / "swapped.tflite").write_bytes(pack_card(other.flatbuffer, *card_and_golden()))
    result = verify(tmp_path / "swapped.tflite")
    assert not result.passed and result.top1_equal < result.probes


@pytest.mark.parametrize(
    "changes",
    [
        {"host": np.zeros((3, 10), np.float32)},
        {"images": np.zeros((12, 28, 30, 1))},
        {"images": np.zeros((0, 28, 28, 1), np.uint8)},
    ],
    ids=["scores", "size", "none"],
)
def test_probes_that_do_not_fit_are_a_sentence(changes: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="golden probes do not read"):
        verify(with_probes(tmp_path, **changes))


def test_a_machine_that_computes_no_numbers_fails_in_json_that_reads(
    monkeypatch: pytest.MonkeyPatch, edgecnn: Run
) -> None:
    monkeypatch.setattr(TensorSpec, "dequantize", lambda _, raw: np.full(raw.shape, np.nan, np.float32))
    result = edgecnn("verify", "fashion-mnist", "--json")
    said = json.loads(result.stdout, parse_constant=pytest.fail)
    assert result.exit_code == 1 and said["max_difference"] is None and not said["passed"]
