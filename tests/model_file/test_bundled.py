"""The models and the sample images that come with edgecnn."""

from pathlib import Path

import pytest

from edgecnn.model_file.bundled import bundled_models, find_model, sample_images


def test_bundled_models_have_short_names() -> None:
    assert {name: path.name for name, path in bundled_models().items()} == {
        "fashion-mnist": "fashion-mnist.int8.tflite",
        "fashion-mnist.activations": "fashion-mnist.int8.activations.tflite",
    }


def test_a_file_of_that_name_comes_before_a_bundled_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_model("fashion-mnist") == bundled_models()["fashion-mnist"]
    (tmp_path / "fashion-mnist").write_bytes(b"mine")
    assert find_model("fashion-mnist").read_bytes() == b"mine"
    assert find_model("nowhere.tflite") == Path("nowhere.tflite")


def test_sample_images_are_pngs_in_the_order_of_their_numbers() -> None:
    names = [path.name for path in sample_images()]
    assert len(names) == 13 and names == sorted(names) and names[0] == "test-0000-ankle-boot.png"
