"""A request is checked when it is made, and each of its fields is a keyword argument of the function that takes it."""

import typing
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecnn import InputError
from edgecnn.convert.comparison.parity_request import ParityOptions, ParityRequest
from edgecnn.convert.pair import Pair
from edgecnn.convert.request import ConversionOptions, ConversionRequest, SchemeFreeOptions
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.run_directory import RunDirectory


@pytest.mark.parametrize(
    ("options", "request_type"), [(ConversionOptions, ConversionRequest), (ParityOptions, ParityRequest)]
)
def test_options_are_the_fields_of_the_request(options: type, request_type: Any) -> None:
    assert typing.get_type_hints(options) == typing.get_type_hints(request_type)
    assert list(typing.get_type_hints(options)) and len(fields(request_type)) == len(typing.get_type_hints(options))


def test_a_choice_of_schemes_takes_all_options_but_what_it_chooses() -> None:
    every = typing.get_type_hints(ConversionOptions)
    assert set(every) - set(typing.get_type_hints(SchemeFreeOptions)) == {"scheme", "io", "activations", "qat"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "coral"}, "unknown target 'coral'; known: litert, edgetpu"),
        ({"scheme": "int4"}, "unknown scheme 'int4'; known: float32, float16"),
        ({"io": "int4"}, "unknown input and output type 'int4'; known: int8, uint8, float32"),
        ({"scheme": "mixed", "io": "uint8"}, "io=uint8 goes with the scheme int8; mixed has"),
        ({"seed": -1}, "seed must be"),
        ({"seed": 2**32}, "seed must be"),
        ({"scheme": "float32", "dense_per_tensor": True}, "--dense-per-tensor goes with --dynamic, --mixed, --int8"),
        ({"feature_layers": {"conv2d": 0}}, r"must be a tuple of names.* in order: tuple\(\.\.\.\)"),
        ({"activations": False, "feature_layers": ("x",)}, "--feature-layers chooses what the activations variant"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else None,
)
def test_what_is_not_possible_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ConversionRequest(**options)


def test_another_scheme_has_what_it_can_have() -> None:
    request = ConversionRequest(dense_per_tensor=True)
    assert request.of_scheme("float16", "uint8", 1) == ConversionRequest(scheme="float16")
    assert request.of_scheme("int8", "uint8", 1) == ConversionRequest(dense_per_tensor=True, io="uint8", qat=1)


def test_a_comparison_of_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(InputError, match="unknown scheme 'int4'"):
        ParityRequest(scheme="int4")  # type: ignore[arg-type]


def test_files_are_written_to_the_run_or_to_the_folder_that_is_named() -> None:
    run = RunDirectory(Path("runs/shoes"))
    both = Pair(Path("runs/shoes/model.int8.tflite"), Path("runs/shoes/model.int8.activations.tflite"))
    assert ConversionRequest().paths(run) == both
    alone = ConversionRequest(scheme="mixed", output="out", activations=False).paths(run)
    assert alone == Pair(Path("out/model.mixed.tflite")) and list(alone) == [Path("out/model.mixed.tflite")]


def test_a_pair_changes_what_there_is() -> None:
    assert Pair(1, 2).map(str) == Pair("1", "2") and Pair(1).map(str) == Pair("1")
    assert list(Pair(1, 2)) == [1, 2] and list(Pair(1)) == [1]


def data(training: int, test: int) -> Dataset:
    """So many images of one pixel."""
    splits = [Split(np.zeros((count, 1, 1, 1), np.uint8), np.arange(count) % 2) for count in (training, test)]
    spec = InputSpec(1, 1, 1, "grayscale", "stretch", "bilinear", (1.0,), (0.0,), "any")
    return Dataset("mine", ("ant", "bee"), spec, splits[0], splits[1], "0" * 64, "here")


@pytest.mark.parametrize(
    ("request_", "training", "test", "message"),
    [
        (ConversionRequest(), 100, 0, "mine has no test images to compare on"),
        (ConversionRequest(), 99, 1, r"calibration images must be 1 to 99, .*\. Received: 100"),
        (ConversionRequest(calibration_images=0), 99, 1, r"calibration images must be 1 to 99, .*\. Received: 0"),
        (ConversionRequest(calibration_images=9, qat=0), 31, 1, "--qat needs 32 training images at least, mine has 31"),
    ],
)
def test_too_few_images_are_refused(request_: ConversionRequest, training: int, test: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        request_.require_enough(data(training, test))


def test_as_many_images_as_are_needed_are_enough() -> None:
    ConversionRequest().require_enough(data(100, 1))
    ConversionRequest(calibration_images=1, qat=0).require_enough(data(32, 1))
