"""Options that say how a .tflite file runs are not silently ignored for a .keras file."""

import pytest

from tests.support.command_line import Run, sentence

EVERYWHERE = ("--require-signature=signers",)
WHERE_ONE_RUNS = (
    *("--threads=2", "--runtime=litert", "--delegate=cpu", "--delegate-option=a=1", "--require-delegate=full"),
    *("--delegate-report", "--fallback=cpu", "--isolate", "--no-isolate", "--delegate-timeout=9"),
)
OF = {
    ("info",): EVERYWHERE,
    ("features", "boot.png"): (*EVERYWHERE, *WHERE_ONE_RUNS, "--trust"),
    ("evaluate",): (*EVERYWHERE, *WHERE_ONE_RUNS, "--audit=1%"),
}


@pytest.mark.parametrize(
    ("command", "option"), [(command, option) for command, options in OF.items() for option in options]
)
def test_an_option_for_tflite_files_is_refused_for_a_keras_file(
    command: tuple[str, ...], option: str, edgecnn: Run
) -> None:
    name, *images = command
    said = sentence(edgecnn(name, "model.keras", *images, option), exit_code=2)
    assert f"{option.partition('=')[0]} is for .tflite files; TensorFlow chooses for .keras files" in said


@pytest.mark.parametrize("command", [("info",), ("features", "boot.png"), ("evaluate",)])
def test_what_a_file_without_a_card_leaves_out_is_refused_for_a_keras_file(
    command: tuple[str, ...], edgecnn: Run
) -> None:
    name, *images = command
    said = sentence(edgecnn(name, "model.keras", *images, "--color", "bgr"), exit_code=2)
    assert "--color are for .tflite files without a card; a .keras file has a card.json beside it" in said


@pytest.mark.parametrize(
    "option",
    [
        *("--delegate-option=a=1", "--require-delegate=any", "--delegate-report"),
        *("--fallback=cpu", "--isolate", "--no-isolate", "--audit=1%", "--delegate-timeout=9"),
    ],
)
def test_what_is_said_of_a_delegate_is_refused_without_one(option: str, edgecnn: Run) -> None:
    said = sentence(edgecnn("classify", "fashion-mnist", "boot.png", option), exit_code=2)
    assert f"{option.partition('=')[0]} goes with --delegate" in said


@pytest.mark.parametrize("option", ["--fallback=cpu", "--isolate", "--no-isolate", "--delegate-timeout=9"])
@pytest.mark.parametrize("delegates", [(), ("--delegate", "cpu")])
def test_a_benchmark_of_the_cpu_watches_no_delegate(delegates: tuple[str, ...], option: str, edgecnn: Run) -> None:
    said = sentence(edgecnn("benchmark", "fashion-mnist", *delegates, option), exit_code=2)
    assert f"{option.partition('=')[0]} goes with a --delegate other than cpu" in said
