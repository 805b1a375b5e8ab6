"""The command line: results on stdout, the rest on stderr; 0 done, 1 expected failure, 2 wrong usage; no traceback."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from PIL import Image

from edgecnn.cli import COMMANDS
from edgecnn.device.runtime.child_process import blame_model
from edgecnn.model_file.bundled import find_model, sample_images
from edgecnn.native_output import captured_stderr
from tests.support.command_line import SCRIPTS, Run, in_new_process, sentence
from tests.support.ports import closed_port

BOOT = sample_images()[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str, edgecnn: Run) -> None:
    result = edgecnn(command, "--help")
    assert result.exit_code == 0 and "Example: edgecnn " + command in result.output


def test_help_lists_every_command(edgecnn: Run) -> None:
    result = edgecnn("--help")
    assert result.exit_code == 0 and all(f"\n  {command}" in result.output for command in COMMANDS)


@pytest.mark.parametrize("arguments", [["classfy"], ["classify"], ["classify", "fashion-mnist"], ["verify", "a", "b"]])
def test_wrong_usage_exits_2(arguments: list[str], edgecnn: Run) -> None:
    assert sentence(edgecnn(*arguments), exit_code=2)


@pytest.mark.parametrize("command", ["classify", "features", "explain", "verify", "info", "evaluate"])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "tail", "empty", "text"])
def test_damaged_model_is_one_sentence_in_every_command(
    command: str, damage: str, edgecnn: Run, tmp_path: Path
) -> None:
    whole = find_model("fashion-mnist.activations").read_bytes()
    flipped = bytearray(whole)
    flipped[100_000] ^= 4
    content = {
        "truncated": whole[:50_000],
        "flipped": bytes(flipped),
        "tail": whole[:-500],
        "empty": b"",
        "text": b"hello",
    }
    path = tmp_path / "model.tflite"
    path.write_bytes(content[damage])
    images = [BOOT] if command in ("classify", "features", "explain") else []
    assert str(path) in sentence(edgecnn(command, path, *images))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("classify", "nowhere.tflite", BOOT), "no model file nowhere.tflite"),
        (("evaluate", "nowhere.keras"), "no Keras model at nowhere.keras"),
    ],
    ids=["tflite", "keras"],
)
def test_missing_model_is_one_sentence(arguments: tuple[str | Path, ...], message: str, edgecnn: Run) -> None:
    assert message in sentence(edgecnn(*arguments))


def test_what_is_no_file_is_said_to_be_what_it_is(edgecnn: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tflite")
    (tmp_path / "link.tflite").symlink_to("nowhere.tflite")
    for name, message in (
        ("pipe.tflite", "pipe.tflite is a pipe, a device or a socket; save the model as a file"),
        ("/dev/null", "/dev/null is a pipe, a device or a socket"),
        ("link.tflite", "link.tflite is a link to nowhere.tflite, where no file is"),
    ):
        assert message in sentence(edgecnn("info", tmp_path / name))


def test_unwritable_output_is_a_sentence_and_leaves_nothing(edgecnn: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot write" in sentence(edgecnn("samples", tmp_path / "file" / "photos"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_empty_name_for_what_is_written_is_wrong_usage(commands: dict[str, click.Command], edgecnn: Run) -> None:
    writing = {
        name: parameter
        for name, command in commands.items()
        for parameter in command.params
        if parameter.name in ("output", "page", "html", "png", "folder") and isinstance(parameter.type, click.Path)
    }
    assert {"classify", "train", "convert", "parity", "features", "explain", "samples", "merge"} < set(writing)
    for name, parameter in writing.items():
        given = [] if isinstance(parameter, click.Option) else [""]
        option = [parameter.opts[0], ""] if isinstance(parameter, click.Option) else []
        others = ["x" for one in commands[name].params if isinstance(one, click.Argument) and one is not parameter]
        result = edgecnn(*name.split(), *given, *others, *option)
        assert result.exit_code == 2 and "its name is empty" in result.stderr, (name, result.stderr)


def test_the_sentence_on_a_hang_names_every_command_that_opens_a_file_untried(
    commands: dict[str, click.Command],
) -> None:
    untried = {
        name
        for name, command in commands.items()
        for option in command.params
        if isinstance(option, click.Option) and option.name == "trust" and "child process" in (option.help or "")
    }
    names = re.search(r"yourself, (.*) open it untried", blame_model(Path("m.tflite")).hangs(5))
    assert names and set(re.split(", | and ", names[1])) == untried


def test_an_option_with_an_empty_value_is_not_taken_for_none(commands: dict[str, click.Command], edgecnn: Run) -> None:
    options = [
        (name, max(parameter.opts, key=len))
        for name, command in commands.items()
        for parameter in command.params
        if isinstance(parameter, click.Option) and not (parameter.is_flag or parameter.count) and parameter.nargs == 1
    ]
    assert {("benchmark", "--compare"), ("live", "--webhook"), ("evaluate", "--data")} < set(options)
    for name, option in options:
        for words in ([option, ""], [f"{option}="]):
            result = edgecnn(*name.split(), "x", *words)
            assert result.exit_code == 2 and f"'{option}'" in result.stderr, (name, option, result.output)
            assert " is empty; leave the option out, or say what it is" in result.stderr


def test_an_empty_value_among_others_is_told_and_what_stands_behind_two_dashes_is_none(
    edgecnn: Run,
) -> None:
    result = edgecnn("benchmark", "fashion-mnist", "--delegate", "cpu", "--delegate", "")
    assert result.exit_code == 2 and "'--delegate': it is empty" in result.stderr
    assert "an image has an empty name" in edgecnn("classify", "fashion-mnist", "--", "").output


@pytest.mark.parametrize("limit", [0, 100, 20_000])
def test_no_room_for_a_file_is_a_sentence_and_leaves_no_half_file(limit: int, tmp_path: Path) -> None:
    # The kernel refuses to write beyond `limit` bytes, as it refuses on a full disk.
    arguments = ["features", "fashion-mnist.activations", str(BOOT), "--npz", "--output", str(tmp_path / "out")]
    command = [sys.executable, str(SCRIPTS / "on_a_full_disk.py"), str(limit), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 1 and "Traceback" not in result.stderr
    assert result.stderr.startswith("Error: cannot write ") and len(result.stderr.splitlines()) == 1
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize(("limit", "left"), [(0, []), (100, []), (700, [".r.csv.partial"])])
def test_a_disk_that_fills_up_while_results_are_written_is_a_sentence(
    limit: int, left: list[str], tmp_path: Path
) -> None:
    arguments = ["classify", "fashion-mnist", str(BOOT.parent), "--output", str(tmp_path / "r.csv")]
    command = [sys.executable, str(SCRIPTS / "on_a_full_disk.py"), str(limit), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 1 and len(result.stderr.splitlines()) == 1, result.stderr
    assert result.stderr.startswith(f"Error: cannot write {tmp_path}/.r.csv.partial: File too large")
    assert [path.name for path in tmp_path.iterdir()] == left  # without a row there is nothing to go on with
    whole = in_new_process("classify", "fashion-mnist", BOOT.parent, "--output", tmp_path / "r.csv", "--resume")
    rows = (tmp_path / "r.csv").read_text().splitlines()
    assert whole.returncode == 0 and len(rows) == 1 + len(sample_images())


def in_shell(line: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """`edgecnn LINE`, with the shell's redirections and pipes."""
    command = ["/bin/sh", "-c", f"{sys.executable} -m edgecnn {line}"]
    return subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=60)


def test_commands_work_with_standard_error_closed() -> None:
    result = in_shell(f"classify fashion-mnist {BOOT} 2>&-")
    assert result.returncode == 0 and "Ankle boot" in result.stdout


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("json", ["", "--json --shadow fashion-mnist.activations"])
def test_a_station_runs_with_a_standard_stream_closed(json: str, closed: str) -> None:
    result = in_shell(f"live fashion-mnist --source samples --fps 30 --frames 12 --no-page {json} {closed}")
    assert result.returncode == 0, result.stderr


def test_what_a_library_says_is_in_no_file_where_the_standard_streams_are_closed(library: str, tmp_path: Path) -> None:
    shoe, chatty = sample_images()[0], f"--delegate {library} --delegate-option chat=1 --no-isolate"
    for name, closed in (("open", ""), ("closed", "<&- >&- 2>&-")):
        assert in_shell(f"classify fashion-mnist {shoe} -o {tmp_path}/{name}.csv {chatty} {closed}").returncode == 0
    assert (tmp_path / "closed.csv").read_bytes() == (tmp_path / "open.csv").read_bytes()


def test_a_device_is_asked_with_standard_input_closed() -> None:
    with closed_port() as port:
        result = in_shell(f"deploy pi@127.0.0.1 --status --port {port} <&-")
    assert result.returncode == 1 and "no ssh answers" in result.stderr and "Traceback" not in result.stderr


def test_a_training_with_standard_error_closed_says_nothing_on_standard_output(tmp_path: Path) -> None:
    for name, level in (("dark", 10), ("light", 240)):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(10):
            Image.new("L", (20, 20), level + number).save(tmp_path / "images" / name / f"{number}.png")
    options = f"--recipe notebook --image-size 16 --epochs 1 --output {tmp_path}/run"
    result = in_shell(f"train --data {tmp_path}/images {options} 2>&-")
    assert result.returncode == 0 and "parameters on" not in result.stdout and (tmp_path / "run" / "card.json").exists()


def test_classify_says_nothing_on_stderr() -> None:
    assert in_new_process("classify", "fashion-mnist", BOOT).stderr == ""


def test_verbose_lets_the_runtime_speak() -> None:
    assert "XNNPACK" in in_new_process("classify", "fashion-mnist", BOOT, "--verbose").stderr


@pytest.mark.parametrize("rest", [(), ("--json",), ("--no-such-option",)])
def test_verbose_is_of_one_command_where_a_program_calls_several(
    rest: tuple[str, ...], edgecnn: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    edgecnn("info", "fashion-mnist", "-v", *rest)
    with captured_stderr() as output:
        os.write(2, b"native words")
    assert output.text == "native words" and not capfd.readouterr().err


def test_terminal_that_cannot_show_a_letter_gets_it_escaped() -> None:
    result = in_shell("info fashion-mnist", PYTHONIOENCODING="latin-1")
    assert result.returncode == 0 and "\\u2026" in result.stdout


@pytest.mark.parametrize(
    "asked", ["--help", "--version", "info fashion-mnist", f"classify fashion-mnist {BOOT} --json"]
)
def test_what_cannot_be_written_on_a_full_disk_is_a_sentence(asked: str) -> None:
    command = [sys.executable, "-m", "edgecnn", *asked.split()]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "Error: standard output: No space left on device\n")


def test_closed_output_pipe_is_no_traceback() -> None:
    result = in_shell("info fashion-mnist | true")  # it reads nothing and is gone before a line is written
    assert result.stderr == ""
