"""Models that Keras 2 wrote: from `edgecnn convert` to `edgecnn classify` they answer as they do there."""

import contextlib
import functools
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgecnn import InputError, MissingExtraError, ModelFileError
from edgecnn.convert import CustomCode, KerasModel, Preprocessing, adopt
from edgecnn.convert.network.training_loss import training_loss
from edgecnn.device import Classifier, FeatureExtractor
from edgecnn.run_directory import RunDirectory
from tests.support.command_line import Run, in_this_process, printed
from tests.support.keras2 import LABELS, NETWORKS, Keras2Models

WRITERS = {"functional.keras": "Keras 2.", "nested_saved_model": "TensorFlow 2.", "teachable.h5": "Keras 2.4.0"}
MAPS = {
    "functional.keras": {"stem", "depthwise", "pool", "gap"},
    "nested_saved_model": {"separable", "up", "halved", "gmp"},
    "teachable.h5": {"Conv1", "expand", "expand_depthwise", "project", "global_average_pooling2d"},
}


@pytest.mark.parametrize("name", sorted({*NETWORKS} - {*MAPS, "sequential.h5"}))
def test_the_run_answers_as_keras_2_does(name: str, keras2: Keras2Models, tmp_path: Path) -> None:
    told: list[str] = []
    (tmp_path / "own.py").write_text("import keras\nfrom keras.layers import DepthwiseConv2D, Normalization\n")
    code = CustomCode(tmp_path / "own.py")  # what it merely imports is nobody's own
    adopt(keras2.folder / name, LABELS, tmp_path / "run", code=code, progress=told.append)
    found = KerasModel(tmp_path / "run" / "model.keras").predict_all(keras2.images)
    np.testing.assert_allclose(found, keras2.answers[name], atol=1e-5)
    assert any("was written by Keras 2." in line and "read with tf-keras" in line for line in told), told


@pytest.mark.parametrize(("name", "told"), [("wrapped.h5", "rebuilt"), ("bytes.keras", r"whole numbers \(uint8\)")])
def test_layers_of_layers_and_bytes_answer_as_there(name: str, told: str, keras2: Keras2Models, tmp_path: Path) -> None:
    lines: list[str] = []
    preprocessing = Preprocessing((1.0,)) if name == "wrapped.h5" else None
    adopt(keras2.folder / name, LABELS, tmp_path / "run", preprocessing, progress=lines.append)
    found = KerasModel(tmp_path / "run" / "model.keras").predict_all(keras2.images)
    assert np.ptp(keras2.answers[name], axis=0).max() > 0.01
    np.testing.assert_allclose(found, keras2.answers[name], atol=1e-5)
    assert any(re.search(told, line) for line in lines)


def test_bytes_are_not_fed_with_fractions(keras2: Keras2Models, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"whole numbers \(uint8\).*leave --input-range"):
        adopt(keras2.folder / "bytes.keras", LABELS, tmp_path / "run", Preprocessing((1 / 255,)))


@pytest.fixture(scope="module")
def converted(keras2: Keras2Models, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder with all that `edgecnn convert` makes of one of the files, in float32 and int8."""

    @functools.cache
    def convert(name: str) -> Path:
        folder = tmp_path_factory.mktemp("converted")
        options = ["--labels", keras2.labels, "--representative", keras2.photos, "-o", folder, "--float32", "--int8"]
        options += ["--trained-with", "teachable-machine"] if name == "teachable.h5" else []
        given = keras2.folder / name
        with contextlib.chdir(given if given.is_dir() else folder):  # somebody may stand in a SavedModel
            given = Path() if given.is_dir() else given
            result = in_this_process("convert", given, *options, "--min-agreement", 98)
        assert result.exit_code == 0, result.output
        assert f"was written by {WRITERS[name]}" in result.stderr, result.stderr
        return folder

    return convert


@pytest.mark.parametrize("name", MAPS)
def test_every_rung_answers_as_keras_2_does(name: str, keras2: Keras2Models, converted: Callable[[str], Path]) -> None:
    folder, expected = converted(name), keras2.answers[name]
    found = KerasModel(folder / "model.keras").predict_all(keras2.images)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert RunDirectory(folder).read_card().name == Path(name).stem
    float32, int8 = (Classifier(folder / f"model.{scheme}.tflite") for scheme in ("float32", "int8"))
    np.testing.assert_allclose(float32.predict_all(keras2.images), expected, atol=1e-4)
    assert np.mean(int8.predict_all(keras2.images).argmax(1) == expected.argmax(1)) >= 0.98


@pytest.mark.parametrize("name", MAPS)
def test_photographs_are_named_and_every_convolution_has_a_map(
    name: str, keras2: Keras2Models, converted: Callable[[str], Path], edgecnn: Run
) -> None:
    photos = [keras2.photos / label / "0003.png" for label in LABELS]
    result = edgecnn("classify", converted(name) / "model.int8.tflite", *photos, "--json")
    assert [each["predictions"][0]["label"] for each in json.loads(printed(result))] == list(LABELS)
    maps = FeatureExtractor(converted(name) / "model.int8.activations.tflite").extract(keras2.images[0]).maps
    assert set(maps) == MAPS[name]


def test_parity_climbs_and_auto_chooses(
    keras2: Keras2Models, converted: Callable[[str], Path], edgecnn: Run, tmp_path: Path
) -> None:
    run, images = converted("functional.keras"), ("--representative", keras2.photos)
    report = edgecnn("parity", run, *images, "--min-agreement", 98, "-o", tmp_path / "report")
    assert report.exit_code == 0, report.output
    chosen = edgecnn("convert", run, *images, "--auto", "--min-agreement", 98, "-o", tmp_path)
    assert chosen.exit_code == 0, chosen.output


def test_without_tf_keras_the_line_that_installs_it_is_named(
    keras2: Keras2Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "tf_keras" else object())
    with pytest.raises(MissingExtraError, match=r"Keras 2.*needs tf-keras: pip install \"edgecnn\[train\]\""):
        adopt(keras2.folder / "sequential.h5", LABELS, tmp_path / "run")
    assert not RunDirectory(tmp_path / "run").model.exists()


def test_another_answer_is_no_network_of_the_same_file(
    keras2: Keras2Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "edgecnn.convert.network.keras2_rebuilding._is_dropped", lambda described: "Re" in described["class_name"]
    )
    with pytest.raises(ModelFileError, match=r"written by Keras 2.*answers otherwise.*nothing was written"):
        adopt(keras2.folder / "sequential.h5", LABELS, tmp_path / "run")


def test_another_network_is_seen_where_every_softmax_is_1_and_0(
    keras2: Keras2Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "edgecnn.convert.network.keras2_rebuilding._is_dropped", lambda described: described["class_name"] == "ReLU"
    )
    assert keras2.answers["mind.h5"].min() < 1e-6 and keras2.answers["mind.h5"].max() > 1 - 1e-6
    with pytest.raises(ModelFileError, match=r"answers otherwise.*nothing was written"):
        adopt(keras2.folder / "mind.h5", LABELS, tmp_path / "run", Preprocessing((1 / 255,)))


def test_network_that_answers_by_its_neighbours_is_told_how_to_be_built(keras2: Keras2Models, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"layer base is called with training=True.*set_weights"):
        adopt(keras2.folder / "batch.h5", LABELS, tmp_path / "run")


@pytest.mark.parametrize("name", ["nested_saved_model", "teachable.h5", "functional.keras"])
def test_the_loss_of_its_training_is_read(name: str, keras2: Keras2Models) -> None:
    assert training_loss(keras2.folder / name) == "sparse_categorical_crossentropy"
