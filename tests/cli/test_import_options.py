"""What the options of `edgecnn convert` make of a model that was trained elsewhere, and what is said of it."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from edgecnn import ModelCard
from edgecnn.cli.import_options import folder
from edgecnn.pixels.training_loaders import LOADERS
from tests.support.colours import ColourNetwork, trained
from tests.support.command_line import Run, printed, sentence


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> ColourNetwork:
    return trained(tmp_path_factory.mktemp("colours"), rescales=False)


@pytest.fixture
def any_size(tmp_path: Path) -> Path:
    layers = keras.layers
    image = keras.Input((None, None, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(image))
    keras.Model(image, layers.Dense(4, activation="softmax")(x)).save(tmp_path / "any.keras")
    return tmp_path / "any.keras"


@pytest.mark.parametrize(
    ("given", "made"), [("net.keras", "net"), ("net", "net.run"), (".", "../here.run"), ("v1.0", "v1.0.run")]
)
def test_a_run_is_made_beside_its_model(given: str, made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here" / "v1.0").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert folder(given).resolve() == Path(made).resolve()


@pytest.mark.parametrize("model", [".", "..", "/", ""])
@pytest.mark.parametrize("command", ["convert", "pack"])
def test_a_folder_that_is_no_model_is_a_sentence(
    command: str, model: str, edgecnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "labels.txt").write_text("a\nb\n")
    said = ("--labels", "../labels.txt", *(("--representative", ".") if command == "convert" else ()))
    assert sentence(edgecnn(command, model, *said))
    assert {path.name for path in tmp_path.rglob("*")} == {"here", "labels.txt"}


QUICK = ("--float32", "--no-activations", "--calibration-images", 4)


def common(network: ColourNetwork) -> tuple[object, ...]:
    return ("--labels", network.labels, "--representative", network.photos)


# Scale and offset of the first and the last channel, fit, and filter; torchvision's are ImageNet's figures.
PRESETS = {
    "teachable-machine": (1 / 127.5, -1, 1 / 127.5, -1, "crop", "lanczos"),
    "image_dataset_from_directory": (1, 0, 1, 0, "stretch", "bilinear"),
    "torchvision": (1 / 255 / 0.229, -0.485 / 0.229, 1 / 255 / 0.225, -0.406 / 0.225, "crop", "bilinear"),
}


def test_every_preset_is_tested() -> None:
    assert set(PRESETS) | {"imagedatagenerator"} == set(LOADERS)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_prepares_images_as_its_program_does(
    name: str, edgecnn: Run, colours: ColourNetwork, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = edgecnn("convert", colours.model, *common(colours), "--trained-with", name, "-o", out, *QUICK)
    assert result.exit_code == 0, result.output
    spec = ModelCard.load(out / "card.json").input
    figures = (spec.scale[0], spec.offset[0], spec.scale[-1], spec.offset[-1])
    assert figures == pytest.approx(PRESETS[name][:4]) and (spec.fit, spec.resize_filter) == PRESETS[name][4:]
    assert f"--trained-with {name}: {LOADERS[name].summary}" in result.stderr
    shown = printed(edgecnn("info", out / "model.float32.tflite"))  # a figure for each channel that has its own
    assert all(f"{figure:.6g}" in shown for figure in figures)


def test_what_a_preset_does_not_know_is_asked_for_and_options_go_before_it(
    edgecnn: Run, colours: ColourNetwork, tmp_path: Path
) -> None:
    model, out = shutil.copy(colours.model, tmp_path), tmp_path / "out"
    command = ("convert", model, *common(colours), "--trained-with", "imagedatagenerator", "-o", out, *QUICK)
    assert "say what a pixel becomes" in sentence(edgecnn(*command))
    result = edgecnn(*command, "--input-range", 0, 1, "--fit", "pad", "--resize-filter", "box", "--min-accuracy", 95)
    assert result.exit_code == 0, result.output
    spec = ModelCard.load(out / "card.json").input
    assert spec.scale == pytest.approx((1 / 255,) * 3) and (spec.fit, spec.resize_filter) == ("pad", "box")
    assert spec.jpeg_decoding == "full"  # as in its training
    result = edgecnn(*command, "--input-range", 0, 1, "--jpeg-decoding", "reduced", "--force")
    spec = ModelCard.load(out / "card.json").input
    assert (spec.resize_filter, spec.jpeg_decoding) == ("nearest", "reduced")


def test_a_size_is_given_where_the_model_takes_any(
    edgecnn: Run, any_size: Path, colours: ColourNetwork, tmp_path: Path
) -> None:
    command = ("convert", any_size, *common(colours), "--input-range", 0, 1, "-o", tmp_path / "out", *QUICK)
    assert "say it with --image-size" in sentence(edgecnn(*command))
    result = edgecnn(*command, "--image-size", "10x14")
    assert result.exit_code == 0, result.output
    told = edgecnn("classify", tmp_path / "out" / "model.float32.tflite", *sorted(colours.photos.rglob("*.png"))[:1])
    assert told.exit_code == 0, told.output
    assert ModelCard.load(tmp_path / "out" / "card.json").input.shape == (10, 14, 3)
    assert edgecnn(*command, "--image-size", "0").exit_code == 2


def test_a_network_that_is_fed_wrongly_is_warned_of_and_fails_where_that_is_asked_for(
    edgecnn: Run, colours: ColourNetwork, tmp_path: Path
) -> None:
    command = ("convert", colours.model, *common(colours), "--input-range", 0, 0.004, "-o", tmp_path / "out", *QUICK)
    result = edgecnn(*command, "--json")
    assert result.exit_code == 0, result.output
    (made,) = json.loads(result.stdout)
    assert len(made["warnings"]) == 1 and f"warning: {made['warnings'][0]}" in result.stderr
    assert "with --input-range 0 1 100.0% of 80 images are right" in made["warnings"][0]
    result = edgecnn(*command, "--max-drop", 1, "--force")
    assert result.exit_code == 1 and "Keras itself looks wrong" in result.stderr
    result = edgecnn(*command, "--min-accuracy", 90, "--force")
    assert result.exit_code == 1 and "of the images are right, 90 % are asked for" in result.stderr
    auto = ("convert", colours.model, *common(colours), "--input-range", 0, 0.004, "-o", tmp_path / "auto")
    assert "Keras itself looks wrong" in sentence(edgecnn(*auto, "--auto", "--max-drop", 1, *QUICK[2:]))
    assert (tmp_path / "auto" / "parity.int8.html").is_file()
    file = tmp_path / "out" / "model.float32.tflite"
    result = edgecnn("verify", file)
    assert result.exit_code == 0 and "warning: where it was converted, Keras itself had 25.00%" in result.stderr
    assert "the accuracy of the file is 25.00%" in sentence(edgecnn("verify", file, "--min-accuracy", 90))
    assert json.loads(printed(edgecnn("verify", file, "--json")))["warnings"]


def test_evaluate_notices_labels_in_another_order(edgecnn: Run, few: Path, tmp_path: Path) -> None:
    arrays = dict(np.load(few))
    exchange = np.array([0, 9, 2, 3, 4, 5, 6, 7, 8, 1])  # trousers and ankle boots
    arrays["y_test"] = exchange[arrays["y_test"]]
    np.savez(tmp_path / "exchanged.npz", **arrays)
    result = edgecnn("evaluate", "fashion-mnist", "--data", tmp_path / "exchanged.npz", "--min-accuracy", 80)
    assert "warning: the labels seem to stand in another order" in result.stderr and "'Trouser'" in result.stderr
    assert "is below the 80 % that are asked for" in sentence(result)
    result = edgecnn("evaluate", "fashion-mnist", "--data", few, "--min-accuracy", 80)
    assert result.exit_code == 0 and "warning" not in result.stderr
