"""Without --data a model of other classes is not asked about Fashion-MNIST, nor is that fetched for it."""

from pathlib import Path

import pytest

from tests.support.command_line import Run, sentence
from tests.support.model_files import fields_of_card, repacked


@pytest.mark.parametrize("command", ["evaluate", "compare"])
def test_its_own_images_are_asked_for_before_any_are_read(
    command: str, edgecnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = fields_of_card()
    fields["labels"] = [f"class {number}" for number in range(10)]
    fields["training"]["dataset"] = "Möbel"
    model = repacked(tmp_path / "own model.tflite", fields=fields)
    monkeypatch.setenv("EDGECNN_DATA", str(tmp_path / "nothing"))
    said = sentence(edgecnn(command, *([model] if command == "compare" else []), model))
    assert "own model.tflite is trained on Möbel: name its images with --data" in said


def test_a_model_of_some_of_the_same_classes_is_not_asked_for_its_images(edgecnn: Run, tmp_path: Path) -> None:
    fields = fields_of_card()
    fields["labels"][3] = "Gown"
    model = repacked(tmp_path / "model.tflite", fields=fields)
    said = sentence(edgecnn("evaluate", model))
    assert "Gown" in said and "name its images" not in said
