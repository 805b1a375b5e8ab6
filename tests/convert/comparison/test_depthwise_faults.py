"""Faults in a depthwise network, one a layer and all at once, each named; and such that lie in no weight."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.convert import ParityReport, convert, parity
from edgecnn.errors import ModelFileError
from edgecnn.run_directory import RunDirectory
from tests.support.depthwise import OPERATORS, make_depthwise, pictures_of
from tests.support.planted import Change, change_activation, change_options, change_output, edit, give_biases, plant
from tests.support.shared import once


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "depthwise", lambda folder: make_depthwise(folder).path.parent)


@pytest.fixture
def run(made: Path, tmp_path: Path) -> RunDirectory:
    return RunDirectory(Path(shutil.copytree(made, tmp_path / "made")) / "run")


def report_of(run: RunDirectory) -> ParityReport:
    return parity(run.path, pictures_of(run.path.parent))


def transposed(weights: np.ndarray, _: np.ndarray) -> None:
    weights[2] = weights[2].swapaxes(0, 1).copy()


def mirrored(weights: np.ndarray, _: np.ndarray) -> None:
    weights[0, :, :, 5] = weights[0, :, ::-1, 5].copy()  # (1, height, width, channels)


def inputs(weights: np.ndarray, _: np.ndarray) -> None:
    weights[..., [1, 6]] = weights[..., [6, 1]]


def zeroed(weights: np.ndarray, _: np.ndarray) -> None:
    weights[0, :, :, 9] = 0


def rotated(weights: np.ndarray, _: np.ndarray) -> None:
    weights[4] = np.rot90(weights[4]).copy()


def halved(weights: np.ndarray, _: np.ndarray) -> None:
    weights[11] //= 2


def one_bit(weights: np.ndarray, _: np.ndarray) -> None:
    weights[7, 3] ^= -128


def negated(weights: np.ndarray, _: np.ndarray) -> None:
    weights[1] = -weights[1]


FAULTS: dict[str, tuple[Change, str]] = {
    "stem": (transposed, "channel 2 is transposed"),
    "dw1": (mirrored, "channel 5 is mirrored left to right"),
    "pw1": (inputs, "its inputs 1 and 6 are exchanged"),
    "dw2": (zeroed, "channel 9 is zero"),
    "conv1": (rotated, "channel 4 is rotated by 90°"),
    "conv2": (halved, "channel 11 is 0.5"),
    "dense2": (one_bit, "channel 7 is changed in 1 of 16 weights"),
    "logits": (negated, "channel 1 is negated"),
}


def weights_of(run: RunDirectory, name: str) -> np.ndarray:
    kept: list[np.ndarray] = []
    plant(run, "int8", OPERATORS.index(name), lambda weights, _: kept.append(weights.copy()))
    return kept[0]


def test_a_fault_in_every_layer_is_named_in_every_layer(run: RunDirectory) -> None:
    for name, (change, _) in FAULTS.items():
        plant(run, "int8", OPERATORS.index(name), change)
    others = weights_of(run, "pw3")
    plant(run, "int8", OPERATORS.index("pw2"), lambda weights, _: np.copyto(weights, others))
    exchanged = [*range(3), 8, *range(4, 8), 3, *range(9, 16)]
    give_biases(run, "int8", OPERATORS.index("pw3"), OPERATORS.index("pw3"), exchanged)
    give_biases(run, "int8", OPERATORS.index("dense1"), OPERATORS.index("dense2"), range(16))
    report = report_of(run)
    named = {fault.layer: fault.words for fault in report.ladder.weight_faults}
    assert list(named) == list(OPERATORS)
    for name, (_, words) in FAULTS.items():
        assert words in named[name]
    assert named["pw2"] == "its weights are those of pw3"
    assert named["pw3"] == "the biases of channels 3 and 8 are exchanged"
    assert named["dense1"] == "its biases are those of dense2"
    assert report.verdict == "FAIL" and report.findings[0].cause == "weights"


def broken(report: ParityReport) -> tuple[str, str, str]:
    (finding,) = [finding for finding in report.findings if finding.broken]
    assert finding.rung == "int8, reference kernels" and "int16x8" not in finding.words
    return finding.layer, finding.cause, finding.words


def test_a_scale_that_was_doubled_is_named_by_the_bias_that_was_made_for_it(run: RunDirectory) -> None:
    change_output(run, "int8", OPERATORS.index("conv1"), gain=2.0)
    layer, cause, words = broken(report_of(run))
    assert (layer, cause) == ("conv1", "conversion")
    assert "the scale of its values is 2 times that which the next layer, conv2, was made for" in words


def test_a_zero_point_that_was_shifted_is_no_fault_of_the_calibration(run: RunDirectory) -> None:
    change_output(run, "int8", OPERATORS.index("conv1"), shift=200)
    layer, cause, words = broken(report_of(run))
    assert (layer, cause) == ("conv1", "conversion") and "calibrate" not in words
    assert "their scale or zero point was changed afterwards" in words


def test_a_dilation_that_no_shape_tells_of_is_named(run: RunDirectory) -> None:
    change_options(run, "int8", OPERATORS.index("dw2"), dilationHFactor=3, dilationWFactor=3)
    layer, cause, words = broken(report_of(run))
    assert (layer, cause) == ("dw2", "conversion") and "its dilation is 3, in Keras 1" in words


def test_a_fault_of_the_file_without_feature_maps_alone_is_named_as_that(run: RunDirectory) -> None:
    variant = run.tflite("int8", activations=True)
    sound = variant.read_bytes()
    change_options(run, "int8", OPERATORS.index("dw2"), dilationHFactor=3, dilationWFactor=3)
    variant.write_bytes(sound)
    layer, cause, words = broken(report_of(run))
    assert (layer, cause) == ("dw2", "conversion")
    assert "in the file without feature maps, its dilation is 3, in Keras 1" in words


@pytest.mark.parametrize(
    ("operator", "options", "words"),
    [
        ("conv1", {"strideH": 2, "strideW": 2}, "conv1: its stride is 2, in Keras 1"),
        ("conv2", {"padding": 0}, "conv2: its padding is SAME, in Keras VALID"),
    ],
)
def test_what_makes_maps_of_another_shape_is_named_though_nothing_can_be_compared(
    operator: str, options: dict[str, int], words: str, run: RunDirectory
) -> None:
    change_options(run, "int8", OPERATORS.index(operator), **options)
    with pytest.raises(ModelFileError, match=f"is of another network than the run's model.keras .{words}."):
        report_of(run)


def test_an_activation_that_the_integers_enforce_is_no_fault_and_another_is(run: RunDirectory) -> None:
    change_activation(run, "int8", OPERATORS.index("stem"), schema.ActivationFunctionType.RELU)
    change_activation(run, "int8", OPERATORS.index("pw2"), schema.ActivationFunctionType.RELU_N1_TO_1)
    layer, cause, words = broken(report := report_of(run))
    assert (layer, cause) == ("pw2", "conversion") and "its activation is RELU_N1_TO_1, in Keras RELU6" in words
    assert [fault.layer for fault in report.ladder.operator_faults] == ["pw2"]


def test_an_activation_behind_a_dense_layer_is_named_though_that_has_no_feature_map(run: RunDirectory) -> None:
    logits = OPERATORS.index("logits") + 1  # behind the pooling, which has no weights
    change_options(run, "int8", logits, fusedActivationFunction=schema.ActivationFunctionType.RELU)
    layer, cause, words = broken(report_of(run))
    assert (layer, cause) == ("logits", "conversion") and "its activation is RELU, in Keras NONE" in words


def test_a_cap_that_floats_lost_is_named(run: RunDirectory) -> None:
    convert(run.path, pictures_of(run.path.parent), scheme="float32", calibration_images=40)
    change_activation(run, "float32", OPERATORS.index("pw2"), schema.ActivationFunctionType.RELU)
    report = parity(run.path, pictures_of(run.path.parent), scheme="float32")
    (finding,) = [finding for finding in report.findings if finding.broken]
    assert (finding.layer, finding.cause) == ("pw2", "conversion")
    assert "its activation is RELU, in Keras RELU6" in finding.words


def test_a_healthy_file_has_no_fault(run: RunDirectory) -> None:
    edit(run, "int8", lambda _: None)
    report = report_of(run)
    assert not report.ladder.weight_faults and not report.ladder.operator_faults
    assert not [finding for finding in report.findings if finding.broken]
