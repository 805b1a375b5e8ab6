"""Files of other tools whose input is blue, green, red: read by OpenCV in training, and nothing turned."""

import dataclasses
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgecnn import EdgecnnWarning, InputError
from edgecnn.device import Classifier, Description, verify
from edgecnn.device.packing import pack_model
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.model_file.golden import preprocessing_sha256
from tests.support.command_line import Run, printed
from tests.support.model_files import write_bare
from tests.support.tflite_files import converted_colours, with_metadata

COLOURS = {"red": (220, 30, 40), "green": (30, 210, 60), "blue": (40, 50, 230)}
# The network names the channel that is most: with these names, its first channel must be blue.
REVERSED = ("blue", "green", "red")


def opened(path: Path, data: bytes, **said: Any) -> tuple[Classifier, str]:
    """What the file is opened as, and what was said of it."""
    path.write_bytes(data)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", EdgecnnWarning)
        classifier = Classifier(path, description=Description(labels=REVERSED, **said))
    return classifier, "\n".join(str(warning.message) for warning in caught)


def named(classifier: Classifier) -> list[str]:
    """What it calls a red, a green and a blue picture."""
    return [classifier.classify(np.full((8, 8, 3), colour, np.uint8))[0].label for colour in COLOURS.values()]


@pytest.mark.parametrize("quantized", ["", "uint8", "int8"])
def test_channels_go_in_the_other_way_round(quantized: str, tmp_path: Path) -> None:
    data = converted_colours("softmax", quantized, std=255.0)
    classifier, said = opened(tmp_path / "m.tflite", data, input_range=(0.0, 1.0), color="bgr")
    assert named(classifier) == list(COLOURS) and "red, green, blue" not in said
    classifier, said = opened(tmp_path / "m.tflite", data)
    assert named(classifier) == ["blue", "green", "red"] and "its channels are taken for red, green, blue" in said
    _, said = opened(tmp_path / "m.tflite", data, input_range=(0.0, 1.0))
    assert "red, green, blue" not in said


@pytest.mark.parametrize("mean", [[103.9, 116.8, 123.7], [100.0]])
def test_means_of_metadata_are_in_the_models_order(mean: Sequence[float], tmp_path: Path) -> None:
    data = converted_colours("linear", std=60.0)
    told = with_metadata(data, mean=mean, std=[60.0], rgb=True)
    pixels = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    classifier, _ = opened(tmp_path / "m.tflite", told, color="bgr")
    fed = (pixels[:, :, ::-1].astype(np.float64) - mean) / 60
    scores = np.exp(8 * 60 / 255 * fed.mean(axis=(0, 1)))
    np.testing.assert_allclose(classifier.probabilities(pixels), scores / scores.sum(), atol=1e-5)
    np.testing.assert_array_equal(classifier.probabilities(pixels), classifier.predict_all(pixels[None])[0])
    _, said = opened(tmp_path / "m.tflite", told)
    assert "taken for red" not in said  # the metadata says so


def test_order_travels_in_the_packed_file(tmp_path: Path, edgecnn: Run) -> None:
    (tmp_path / "m.tflite").write_bytes(converted_colours("linear", std=255.0))
    (tmp_path / "labels.txt").write_text("\n".join(REVERSED))
    said = ("--labels", tmp_path / "labels.txt", "--input-range", "0", "1", "--color", "bgr")
    result = edgecnn("pack", tmp_path / "m.tflite", *said, "--output", tmp_path / "p.tflite")
    assert result.exit_code == 0, result.output
    classifier = Classifier(tmp_path / "p.tflite")
    assert classifier.input.colour == "bgr" and named(classifier) == list(COLOURS)
    assert classifier.classify(np.full((8, 8, 3), (230, 50, 40), np.uint8), order="bgr")[0].label == "blue"
    assert verify(tmp_path / "p.tflite").passed
    assert "8 x 8 bgr" in printed(edgecnn("info", tmp_path / "p.tflite"))
    for name, colour in COLOURS.items():
        Image.new("RGB", (20, 30), colour).save(tmp_path / f"{name}.png")
        for command in (("p.tflite",), ("m.tflite", *said)):
            shown = edgecnn("classify", tmp_path / str(command[0]), tmp_path / f"{name}.png", *command[1:])
            assert f"{name}.png: {name} " in printed(shown)


@pytest.mark.filterwarnings("ignore:.* carries no card")
def test_probes_notice_another_order(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(converted_colours("softmax", std=255.0))
    said = Description(REVERSED, (0.0, 1.0), color="bgr")
    spec = pack_model(tmp_path / "m.tflite", tmp_path / "p.tflite", RunOptions(description=said)).card.input
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    other = dataclasses.replace(spec, colour="rgb")
    assert preprocessing_sha256(spec, pixels) != preprocessing_sha256(other, pixels)


def test_one_channel_has_no_order(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"1 channel.* leave out --color"):
        Classifier(write_bare(tmp_path / "m.tflite"), description=Description(color="bgr"))
