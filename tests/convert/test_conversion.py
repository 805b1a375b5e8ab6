"""A conversion writes one file that holds everything, and says truthfully what it cost."""

import dataclasses
import hashlib
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from edgecnn import ModelCard, ModelFileError, OutputError
from edgecnn.convert import Conversion, KerasModel, convert
from edgecnn.device import Classifier, FeatureExtractor
from edgecnn.device.model_info import describe
from edgecnn.model_file.container import PackedModel, read_model
from edgecnn.model_file.golden import golden_of
from edgecnn.model_file.golden_probes import most_bytes
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import RunDirectory
from edgecnn.train import TrainingRun, train


def packed(conversion: Conversion) -> PackedModel:
    return read_model(conversion.plain.path)


def card(conversion: Conversion) -> ModelCard:
    found = packed(conversion).card
    assert found
    return found


def test_int8_model_is_integers_throughout(int8: Conversion) -> None:
    info = describe(int8.plain.path)
    assert {tensor.dtype for tensor in info.tensors} == {"int8", "int32"}
    assert [op.name for op in info.operators] == [
        "CONV_2D", "MAX_POOL_2D", "CONV_2D", "MAX_POOL_2D", "RESHAPE", "FULLY_CONNECTED", "FULLY_CONNECTED", "SOFTMAX",
    ]  # fmt: skip


def test_float32_model_has_the_same_eight_operators(float32: Conversion) -> None:
    info = describe(float32.plain.path)
    assert len(info.operators) == 8 and {tensor.dtype for tensor in info.tensors} == {"float32", "int32"}


def test_input_is_static_and_named(int8: Conversion) -> None:
    info = describe(int8.plain.path)
    (index,) = info.inputs
    (tensor,) = [tensor for tensor in info.tensors if tensor.index == index]
    assert tensor.shape == (1, 28, 28, 1) and "image" in tensor.name and tensor.zero_points == (-128,)
    assert tensor.scales[0] == pytest.approx(1 / 255, rel=1e-6)


def test_macs_and_parameters_are_the_references(int8: Conversion) -> None:
    info = describe(int8.plain.path)
    assert [op.macs for op in info.operators if op.macs] == [389_376, 4_460_544, 204_800, 1_280]
    assert (info.macs, info.parameters) == (5_056_000, 243_786)


def test_float32_equals_keras(float32: Conversion, small_run: TrainingRun, small: Dataset) -> None:
    # The same arithmetic in another order.
    keras = KerasModel(small_run.model_path).predict_all(small.test.images, calibrated=False)
    here = Classifier(float32.plain.path).predict_all(small.test.images, calibrated=False)
    np.testing.assert_allclose(here, keras, atol=1e-5)


def test_float32_feature_maps_equal_keras_layer_by_layer(
    float32: Conversion, small_run: TrainingRun, small: Dataset
) -> None:
    assert float32.activations
    keras = KerasModel(small_run.model_path).extract(small.test.images[3]).maps
    here = FeatureExtractor(float32.activations.path).extract(small.test.images[3]).maps
    assert list(here) == list(keras) == ["conv2d", "max_pooling2d", "conv2d_1", "max_pooling2d_1"]
    for name, values in keras.items():
        np.testing.assert_allclose(here[name], values, atol=1e-4, err_msg=name)


def test_reported_parity_is_what_the_files_give(int8: Conversion, small_run: TrainingRun, small: Dataset) -> None:
    keras = KerasModel(small_run.model_path).predict_all(small.test.images).argmax(axis=1)
    here = Classifier(int8.plain.path).predict_all(small.test.images).argmax(axis=1)
    parity = int8.plain.parity
    assert parity.images == 1000
    assert parity.keras_accuracy == np.mean(keras == small.test.labels)
    assert parity.accuracy == np.mean(here == small.test.labels)
    assert parity.agreement == np.mean(here == keras)


def test_reported_sqnr_is_what_the_maps_give(int8: Conversion, small_run: TrainingRun, small: Dataset) -> None:
    assert int8.activations
    keras, here = KerasModel(small_run.model_path), FeatureExtractor(int8.activations.path)
    signal = noise = 0.0
    for image in small.test.images[:20]:
        reference, converted = (runner.extract(image).maps["conv2d_1"] for runner in (keras, here))
        signal += float(np.square(reference).sum())
        noise += float(np.square(reference - converted).sum())
    reported = {layer.name: layer.sqnr_db for layer in int8.layers}
    assert list(reported) == ["conv2d", "max_pooling2d", "conv2d_1", "max_pooling2d_1", "probabilities"]
    # Twenty images here, 256 there: within a decibel or two.
    assert reported["conv2d_1"] == pytest.approx(10 * np.log10(signal / noise), abs=2)
    assert min(reported.values()) > 25


def test_card_says_what_calibrated_it(int8: Conversion) -> None:
    quantization = card(int8).quantization
    assert (quantization.scheme, quantization.calibration_images, quantization.calibration_seed) == ("int8", 100, 0)
    assert len(quantization.calibration_sha256) == 64
    assert card(int8).parity == int8.plain.parity


def test_card_leads_back_to_the_keras_file(int8: Conversion, small_run: TrainingRun) -> None:
    assert card(int8).provenance.parent_sha256 == hashlib.sha256(small_run.model_path.read_bytes()).hexdigest()


def test_golden_probes_are_test_images_with_keras_answers(
    int8: Conversion, small_run: TrainingRun, small: Dataset
) -> None:
    golden = golden_of(packed(int8))
    assert golden
    known = {image.tobytes() for image in small.test.images}
    assert len(golden.images) == 12 and all(image.tobytes() in known for image in golden.images)
    np.testing.assert_allclose(
        golden.keras, KerasModel(small_run.model_path).predict_all(golden.images, calibrated=False), atol=1e-6
    )
    ordered = np.sort(golden.host, axis=1)
    assert (ordered[:, -1] - ordered[:, -2]).min() >= 0.2  # no healthy device can flip them


def test_conversion_is_reproducible(int8: Conversion, small_run: TrainingRun, small: Dataset, tmp_path: Path) -> None:
    again = convert(small_run.path, small, scheme="int8", output=tmp_path, activations=False)
    assert packed(again).flatbuffer == packed(int8).flatbuffer
    assert packed(again).golden == packed(int8).golden
    assert again.activations is None and again.layers == () and again.bit_equal is None
    assert [path.name for path in tmp_path.iterdir()] == ["model.int8.tflite"]


def test_calibration_seed_and_count_matter(
    small_run: TrainingRun, small: Dataset, int8: Conversion, tmp_path: Path
) -> None:
    other = convert(small_run.path, small, output=tmp_path, activations=False, calibration_images=10, seed=9)
    assert card(other).quantization.calibration_images == 10
    assert packed(other).flatbuffer != packed(int8).flatbuffer


def test_existing_file_is_kept_without_force(int8: Conversion, small_run: TrainingRun, small: Dataset) -> None:
    before = int8.plain.path.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        convert(small_run.path, small, scheme="int8")
    assert int8.plain.path.read_bytes() == before


def test_path_of_the_keras_file_will_do(copy: RunDirectory, small: Dataset) -> None:
    assert convert(copy.model, small, scheme="float32", activations=False).plain.path.parent == copy.path


# Builtin operators that TFLite has in int8 and the Edge TPU compiler takes too (coral.ai/docs/edgetpu/models-intro).
INT8_EVERYWHERE = {
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "ADD",
    "MEAN",
    "FULLY_CONNECTED",
    "SOFTMAX",
    "MAX_POOL_2D",
    "RESHAPE",
}


def test_compact_is_made_of_what_int8_does_well(small: Dataset, tmp_path: Path) -> None:
    few = dataclasses.replace(small, train=small.train.take(300), test=small.test.take(50))
    # Adam: what Muon computes for each of the many layers takes TensorFlow ten seconds to trace.
    run = train(tmp_path / "run", few, architecture="compact", recipe="notebook", epochs=1)
    made = convert(run.path, few)
    info = describe(made.plain.path)
    assert {op.name for op in info.operators} <= INT8_EVERYWHERE
    assert {tensor.dtype for tensor in info.tensors} == {"int8", "int32"}
    assert info.macs <= 5_056_000 and made.bit_equal
    # Batch normalisation is folded away: of its four values a filter only a bias is left.
    normalised = sum(
        layer.shape[-1] for layer in KerasModel(run.model_path).layer_table() if "BatchNorm" in layer.layer
    )
    assert info.parameters == sum(x.parameters for x in KerasModel(run.model_path).layer_table()) - 3 * normalised


def test_plain_model_and_activations_variant_are_one_graph(int8: Conversion) -> None:
    assert int8.activations
    plain, variant = describe(int8.plain.path), describe(int8.activations.path)
    assert (plain.tensors, plain.operators) == (variant.tensors, variant.operators)
    assert list(plain.outputs) == ["probabilities"] and len(variant.outputs) == 5
    assert plain.outputs["probabilities"] == variant.outputs["probabilities"]


def test_probes_never_outweigh_their_network(int8: Conversion) -> None:
    packed = read_model(int8.plain.path)
    assert packed.golden and len(packed.golden) <= most_bytes(len(packed.flatbuffer))


def test_a_file_that_ran_when_it_was_converted_is_opened_without_another_process(
    copy: RunDirectory, small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    made = convert(copy.path, small, scheme="float32", activations=False)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert Classifier(made.plain.path).labels == small.labels
    (tmp_path / "home").rename(tmp_path / "forgotten")
    with pytest.raises(ModelFileError, match="cannot be opened"):
        Classifier(made.plain.path)


def test_no_room_for_temporary_files_is_told_as_such_and_nothing_is_written(
    small_run: TrainingRun, small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    def refuse(*_: object) -> None:  # as it does on a full disk
        raise tf.errors.UnknownError(None, None, "{{node x}} /tmp/x/a.index; No space left on device [Op:Merge]")

    monkeypatch.setattr(tf.saved_model, "save", refuse)
    shutil.copytree(small_run.path, tmp_path / "run", ignore=shutil.ignore_patterns("cache", "*.tflite"))
    with pytest.raises(OutputError, match=r"^there is no room for temporary files in .* \(No space left on"):
        convert(tmp_path / "run", small)
    assert not list((tmp_path / "run").glob("*.tflite"))
