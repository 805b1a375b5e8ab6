"""edgecnn evaluate: what is told besides its figures."""

from pathlib import Path

import pytest

from tests.support.command_line import Run, sentence
from tests.support.model_files import fields_of_card, repacked


@pytest.mark.parametrize("command", ["evaluate", "train"])
@pytest.mark.parametrize(("other", "words"), [("none", "no folder"), (".", "holds no images; give a folder")])
def test_a_folder_of_others_that_is_none_or_empty_is_told_first(
    command: str, other: str, words: str, edgecnn: Run, tmp_path: Path
) -> None:
    subject = ["fashion-mnist"] if command == "evaluate" else ["--output", tmp_path / "run"]
    if command == "train":
        pytest.importorskip("tensorflow")
    missing = ("--data", tmp_path / "none.npz")  # which is told where it is read
    assert words in sentence(edgecnn(command, *subject, *missing, "--other", tmp_path / other))


def test_a_training_that_was_killed_is_told(edgecnn: Run, few: Path, tmp_path: Path) -> None:
    fields = fields_of_card()
    fields["training"] |= {"test_accuracy": None, "epochs": 3}
    model = repacked(tmp_path / "model.tflite", fields=fields)
    said = edgecnn("evaluate", model, "--data", few)
    assert said.exit_code == 0 and "is not finished: this is epoch 3" in said.stderr
    assert "not finished" not in edgecnn("evaluate", "fashion-mnist", "--data", few).stderr
