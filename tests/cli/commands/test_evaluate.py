"""edgecnn evaluate: what can be told before the test images are read."""

from pathlib import Path

import pytest

from tests.support.command_line import Run, sentence


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
