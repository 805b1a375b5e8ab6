"""`--min-accuracy` of verify and evaluate: what just holds passes, what does not or is not known fails."""

import json
from pathlib import Path

import pytest

from tests.support.command_line import Run, printed, sentence
from tests.support.model_files import fields_of_card, repacked


def test_verify_holds_the_file_to_the_accuracy_that_it_was_made_with(edgecnn: Run) -> None:
    found = 100 * fields_of_card()["parity"]["accuracy"]
    assert printed(edgecnn("verify", "fashion-mnist", "--min-accuracy", found)).endswith("PASS\n")
    result = edgecnn("verify", "fashion-mnist", "--min-accuracy", found + 0.01)
    assert f"the accuracy of the file is {found:.2f}%; {found + 0.01:g} % are asked for" in sentence(result)


@pytest.mark.parametrize("least", [0, 50])
def test_verify_fails_where_no_accuracy_is_known(least: int, edgecnn: Run, tmp_path: Path) -> None:
    fields = fields_of_card()
    fields["parity"] |= dict.fromkeys(("keras_accuracy", "accuracy", "interval_low", "interval_high"))
    path = repacked(tmp_path / "model.tflite", fields=fields)
    assert printed(edgecnn("verify", path)).endswith("PASS\n")
    result = edgecnn("verify", path, "--min-accuracy", least)
    assert "the accuracy of the file is not known: it was made without images with labels" in sentence(result)


def test_verify_of_a_wrong_file_fails_however_accurate_it_was(edgecnn: Run, few: Path, tmp_path: Path) -> None:
    fields = fields_of_card()
    fields["input"]["resize_filter"] = "nearest"
    path = repacked(tmp_path / "model.tflite", fields=fields)
    result = edgecnn("verify", path, "--min-accuracy", 50)
    assert result.exit_code == 1 and "FAIL: " in result.stdout and "--min-accuracy" not in result.stderr


def test_evaluate_holds_the_file_to_the_accuracy_on_the_images(edgecnn: Run, few: Path) -> None:
    command = ("evaluate", "fashion-mnist", "--data", few)
    found = 100 * json.loads(printed(edgecnn(*command, "--json")))["accuracy"]
    assert edgecnn(*command, "--min-accuracy", found).exit_code == 0
    assert "are asked for (--min-accuracy)" in sentence(edgecnn(*command, "--min-accuracy", found + 0.01))
