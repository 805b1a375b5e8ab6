"""CAM is what Keras' weights and maps make by hand, and is refused where it would not be exact."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecnn.device import Classifier, explain, sample_images
from edgecnn.device.explaining import cam
from edgecnn.device.explaining.explainer import Explainer
from edgecnn.device.runtime.loaded_model import LoadedModel
from edgecnn.errors import ModelFileError
from tests.support.explained import averaging_network, opened
from tests.support.model_files import card_and_golden

IMAGE = np.random.default_rng(3).integers(0, 256, (8, 8, 3), np.uint8)


@pytest.fixture(scope="module")
def model() -> Any:
    return averaging_network()


@pytest.fixture(scope="module")
def loaded(model: Any, tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return opened(tmp_path_factory.mktemp("mean") / "m.tflite", model)


def keras_map(model: Any, index: int) -> np.ndarray:
    """Zhou et al., formula 2: the maps of Keras, weighed with the kernel of the class, summed place by place."""
    maps = model.predict(IMAGE[None].astype(np.float32) / 255, verbose=0)["last"][0]
    kernel = model.get_layer("dense").get_weights()[0].reshape(5, 3)
    summed = np.zeros(maps.shape[:2])
    for row in range(maps.shape[0]):
        for column in range(maps.shape[1]):
            summed[row, column] = sum(maps[row, column, k] * kernel[k, index] for k in range(5))
    return summed


def require_keras_maps(model: Any, loaded: LoadedModel, tolerance: float) -> None:
    mapper = cam.prepare(loaded)
    for index in range(3):
        wanted = keras_map(model, index)
        assert np.ptp(wanted) > 0.3
        np.testing.assert_allclose(mapper.class_map(IMAGE, index), wanted, atol=tolerance)


def test_map_of_a_class_is_keras(model: Any, loaded: LoadedModel) -> None:
    require_keras_maps(model, loaded, 1e-5)  # the same arithmetic


@pytest.mark.parametrize(
    ("end", "quantized", "tolerance"),
    [
        ("pool", "", 1e-5),
        ("1x1", "", 1e-5),
        ("mean", "float16", 2e-3),  # weights of 11 bits
        ("mean", "int8", 0.08),  # a few steps of 8 bits, of a range of 2 to 3
    ],
)
def test_map_is_keras_in_other_spellings_and_types(end: str, quantized: str, tolerance: float, tmp_path: Path) -> None:
    model = averaging_network(end)
    require_keras_maps(model, opened(tmp_path / "m.tflite", model, quantized), tolerance)


def test_mean_of_the_map_and_bias_are_the_score(model: Any, loaded: LoadedModel) -> None:
    bias = model.get_layer("dense").get_weights()[1]
    scores = np.array([cam.prepare(loaded).class_map(IMAGE, index).mean() for index in range(3)]) + bias
    explained = Explainer(loaded, "cam").explain_pixels(IMAGE, "b")
    assert explained.target.score == pytest.approx(np.exp(scores[1]) / np.exp(scores).sum(), abs=1e-5)


def test_heat_map_is_the_map_enlarged_to_the_image(loaded: LoadedModel) -> None:
    small = cam.prepare(loaded).class_map(IMAGE, 2)
    places = (np.arange(8) + 0.5) * 6 / 8 - 0.5  # the middles of 8 pixels among those of 6
    rows = np.array([np.interp(places, np.arange(6), small[row]) for row in range(6)])
    wanted = np.array([np.interp(places, np.arange(6), rows[:, column]) for column in range(8)]).T
    np.testing.assert_allclose(Explainer(loaded, "cam").explain_pixels(IMAGE, "c").heat_map, wanted, atol=1e-4)


@pytest.mark.parametrize("end", ["part", "deep", "flat"])
def test_networks_that_end_otherwise_are_refused(end: str, tmp_path: Path) -> None:
    loaded = opened(tmp_path / "m.tflite", averaging_network(end))
    with pytest.raises(ModelFileError, match="cam is for networks that end in global average pooling"):
        Explainer(loaded, "cam")


def as_if_converted(loaded: LoadedModel) -> LoadedModel:
    """The same, with a card that `edgecnn convert` wrote."""
    return dataclasses.replace(loaded, packed=dataclasses.replace(loaded.packed, card=card_and_golden()[0]))


@pytest.mark.parametrize(
    ("output", "helps"),
    [
        (None, "take its activations variant, or explain with --method occlusion"),
        ("first", "convert it again with that layer among --feature-layers, or explain with --method occlusion"),
    ],
)
def test_file_without_the_map_is_told_where_to_get_it(
    output: str | None, helps: str, model: Any, tmp_path: Path
) -> None:
    import keras

    outputs = {"probabilities": model.output["probabilities"]}
    if output:
        outputs[output] = keras.layers.ReLU(name=output)(model.input)
    loaded = opened(tmp_path / "m.tflite", keras.Model(model.inputs, outputs))
    with pytest.raises(ModelFileError, match=f"m.tflite averages, which the file does not give; {helps}"):
        Explainer(as_if_converted(loaded), "cam")
    with pytest.raises(ModelFileError, match=r"which the file does not give; explain with --method occlusion"):
        Explainer(loaded, "cam")  # of another tool, which has no such options


def test_map_that_no_variant_has_is_not_promised(tmp_path: Path) -> None:
    loaded = opened(tmp_path / "m.tflite", averaging_network("sum"))
    with pytest.raises(ModelFileError, match=r"which the file does not give; explain with --method occlusion"):
        Explainer(as_if_converted(loaded), "cam")


def test_reference_network_is_refused() -> None:
    with pytest.raises(ModelFileError, match="--method occlusion"):
        explain(Classifier("fashion-mnist.activations"), sample_images()[0], method="cam")
