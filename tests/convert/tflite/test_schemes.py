"""Every quantization is the same classifier, at the price that its docstring names."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from edgecnn.convert import SCHEMES, Conversion, KerasModel, convert
from edgecnn.device import Classifier, FeatureExtractor, describe, verify
from edgecnn.model_file.schemes import SCHEMES as TABLE
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.train import TrainingRun

IMAGES = 300


@pytest.fixture(scope="module")
def some(small: Dataset) -> Dataset:
    return dataclasses.replace(small, test=Split(small.test.images[:IMAGES], small.test.labels[:IMAGES]))


@pytest.fixture(scope="module", params=SCHEMES)
def conversion(
    request: pytest.FixtureRequest, small_run: TrainingRun, some: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Conversion:
    return convert(small_run.path, some, scheme=request.param, output=tmp_path_factory.mktemp("schemes"))


class Promise(NamedTuple):
    """What a scheme must hold on this network.

    Attributes:
        agreement: on a network that two epochs on 6,000 images made many answers are close: 2 of 300 flip with int8.
        ratio: bytes of the file, of a bare float32 one; 1 byte a weight is 0.25, card and golden probes are some 0.018.
        sqnr_db: of the worst layer: 6 a bit of precision; a layer that is computed wrongly has less than 10.
        difference: of a probability from Keras': for int8 half a step of 1/256 by the output, and what its layers add.
    """

    agreement: float
    ratio: float
    sqnr_db: float
    difference: float


PROMISES = {
    "float32": Promise(1.0, 1.03, 100, 1e-5),
    "float16": Promise(0.996, 0.53, 50, 0.01),
    "dynamic": Promise(0.99, 0.28, 25, 0.1),
    "mixed": Promise(0.98, 0.28, 20, 0.2),
    "int8": Promise(0.98, 0.28, 25, 0.25),
    "int16x8": Promise(0.99, 0.285, 28, 0.1),
}


def test_every_scheme_has_a_promise() -> None:
    assert tuple(PROMISES) == SCHEMES


def test_it_is_the_same_classifier(conversion: Conversion) -> None:
    promise = PROMISES[conversion.scheme]
    assert conversion.plain.parity.agreement >= promise.agreement
    assert conversion.plain.ratio <= promise.ratio
    assert min(layer.sqnr_db for layer in conversion.layers) >= promise.sqnr_db
    assert verify(conversion.plain.path).passed


def test_its_variant_gives_the_same_probabilities_and_maps(conversion: Conversion, some: Dataset) -> None:
    assert conversion.activations and conversion.bit_equal
    images = some.test.images[:100]
    plain, variant = (Classifier(file.path).predict_all(images) for file in (conversion.plain, conversion.activations))
    np.testing.assert_array_equal(plain, variant)
    maps = FeatureExtractor(conversion.activations.path).extract(some.test.images[0]).maps
    assert [values.shape for values in maps.values()] == [(26, 26, 64), (13, 13, 64), (11, 11, 64), (5, 5, 64)]


def test_its_input_and_output_have_the_types_of_its_row(conversion: Conversion) -> None:
    info = describe(conversion.plain.path)
    types = {tensor.index: tensor.dtype for tensor in info.tensors}
    row = TABLE[conversion.scheme]
    assert [types[index] for index in info.inputs] == [row.input_type]
    assert [types[index] for index in info.outputs.values()] == [row.output_type]


def test_the_plain_model_does_nothing_for_maps_that_it_does_not_return(conversion: Conversion) -> None:
    operators = [op.name for op in describe(conversion.plain.path).operators]
    # The float32 side of mixed begins behind the last pooling; float16 widens each of its 8 constants.
    assert operators.count("DEQUANTIZE") == {"mixed": 1, "float16": 8}.get(conversion.scheme, 0)


def test_card_says_what_calibrated_it(conversion: Conversion) -> None:
    card = Classifier(conversion.plain.path).card
    assert card and card.quantization.scheme == conversion.scheme
    assert card.quantization.calibration_images == (100 if TABLE[conversion.scheme].is_calibrated else 0)


@pytest.mark.parametrize("io", ["uint8", "float32"])
def test_int8_with_other_inputs_and_outputs_gives_the_same_answers(
    io: str, small_run: TrainingRun, some: Dataset, int8: Conversion, tmp_path: Path
) -> None:
    made = convert(small_run.path, some, io=io, output=tmp_path)  # type: ignore[arg-type]
    info = describe(made.plain.path)
    ends = {tensor.dtype for tensor in info.tensors if tensor.index in (*info.inputs, *info.outputs.values())}
    assert ends == {io} and made.bit_equal
    expected = Classifier(int8.plain.path).predict_all(some.test.images, calibrated=False)
    np.testing.assert_allclose(
        Classifier(made.plain.path).predict_all(some.test.images, calibrated=False), expected, atol=1e-6
    )


def test_probabilities_stay_close_to_keras(small_run: TrainingRun, some: Dataset, conversion: Conversion) -> None:
    keras = KerasModel(small_run.model_path).predict_all(some.test.images, calibrated=False)
    difference = np.abs(Classifier(conversion.plain.path).predict_all(some.test.images, calibrated=False) - keras).max()
    assert difference < PROMISES[conversion.scheme].difference
