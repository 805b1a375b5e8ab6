"""An option that is given with its default value is given."""

import pytest

from tests.support.command_line import Run, sentence


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("convert", "run", "--float32", "--io", "int8"), "--io int8 goes with --int8"),
        (("convert", "run", "--auto", "--max-drop", "1", "--io", "int8"), "leave out schemes, --io"),
        (("classify", "fashion-mnist", "boot.png", "--timeout", "5"), "--timeout goes with --source"),
        (("train", "--max-corrupt", "0"), "--max-corrupt goes with --data"),
        (("train", "--data", "x.npz", "--max-corrupt", "0"), "--max-corrupt is of the files of a folder"),
        (("deploy", "pi@h", "--status", "--no-system"), "--no-system goes with a MODEL"),
    ],
)
def test_what_would_do_nothing_is_refused_with_its_default_value_too(
    command: tuple[str, ...], words: str, edgecnn: Run
) -> None:
    assert words in sentence(edgecnn(*command), exit_code=2)
