"""Faults planted in the integers of a converted file are named: layer, channels, and what stands there instead."""

import dataclasses
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from edgecnn import ModelCard
from edgecnn.convert import ParityReport, adopt, convert, load_representative, parity
from edgecnn.convert.comparison.weights import compare_weights
from edgecnn.convert.tflite.kernels import read_kernels
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import read_model
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import RunDirectory
from tests.support.foreign import Foreign
from tests.support.planted import Change, average_instead_of_maximum, plant
from tests.support.shared import once

RUNG = "int8, dequantized weights, float arithmetic"


def kernel(channel: int, change: Callable[[np.ndarray], np.ndarray]) -> Change:
    """Of a convolution, (channels, height, width, inputs), or a dense layer, (channels, inputs)."""

    def plant_it(weights: np.ndarray, _: np.ndarray) -> None:
        weights[channel] = change(weights[channel].copy())

    return plant_it


def exchanged(first: int, second: int, axis: int, with_bias: bool) -> Change:
    def plant_it(weights: np.ndarray, biases: np.ndarray) -> None:
        moved = np.moveaxis(weights, axis, 0)
        moved[[first, second]] = moved[[second, first]]
        if with_bias:
            biases[[first, second]] = biases[[second, first]]

    return plant_it


def bias(channel: int, change: Callable[[int], int]) -> Change:
    def plant_it(_: np.ndarray, biases: np.ndarray) -> None:
        biases[channel] = change(int(biases[channel]))

    return plant_it


def largest_bias_negated(_: np.ndarray, biases: np.ndarray) -> None:
    biases[np.abs(biases).argmax()] *= -1  # another may be so small that a step hides its sign


def everything(weights: np.ndarray, _: np.ndarray) -> None:
    weights[:] = np.random.default_rng(0).integers(-127, 128, weights.shape)


def mirrored_depthwise(weights: np.ndarray, _: np.ndarray) -> None:
    weights[0, :, :, 3] = weights[0, ::-1, :, 3].copy()  # (1, height, width, channels)


# Operator, change, layer, words (a regular expression).
Fault = tuple[int, Change, str, str]

# Of the reference network, beside those of test_depthwise_faults.py: what is planted together is in layers of its own,
# and each layer is judged by itself.
REFERENCE_FAULTS: list[list[Fault]] = [
    [
        (0, kernel(3, lambda k: k[:, ::-1]), "conv2d", "channel 3 is mirrored left to right"),
        (1, kernel(7, lambda k: k[::-1]), "conv2d_1", "channel 7 is mirrored top to bottom"),
        (2, kernel(8, lambda k: k // 2), "dense", "channel 8 is 0.5 times Keras'"),
        (3, exchanged(2, 4, 0, with_bias=True), "dense_1", "channels 2 and 4 are exchanged"),
    ],
    [
        (0, exchanged(3, 9, 0, with_bias=True), "conv2d", "channels 3 and 9 are exchanged"),
        (1, kernel(7, np.rot90), "conv2d_1", "channel 7 is rotated by 90°"),
        (3, largest_bias_negated, "dense_1", r"the bias of channel \d is negated"),
    ],
    [
        (0, everything, "conv2d", "all its weights are others, as of another training"),
        (1, kernel(9, lambda k: k[::-1, ::-1]), "conv2d_1", "channel 9 is rotated by 180°"),
    ],
    [(1, exchanged(3, 9, 0, with_bias=False), "conv2d_1", "channels 3 and 9 are exchanged")],
    [(1, bias(2, lambda b: 0), "conv2d_1", "the bias of channel 2 is zero")],
]
# Of a network with a residual, a depthwise convolution and batch normalisation: one in each layer.
FOREIGN_FAULTS: list[Fault] = [
    (0, kernel(1, lambda k: k[:, ::-1]), "stem", "channel 1 is mirrored left to right"),
    (1, mirrored_depthwise, "depthwise", "channel 3 is mirrored top to bottom"),
    (2, exchanged(1, 2, 0, with_bias=True), "pointwise", "channels 1 and 2 are exchanged"),
    (3, exchanged(4, 5, 3, with_bias=False), "last", "its inputs 4 and 5 are exchanged"),
    (4, bias(1, lambda b: b + 500), "logits", "the bias of channel 1 is shifted by"),
]


def assert_named(faults: list[Fault], report: ParityReport) -> None:
    """These layers and no others, each with what is planted in it; the finding opens with the first."""
    (finding,) = [finding for finding in report.findings if finding.broken]
    assert not report.passed and (finding.cause, finding.rung) == ("weights", RUNG)
    assert "int16x8" not in finding.words and finding.words.endswith("; convert the run again")
    named = {fault.layer: fault.words for fault in report.ladder.weight_faults}
    assert list(named) == [layer for _, _, layer, _ in faults]
    for _, _, layer, words in faults:
        assert re.match(words, named[layer])
    assert finding.layer == faults[0][2] and re.search(f"{finding.layer}: {faults[0][3]}", finding.words)


@pytest.mark.parametrize("faults", REFERENCE_FAULTS, ids=lambda faults: ", ".join(fault[3] for fault in faults))
def test_faults_in_the_reference_network_are_named(faults: list[Fault], run: RunDirectory, small: Dataset) -> None:
    for operator, change, _, _ in faults:
        plant(run, "int8", operator, change)
    assert_named(faults, parity(run.path, small, images=50))


@pytest.fixture(scope="module")
def converted(foreign: Foreign, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a network with a residual, a depthwise convolution and batch normalisation, in int8."""

    def make(folder: Path) -> Path:
        run = adopt(foreign.model, foreign.labels.read_text().splitlines(), folder / "run")
        convert(run, load_representative(foreign.photos, ModelCard.load(run / "card.json")), calibration_images=50)
        return run

    return once(tmp_path_factory, "planted", make)


def test_faults_in_a_residual_and_depthwise_network_are_named(
    converted: Path, foreign: Foreign, tmp_path: Path
) -> None:
    run = RunDirectory(Path(shutil.copytree(converted, tmp_path / "run")))
    for operator, change, _, _ in FOREIGN_FAULTS:
        plant(run, "int8", operator, change)
    images = load_representative(foreign.photos, ModelCard.load(run.card))
    assert_named(FOREIGN_FAULTS, parity(run.path, images, images=50))


def test_a_layer_that_computes_otherwise_is_no_lack_of_precision(run: RunDirectory, small: Dataset) -> None:
    average_instead_of_maximum(run, "int8")
    report = parity(run.path, small, images=200)
    (finding,) = [finding for finding in report.findings if finding.broken]
    where = (finding.rung, finding.layer, finding.cause)
    assert where == ("int8, reference kernels", "max_pooling2d", "conversion")
    for layer in ("max_pooling2d", "max_pooling2d_1"):
        assert f"{layer}: it is AVERAGE_POOL_2D, in Keras MAX_POOL_2D" in finding.words
    assert "int16x8" not in finding.words


def test_one_scale_for_all_channels_is_read_as_each_ones_own() -> None:
    model = schema.ModelT.InitFromPackedBuf(read_model(find_model("fashion-mnist")).flatbuffer, 0)
    graph = model.subgraphs[0]
    weights = next(graph.tensors[one.inputs[1]] for one in reversed(graph.operators) if len(one.inputs) == 3)
    weights.quantization.scale, weights.quantization.zeroPoint = weights.quantization.scale[:1], [0]
    healthy = read_kernels(bytes(flatbuffer_utils.convert_object_to_bytearray(model)))
    data = model.buffers[weights.buffer].data.view(np.int8).reshape(weights.shape).copy()
    data[2] //= 2
    data[4] = np.clip(data[4], -60, 60)
    model.buffers[weights.buffer].data = data.view(np.uint8).reshape(-1)
    halved = read_kernels(bytes(flatbuffer_utils.convert_object_to_bytearray(model)))
    (fault,) = compare_weights(healthy, halved, [str(place) for place in range(len(healthy))])
    assert fault.layer == str(len(healthy) - 1) and set(fault.channels) == {2, 4}
    assert "channel 2 is 0.5" in fault.words or "channel 2 is 0.49" in fault.words


def test_the_bias_of_one_of_two_uses_of_a_layer_is_not_taken_for_weights_of_the_other() -> None:
    kernel = read_kernels(read_model(find_model("fashion-mnist")).flatbuffer)[1]
    assert kernel.bias is not None
    values = kernel.bias.values.copy()
    values[5] += 3
    changed = dataclasses.replace(kernel, bias=dataclasses.replace(kernel.bias, values=values))
    (fault,) = compare_weights([kernel, kernel], [kernel, changed], ["conv#1", "conv#2"])
    assert (fault.layer, fault.channels) == ("conv#2", (5,)) and "the bias of channel 5 is shifted by 3" in fault.words
