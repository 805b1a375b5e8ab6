"""Transfer learning from the command line: photographs and weights become a classifier that goes on to a device."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from edgecnn.model_file.card import ModelCard
from tests.support.command_line import Run

MOBILE = ("--architecture", "mobilenet_v2", "--width", "0.1")


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures each of a disc and of a bar, in colours of their own."""
    folder, generator = tmp_path_factory.mktemp("photographs"), np.random.default_rng(3)
    for name, colour in (("disc", (230, 40, 40)), ("bar", (40, 80, 230))):
        (folder / name).mkdir()
        for number in range(12):
            picture = Image.fromarray(generator.integers(0, 30, (40, 50, 3), dtype=np.uint8))
            left, top = (int(place) for place in generator.integers(2, 12, 2))
            box = (left, top, left + 24, top + (24 if name == "disc" else 8))
            (ImageDraw.Draw(picture).ellipse if name == "disc" else ImageDraw.Draw(picture).rectangle)(box, fill=colour)
            picture.save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small MobileNetV2 of nine classes with random kernels, whose features tell colours apart."""
    import keras

    from edgecnn.train.architectures import build_network

    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("weights") / "mobile.keras"
    build_network("mobilenet_v2-0.1", (32, 32, 3), 9).save(path)
    return path


def test_a_transferred_network_goes_on_to_the_device(
    photographs: Path, weights: Path, edgecnn: Run, tmp_path: Path
) -> None:
    run, data = tmp_path / "run", ("--data", photographs)
    trained = edgecnn(
        "train", *data, *MOBILE, "--weights", weights, "--image-size", "32", "--freeze", "all", "-o", run, "--json"
    )
    assert trained.exit_code == 0, trained.stderr
    assert json.loads(trained.stdout)["accuracy"] == 1 and "features of 20 images: 0 were known" in trained.stderr
    card = ModelCard.load(run / "card.json")
    assert card.training is not None and card.training.architecture == "mobilenet_v2-0.1"
    assert card.training.recipe == "transfer, weights mobile.keras, freeze all"
    assert card.input.shape == (32, 32, 3) and card.input.offset == (-1.0,) * 3
    converted = edgecnn("convert", run, *data, "--float32", "--int8", "--feature-layers", "Conv_1", "--json")
    assert converted.exit_code == 0, converted.stderr
    for label in ("bar", "disc"):  # float32: what random kernels make of images is too faint for 8 bits
        classified = edgecnn("classify", run / "model.float32.tflite", photographs / label / "0.png", "--json")
        assert classified.exit_code == 0, classified.stderr
        assert json.loads(classified.stdout)[0]["predictions"][0]["label"] == label
    assert edgecnn("verify", run / "model.int8.tflite").exit_code == 0


@pytest.mark.parametrize(
    ("options", "exit_code", "message"),
    [
        (("--freeze", "most"), 2, "most is neither a number of layers nor all"),
        (("--width", "nan"), 2, "nan is no number"),
        (("--image-size", "16"), 1, "takes rgb images of 32 x 32 pixels and more. Received: 16 x 16 rgb"),
        (("--color", "grayscale"), 1, "mobilenet_v2 takes rgb images"),
        (("--weights", "nowhere.h5", "--image-size", "32"), 1, "there are no weights at nowhere.h5"),
        (("--recipe", "fast", "--freeze", "3"), 1, "freeze goes with recipe transfer"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    options: tuple[str, ...], exit_code: int, message: str, photographs: Path, edgecnn: Run, tmp_path: Path
) -> None:
    done = edgecnn("train", "--data", photographs, *MOBILE, "--weights", "none", *options, "-o", tmp_path / "run")
    assert (done.exit_code, done.stdout) == (exit_code, "")
    assert message in " ".join(done.stderr.split())
    assert not (tmp_path / "run").exists()


def test_fashion_mnist_is_too_small_for_a_backbone(edgecnn: Run, tmp_path: Path) -> None:
    done = edgecnn("train", *MOBILE, "--weights", "none", "-o", tmp_path / "run")
    assert done.exit_code == 1 and "Received: 28 x 28 grayscale from fashion-mnist" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--weights", "gone.h5"), "there are no weights at gone.h5"),
        (("--teacher", "gone.keras"), "no teacher at gone.keras"),
        (("--other", "gone"), "no folder gone; other images are a folder of pictures"),
    ],
)
def test_what_is_missing_is_told_before_images_are_read(
    options: tuple[str, ...], message: str, edgecnn: Run, tmp_path: Path
) -> None:
    done = edgecnn("train", "--data", tmp_path / "not there either", *options, "-o", tmp_path / "run")
    assert done.exit_code == 1 and message in " ".join(done.stderr.split())
