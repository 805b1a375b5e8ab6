"""Options that contradict each other, and values that are none, are told of in a sentence before anything is done."""

import pytest

from tests.support.command_line import Run, sentence

ON_A_SOURCE = ("classify", "fashion-mnist", "--source", "camera")
ON_AN_IMAGE = ("verify", "model.tflite")
CONVERT = ("convert", "run")
CASES: tuple[tuple[tuple[str, ...], str], ...] = (
    ((*ON_A_SOURCE, "boot.png"), "--source takes the place of IMAGES; give one of them"),
    ((*ON_A_SOURCE, "--decode-threads", "2"), "--decode-threads goes with IMAGES"),
    ((*ON_A_SOURCE, "--output", "answers.csv", "--resume"), "--resume goes with IMAGES"),
    (("evaluate", "fashion-mnist", "--labels-from-names"), "go with --data DIR, a folder of images"),
    (("evaluate", "fashion-mnist", "--data", "d", "--labels-csv", "f", "--labels-from-names"), "give one of them"),
    (("evaluate", "fashion-mnist", "--data", "d", "--data-dir", "e"), "--data names other data; give one"),
    (
        ("classify", "fashion-mnist", "boot.png", "--delegate", "xnnpack", "--delegate-timeout", "5"),
        "--delegate-timeout goes with a library; add --isolate to bound xnnpack too",
    ),
    (
        ("benchmark", "fashion-mnist", "--delegate", "xnnpack", "--delegate-option", "a=1"),
        "--delegate-option goes with a delegate that takes options: ",
    ),
    ((*ON_A_SOURCE, "--size", "640"), "640 is not WIDTHxHEIGHT in pixels, such as 640x480"),
    (("deploy", "pi@raspberrypi", "--status", "--rollback"), "--status and --rollback stand alone"),
    (("deploy", "pi@raspberrypi", "--status", "--dry-run"), "--status and --rollback stand alone"),
    (("deploy", "fashion-mnist", "pi@raspberrypi", "--rollback"), "--status and --rollback stand alone"),
    ((*ON_AN_IMAGE, "--input-range", "1", "1"), "give two different numbers within 1e6"),
    ((*ON_AN_IMAGE, "--input-range", "nan", "1"), "give two different numbers within 1e6"),
    ((*CONVERT, "--scale", "1,x,3"), "'1,x,3' is no number, nor numbers with commas between them"),
    ((*ON_AN_IMAGE, "--min-accuracy", "nan"), "nan is no number"),
    (("train", "--image-size", "48x"), "48x is neither a number of pixels nor HEIGHTxWIDTH"),
    (("train", "--image-size", "0x48"), "0x48 is neither a number of pixels nor HEIGHTxWIDTH"),
    ((*CONVERT, "--auto", "--int8", "--max-drop", "1"), "--auto chooses the scheme itself; leave out schemes"),
    ((*CONVERT, "--auto", "--io", "uint8", "--max-drop", "1"), "--auto chooses the scheme itself"),
    ((*CONVERT, "--auto", "--no-activations", "--max-drop", "1"), "--auto chooses the scheme itself"),
    ((*CONVERT, "--float32", "--mixed", "--io", "uint8"), "--io uint8 goes with --int8; float32, mixed has input"),
)


@pytest.mark.parametrize(("command", "words"), CASES, ids=[" ".join(command) for command, _ in CASES])
def test_wrong_usage_is_a_sentence(command: tuple[str, ...], words: str, edgecnn: Run) -> None:
    if command[0] in ("convert", "train"):
        pytest.importorskip("tensorflow")
    assert words in sentence(edgecnn(*command), exit_code=2)
