"""Metadata of other people's files: read with the published schema's own values, never trusted."""

import struct

import numpy as np
import pytest

from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import read_model
from edgecnn.model_file.tflite_metadata import (
    LabelFile,
    TfliteMetadata,
    custom_operators,
    read_metadata,
    reads_unset_variables,
    score_kind,
)
from tests.support.tflite_files import (
    compiled_for_edge_tpu,
    converted_colours,
    with_constants_behind,
    with_metadata,
)

FILES = {"labels.txt": "\ufeffrød\ngreen \nblue\n\n"}


@pytest.fixture(scope="module")
def plain() -> bytes:
    """A model of another tool without metadata."""
    return converted_colours("linear")


@pytest.fixture(scope="module")
def told(plain: bytes) -> bytes:
    """The same with metadata and labels."""
    return with_metadata(plain, mean=[1.0, 2.5, 3.0], std=[4.0], files=FILES, labels="labels.txt")


def test_metadata_is_read_as_the_published_writer_wrote_it(told: bytes) -> None:
    names = LabelFile("labels.txt", "", ("rød", "green", "blue"))
    assert read_metadata(told) == TfliteMetadata((names,), (1.0, 2.5, 3.0), (4.0,))


def test_metadata_behind_the_tables_is_read_too(plain: bytes) -> None:
    """Quantizers move all of 1,024 bytes and more there once a model is large."""
    told = with_metadata(plain, mean=[1.0, 2.5, 3.0], std=[4.0], labels="labels.txt")
    assert read_metadata(with_constants_behind(told)) == read_metadata(told) != TfliteMetadata()


def test_label_files_are_ordered_by_kind_and_language(plain: bytes) -> None:
    said = [("values", "", "VALUE"), ("de", "de-DE", "AXIS"), ("en", "en_GB", "AXIS"), ("plain", "", "AXIS")]
    files = {name: f"{name} 1\n{name} 2" for name, *_ in said}
    found = read_metadata(with_metadata(plain, files=files, labels=said, rgb=True))
    assert [(file.name, file.locale) for file in found.label_files] == [
        ("en", "en_GB"), ("plain", ""), ("de", "de-DE"), ("values", ""),
    ]  # fmt: skip
    assert found.label_files[2].lines == ("de 1", "de 2") and found.is_rgb and not found.damage
    empty = read_metadata(with_metadata(plain, files={**files, "en": " \n"}, labels=said))
    assert empty.label_files[0].name == "plain" and empty.damage == "its label file en is empty"


def test_a_line_of_labels_ends_where_an_editor_ends_it(plain: bytes) -> None:
    text = "red\u2028ish\r\ngreen\x0b\x1c\x85leaf\nblue\n"
    found = read_metadata(with_metadata(plain, files={"n.txt": text}, labels="n.txt"))
    assert found.label_files[0].lines == ("red\u2028ish", "green\x0b\x1c\x85leaf", "blue")


def test_calibration_of_scores_is_said_not_to_be_applied(plain: bytes) -> None:
    found = read_metadata(with_metadata(plain, files=FILES, labels="labels.txt", calibrated=True))
    assert found.damage == "the calibration of its scores in its metadata is not applied" and found.label_files


def test_file_without_metadata_says_nothing(plain: bytes) -> None:
    assert read_metadata(plain) == TfliteMetadata()
    assert read_metadata(read_model(find_model("fashion-mnist")).flatbuffer).damage == ""


@pytest.mark.parametrize("std", [0.0, float("nan"), float("inf")])
def test_normalization_that_is_none_is_said(std: float, plain: bytes) -> None:
    found = read_metadata(with_metadata(plain, mean=[0.0], std=[std]))
    assert found.mean == () and "are no normalization" in found.damage


def test_scores_are_told_by_the_last_operator(plain: bytes) -> None:
    assert score_kind(plain) == "logits"
    for last, units, kind in (
        ("softmax", 3, "probabilities"),
        ("sigmoid", 1, "sigmoid"),
        ("sigmoid", 3, "sigmoids"),
        ("linear", 1, "logits"),
    ):
        assert score_kind(converted_colours(last, units=units)) == kind
    # Its output is quantized or not: what lies between does not change what it means.
    assert score_kind(converted_colours("sigmoid", "int8", units=1)) == "sigmoid"
    assert score_kind(converted_colours("softmax", "uint8")) == "probabilities"


def test_operators_of_an_edge_tpu_are_found(plain: bytes) -> None:
    assert custom_operators(plain) == ()
    compiled = compiled_for_edge_tpu(plain)
    assert custom_operators(compiled) == ("edgetpu-custom-op",) and score_kind(compiled) == "unknown"


def test_variables_that_are_read_and_never_set_are_found(plain: bytes) -> None:
    from tensorflow.lite.tools import flatbuffer_utils

    operators = flatbuffer_utils.schema_fb.BuiltinOperator

    def with_operators(*names: str) -> bytes:
        model = flatbuffer_utils.convert_bytearray_to_object(bytearray(plain))
        for name in names:
            code = flatbuffer_utils.schema_fb.OperatorCodeT()
            code.builtinCode, code.deprecatedBuiltinCode = getattr(operators, name), 127
            model.operatorCodes.append(code)
        return bytes(flatbuffer_utils.convert_object_to_bytearray(model))

    assert reads_unset_variables(with_operators("READ_VARIABLE"))
    for right in ((), ("VAR_HANDLE",), ("READ_VARIABLE", "ASSIGN_VARIABLE")):
        assert not reads_unset_variables(with_operators(*right))
    assert not reads_unset_variables(with_operators("READ_VARIABLE")[:100])  # the runtime says what is damaged


def test_damaged_files_never_raise(told: bytes) -> None:
    rng = np.random.default_rng(0)
    read = 0
    for _ in range(3000):
        data = bytearray(told)
        for at in rng.integers(0, len(data), rng.integers(1, 12)):
            data[at] = rng.integers(256)
        if rng.random() < 0.3:  # an offset or a length that points far away
            at = int(rng.integers(0, len(data) - 4))
            struct.pack_into("<I", data, at, int(rng.choice([0, 1, 2**31 - 1, 2**31, 2**32 - 1])))
        spoilt = bytes(data[: rng.integers(8, len(data))]) if rng.random() < 0.3 else bytes(data)
        found = read_metadata(spoilt)
        score_kind(spoilt)
        custom_operators(spoilt)
        read += any(file.lines == ("rød", "green", "blue") for file in found.label_files)
    assert 0 < read < 3000  # some damage is elsewhere, and some is seen
