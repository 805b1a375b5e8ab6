"""Every quantization is the same classifier, at the price that its docstring names."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edgecnn import InputError
from edgecnn.convert import SCHEMES, Conversion, KerasModel, convert
from edgecnn.device import Classifier, FeatureExtractor, describe, verify
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


# On a network that four epochs on 6,000 images made many answers are close, so some flip: 2 of 300 with int8.
AGREEMENT = {"float32": 1.0, "float16": 0.996, "dynamic": 0.99, "mixed": 0.98, "int8": 0.98, "int16x8": 0.99}
# Bytes of the file, of a bare float32 one; 1 byte a weight is 0.25, card and golden probes are some 0.018.
RATIO = {"float32": 1.03, "float16": 0.53, "dynamic": 0.28, "mixed": 0.28, "int8": 0.28, "int16x8": 0.285}
# Worst layer in dB: 6 a bit of precision; a layer that is computed wrongly has less than 10.
SQNR = {"float32": 100, "float16": 50, "dynamic": 25, "mixed": 20, "int8": 25, "int16x8": 28}
TYPES = dict.fromkeys(SCHEMES, "float32") | {"int8": "int8", "int16x8": "int16"}


def test_it_is_the_same_classifier(conversion: Conversion) -> None:
    scheme = conversion.scheme
    assert conversion.plain.parity.agreement >= AGREEMENT[scheme]
    assert conversion.plain.ratio <= RATIO[scheme]
    assert min(layer.sqnr_db for layer in conversion.layers) >= SQNR[scheme]
    assert verify(conversion.plain.path).passed


def test_its_variant_gives_the_same_probabilities_and_maps(conversion: Conversion, some: Dataset) -> None:
    assert conversion.activations and conversion.bit_equal
    images = some.test.images[:100]
    plain, variant = (Classifier(file.path).predict_all(images) for file in (conversion.plain, conversion.activations))
    np.testing.assert_array_equal(plain, variant)
    maps = FeatureExtractor(conversion.activations.path).extract(some.test.images[0]).maps
    assert [values.shape for values in maps.values()] == [(26, 26, 64), (13, 13, 64), (11, 11, 64), (5, 5, 64)]


def test_its_output_has_the_type_that_was_promised(conversion: Conversion) -> None:
    info = describe(conversion.plain.path)
    (output,) = [tensor for tensor in info.tensors if tensor.index in info.outputs.values()]
    assert output.dtype == TYPES[conversion.scheme]


def test_the_plain_model_does_nothing_for_maps_that_it_does_not_return(conversion: Conversion) -> None:
    operators = [op.name for op in describe(conversion.plain.path).operators]
    # The float32 side of mixed begins behind the last pooling; float16 widens each of its 8 constants.
    assert operators.count("DEQUANTIZE") == {"mixed": 1, "float16": 8}.get(conversion.scheme, 0)


def test_card_says_what_calibrated_it(conversion: Conversion) -> None:
    card = Classifier(conversion.plain.path).card
    assert card and card.quantization.scheme == conversion.scheme
    calibrated = conversion.scheme in ("mixed", "int8", "int16x8")
    assert card.quantization.calibration_images == (100 if calibrated else 0)


@pytest.mark.parametrize("io", ["uint8", "float32"])
def test_int8_with_other_inputs_and_outputs_gives_the_same_answers(
    io: str, small_run: TrainingRun, some: Dataset, int8: Conversion, tmp_path: Path
) -> None:
    made = convert(small_run.path, some, io=io, output=tmp_path)  # type: ignore[arg-type]
    info = describe(made.plain.path)
    ends = {tensor.dtype for tensor in info.tensors if tensor.index in (*info.inputs, *info.outputs.values())}
    assert ends == {io} and made.bit_equal
    expected = Classifier(int8.plain.path).predict_all(some.test.images)
    np.testing.assert_allclose(Classifier(made.plain.path).predict_all(some.test.images), expected, atol=1e-6)


def test_input_and_output_types_go_with_int8(small_run: TrainingRun, some: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="goes with the scheme int8"):
        convert(small_run.path, some, scheme="mixed", io="uint8", output=tmp_path)
    with pytest.raises(InputError, match="unknown input and output type"):
        convert(small_run.path, some, io="int4", output=tmp_path)  # type: ignore[arg-type]


def test_probabilities_stay_close_to_keras(small_run: TrainingRun, some: Dataset, conversion: Conversion) -> None:
    keras = KerasModel(small_run.model_path).predict_all(some.test.images)
    difference = np.abs(Classifier(conversion.plain.path).predict_all(some.test.images) - keras).max()
    # Half a step of 1/256 by the output alone for int8, and what its layers add.
    limits = {"float32": 1e-5, "float16": 0.01, "dynamic": 0.1, "mixed": 0.2, "int8": 0.25, "int16x8": 0.1}
    assert difference < limits[conversion.scheme]
