"""Networks that TFLite, its kernels or its quantizer do not take as they are: each works, or ends in one sentence."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from edgecnn import EdgecnnError
from edgecnn.convert import KerasModel, Preprocessing, adopt, convert, load_representative, parity
from edgecnn.device import Classifier, FeatureExtractor
from edgecnn.errors import ModelFileError
from edgecnn.model_file.schemes import Scheme
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import RunDirectory
from tests.support.foreign import save_pictures

layers = keras.layers
SIZE = (12, 12, 3)


def network(*middle: keras.layers.Layer, scale: float = 1.0) -> keras.Model:
    """With these layers before a dense one, whose weights are that large."""
    keras.utils.set_random_seed(0)
    last = layers.Dense(3, activation="softmax", name="last")
    model = keras.Sequential([keras.Input(SIZE), *middle, last])
    last.set_weights([scale * each for each in last.get_weights()])
    return model


def quantized() -> keras.Model:
    model = network(layers.Flatten(), layers.Dense(4, name="dense"))
    for name in ("dense", "last"):  # as model.quantize does for every layer that can be
        model.get_layer(name).quantize("int8")
    return model


REFUSED: dict[str, tuple[Callable[[], keras.Model], str]] = {
    "quantized by Keras": (quantized, r"layer dense was quantized by Keras itself \(int8\).*before model.quantize"),
    "an operator that TFLite lacks": (
        lambda: network(layers.Reshape((12, 12, 3, 1)), layers.MaxPooling3D(name="cube"), layers.Flatten()),
        "to int8: layer cube needs MaxPool3D, which TFLite does not have; build the network without it$",
    ),
    "a name that TensorFlow lacks": (
        lambda: network(layers.Conv2D(4, 3, name="a b"), layers.Flatten()),
        "cannot be run by TensorFlow: 'a b' is not a valid scope name.*save it again",
    ),
}


def adopted(model: keras.Model, folder: Path) -> tuple[RunDirectory, Dataset]:
    model.save(folder / "model.keras")
    pictures = np.random.default_rng(0).integers(0, 256, (20, 3, 3, 3), np.uint8)
    save_pictures(folder / "photos", pictures.repeat(4, axis=1).repeat(4, axis=2))
    run = RunDirectory(adopt(folder / "model.keras", ("a", "b", "c"), folder / "run", Preprocessing((1 / 255,))))
    return run, load_representative(folder / "photos", run.read_card())


def test_layers_that_are_called_as_in_training_convert_as_keras_predicts(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    image, normalization = keras.Input(SIZE), layers.BatchNormalization()
    x = layers.Dropout(0.5)(normalization(layers.Conv2D(4, 3)(image), training=True), training=True)
    model = keras.Model(image, layers.Dense(3, activation="softmax")(layers.Flatten()(x)))
    normalization.set_weights([np.full(4, value) for value in (0.1, 0.2, 30, 4000)])
    run, pictures = adopted(model, tmp_path)
    convert(run.path, pictures, scheme="float32", calibration_images=8)
    expected = model.predict(np.asarray(pictures.test.images) / np.float32(255), verbose=0)
    found = Classifier(run.tflite("float32")).predict_all(pictures.test.images)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_recurrent_layer_is_a_graph_without_loops(tmp_path: Path) -> None:
    """TensorFlow's quantizer ends the process over a loop, and no delegate takes one."""
    memory = layers.Bidirectional(layers.LSTM(4), name="memory")
    model = network(layers.Reshape((12, 36)), layers.GRU(5, return_sequences=True), memory)
    run, pictures = adopted(model, tmp_path)
    expected = model.predict(np.asarray(pictures.test.images) / np.float32(255), verbose=0)
    tolerances: dict[Scheme, float] = {"float32": 1e-5, "int8": 0.05}
    for scheme, tolerance in tolerances.items():
        convert(run.path, pictures, scheme=scheme, calibration_images=8, activations=False)
        found = Classifier(run.tflite(scheme)).predict_all(pictures.test.images)
        np.testing.assert_allclose(found, expected, atol=tolerance)


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_converted_is_said_in_a_sentence(case: str, tmp_path: Path) -> None:
    build, words = REFUSED[case]
    model = build()

    def attempt() -> None:
        run, images = adopted(model, tmp_path)
        convert(run.path, images, calibration_images=8)

    with pytest.raises(EdgecnnError, match=words) as refusal:
        attempt()
    assert not any(sign in str(refusal.value) for sign in ("MLIR", "loc(", "<unknown>", "\n"))


def test_a_rung_whose_kernels_end_the_process_is_left_out_and_said(tmp_path: Path) -> None:
    # Of so small an input LiteRT's reference softmax makes an abort; ELU it has not at all.
    for name, middle, scale, words in (
        ("softmax", (), 1e-6, "its reference kernels do not run this file"),
        ("elu", (layers.ELU(),), 1.0, "no reference kernel of ELU"),
    ):
        (tmp_path / name).mkdir()
        model = network(layers.Conv2D(4, 3), *middle, layers.GlobalAveragePooling2D(), scale=scale)
        run, images = adopted(model, tmp_path / name)
        convert(run.path, images, calibration_images=8)
        report = parity(run.path, images)
        assert [rung.name for rung in report.ladder.rungs][-1] == "int8, default kernels"
        (remark,) = [finding for finding in report.findings if finding.cause == "left out"]
        assert words in remark.words and not remark.broken


def test_a_network_without_convolutions_has_no_maps_and_no_variant_is_advised(tmp_path: Path) -> None:
    run, images = adopted(network(layers.Flatten(), layers.Dense(4)), tmp_path)
    made = convert(run.path, images, scheme="float32", calibration_images=8)
    assert made.activations
    for path in (made.plain.path, made.activations.path):
        with pytest.raises(ModelFileError, match=r"without convolution and pooling layers: no feature maps$"):
            FeatureExtractor(path)
    assert KerasModel(run.model).layers == ()
