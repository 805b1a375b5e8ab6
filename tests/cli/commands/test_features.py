"""edgecnn features: pictures and arrays of feature maps, of TFLite and of Keras."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn.convert import Conversion
from edgecnn.model_file.bundled import sample_images
from edgecnn.train import TrainingRun
from tests.support.command_line import Run, printed, sentence
from tests.support.model_files import write_bare

BOOT = sample_images()[0]


def test_features_writes_figures_sheets_and_arrays(edgecnn: Run, tmp_path: Path) -> None:
    images = [path for path in sample_images() if path.name[5:9] in ("0009", "0022", "0045")]
    options = ["--filter", "2", "--filter", "30", "--npz", "--output", tmp_path / "out"]
    result = edgecnn("features", "fashion-mnist.activations", *images, *options)
    assert result.exit_code == 0, result.output
    names = {
        "filter-2.png",
        "filter-30.png",
        "features.npz",
        *(f"contact-{i}-{p.stem}.png" for i, p in enumerate(images, 1)),
    }
    assert (
        {Path(line).name for line in result.stdout.splitlines()}
        == names
        == {p.name for p in (tmp_path / "out").iterdir()}
    )
    with np.load(tmp_path / "out" / "features.npz") as arrays:
        assert arrays["conv2d"].shape == (3, 26, 26, 64) and arrays["conv2d"].dtype == np.float32
        assert arrays["max_pooling2d_1"].shape == (3, 5, 5, 64) and arrays["probabilities"].shape == (3, 10)
        assert list(arrays["images"]) == [path.name for path in images]


def test_features_of_keras_and_int8_are_nearly_the_same(
    edgecnn: Run, tmp_path: Path, int8: Conversion, small_run: TrainingRun
) -> None:
    assert int8.activations
    maps = {}
    for name, model in (("keras", small_run.model_path), ("int8", int8.activations.path)):
        result = edgecnn("features", model, BOOT, "--npz", "--output", tmp_path / name)
        assert result.exit_code == 0, result.output
        with np.load(tmp_path / name / "features.npz") as arrays:
            maps[name] = {layer: arrays[layer] for layer in ("conv2d", "max_pooling2d", "conv2d_1", "max_pooling2d_1")}
    for layer, values in maps["keras"].items():
        # One step of 8 bits is 1/255 of the calibrated range; an error of a few steps is what int8 costs.
        assert np.abs(values - maps["int8"][layer]).max() < 0.1 * values.max(), layer


def test_features_of_a_plain_model_names_the_right_file(edgecnn: Run) -> None:
    assert "use its activations variant, fashion-mnist.activations" in sentence(
        edgecnn("features", "fashion-mnist", BOOT)
    )


def test_a_layer_that_is_called_as_an_array_of_the_file_is_not_replaced_by_it(edgecnn: Run, tmp_path: Path) -> None:
    named = write_bare(tmp_path / "named.tflite", "fashion-mnist.activations")
    named.write_bytes(named.read_bytes().replace(b"conv2d\0", b"images\0"))
    arguments = ("features", named, BOOT, "--output", tmp_path / "maps")
    assert "a layer is called images" in sentence(edgecnn(*arguments, "--npz")) and not (tmp_path / "maps").exists()
    assert edgecnn(*arguments).exit_code == 0


def test_features_refuses_a_filter_that_a_layer_does_not_have(edgecnn: Run) -> None:
    result = edgecnn("features", "fashion-mnist.activations", BOOT, "--filter", "64")
    assert "conv2d has most with filters 0 to 63" in sentence(result, exit_code=2)


def test_features_keeps_existing_files_without_force(edgecnn: Run, tmp_path: Path) -> None:
    arguments = ["features", "fashion-mnist.activations", BOOT, "--output", tmp_path]
    assert edgecnn(*arguments).exit_code == 0
    assert "exists already" in sentence(edgecnn(*arguments))
    assert edgecnn(*arguments, "--force").exit_code == 0


def test_features_and_samples_print_json(edgecnn: Run, tmp_path: Path) -> None:
    assert len(json.loads(printed(edgecnn("samples", tmp_path / "photos", "--json")))) == len(sample_images())
    result = edgecnn("features", "fashion-mnist.activations", BOOT, "--output", tmp_path / "out", "--json")
    assert [Path(path).suffix for path in json.loads(printed(result))["files"]] == [".png"]


@pytest.mark.parametrize("name", ["a$_$b.png", "x$\\frac$.png", "wide " + "w" * 230 + ".png"])
def test_odd_file_names_are_drawn_as_they_are(name: str, edgecnn: Run, tmp_path: Path) -> None:
    shutil.copy(BOOT, tmp_path / name)
    options = ["--filter", "1", "--output", tmp_path / "out"]
    assert edgecnn("features", "fashion-mnist.activations", tmp_path / name, *options).exit_code == 0


def test_the_users_matplotlib_settings_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfigure.facecolor: red\n")
    command = [sys.executable, "-m", "edgecnn", "features", "fashion-mnist.activations", str(BOOT), "--filter", "4"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    with Image.open(tmp_path / "features" / "filter-4.png") as image:
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_a_network_of_many_layers_is_drawn_in_pages(edgecnn: Run, tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    from edgecnn.convert import Preprocessing, adopt

    image = keras.Input((8, 8, 3))
    x = image
    for number in range(26):
        x = keras.layers.Conv2D(2, 1, name=f"layer{number}")(x)
    x = keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(x))
    keras.Model(image, x).save(tmp_path / "deep.keras")
    run = adopt(tmp_path / "deep.keras", ("a", "b"), tmp_path / "run", Preprocessing((1 / 255,)))
    options = ("--filter", 1, "--output", tmp_path / "out", "--json")
    result = edgecnn("features", run / "model.keras", BOOT, *options)
    names = [Path(path).name for path in json.loads(printed(result))["files"]]
    assert names[:3] == [f"filter-1-page-{page}.png" for page in (1, 2, 3)] and len(names) == 6
    with Image.open(tmp_path / "out" / "filter-1-page-1.png") as first, Image.open(tmp_path / "out" / names[2]) as last:
        assert first.width > 2 * last.width  # twelve layers, and the two that are left
