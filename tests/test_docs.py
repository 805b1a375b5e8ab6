"""Every command and program on the pages is right: cheap ones run as written, the others are checked word for word."""

import contextlib
import dataclasses
import itertools
import json
import re
import shlex
from pathlib import Path

import click
import pytest
import tomllib
from PIL import Image

from edgecnn.cli import COMMANDS, main
from edgecnn.convert import KerasModel
from edgecnn.device import Classifier, bundled_models
from edgecnn.device.signing import sign_model
from edgecnn.pixels.dataset import Dataset
from tests.support.command_line import Run
from tests.support.pages import blocks, lines
from tests.support.ssh_keys import HAS_OPENSSH, allow, make_key, needs_openssh

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
# Their edgecnn commands run, one after the other in one folder; those of the other pages are parsed only.
LESSONS = ("README.md", "docs/tutorials/first-classifier-on-a-pi.md", "docs/tutorials/sign-off-an-int8-model.md")
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
# `sh` runs as written; `console` needs a Pi, a cluster or an accelerator.
SHELL = ("sh", "console")


def edgecnn_arguments(words: list[str]) -> list[str] | None:
    """What edgecnn is called with, whatever starts it; None for other programs."""
    return words[words.index("edgecnn") + 1 :] if "edgecnn" in words[:7] and words[0] != "cd" else None


def check_edgecnn(arguments: list[str], complete: bool = True) -> None:
    """Make sure that command and options exist, with values that they take; with all arguments if `complete`."""
    if arguments[0].startswith("--"):
        return
    assert arguments[0] in COMMANDS, arguments
    command = main.get_command(click.Context(main), arguments[0])
    if isinstance(command, click.Group) and (arguments[1:] or complete):
        arguments = arguments[1:]
        command = command.get_command(click.Context(command), arguments[0])
    assert command, arguments
    context = click.Context(command, info_name=arguments[0])
    try:
        given, _, _ = command.make_parser(context).parse_args(arguments[1:])
    except click.BadOptionUsage:
        if complete:
            raise
        return  # running text may name an option without its value
    for parameter in command.params:
        value = given.get(parameter.name or "")
        if isinstance(parameter.type, click.Choice | click.IntRange | click.FloatRange) and isinstance(
            value, str | list
        ):
            parameter.type_cast_value(context, value)
        if complete and isinstance(parameter, click.Argument) and parameter.required:
            assert isinstance(value, str | tuple) and value, f"{' '.join(arguments)}: no {parameter.name}"


def check_other(words: list[str]) -> None:
    """Make sure that a program other than edgecnn finds what it names."""
    program, *arguments = words
    if program == "make":
        assert arguments and all(f"\n{target}:" in (ROOT / "Makefile").read_text() for target in arguments)
    elif program in ("pip", "python") and arguments[0] in ("install", "-m"):
        extras = {extra for word in arguments for found in re.findall(r"\[(.*)\]", word) for extra in found.split(",")}
        assert extras <= set(EXTRAS)
    elif program == "python":
        assert (ROOT / arguments[0]).is_file()
    else:
        assert words[:3] == ["python3", "-m", "venv"], f"{words}: mark what is not checked here as console"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist_with_their_options(page: Path) -> None:
    for words in lines(page, *SHELL):
        arguments = edgecnn_arguments(words)
        if arguments is not None:
            check_edgecnn(arguments)
    for words in lines(page, "sh"):
        if edgecnn_arguments(words) is None:
            check_other(words)
    for code in re.findall(r"`edgecnn ([^`]+)`", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.M)):
        if re.match(r"[a-z-]+( |$)", code):
            check_edgecnn(shlex.split(code), complete=False)


@pytest.mark.parametrize(
    "line",
    ["classify fashion-mnist a.png --topp 3", "clasify fashion-mnist a.png", "convert run --io int4", "features m"],
)
def test_the_check_does_check(line: str) -> None:
    with pytest.raises((click.UsageError, AssertionError)):
        check_edgecnn(line.split())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_command_of_a_page_finds_the_files_of_an_earlier_one_in_its_way(page: Path) -> None:
    """Files that exist are refused, and a reader who follows the page would stand before that."""
    written: set[str] = set()
    for words in lines(page, *SHELL):
        arguments = edgecnn_arguments(words)
        if not arguments or {"--force", "--resume"} & {*arguments}:
            continue
        assert arguments[0] != "report", "every training has written one"
        if arguments[0] == "merge":
            outputs = {arguments[1]}
        else:
            outputs = {after for option, after in itertools.pairwise(arguments) if option == "--output"}
        assert not outputs & written, words
        written |= outputs


def test_every_command_is_in_the_reference() -> None:
    table = (ROOT / "docs/reference/index.md").read_text()
    assert [command for command in COMMANDS if f"| [`edgecnn {command}" not in table] == []


@pytest.fixture(scope="module")
def folder(fashion: Dataset, edgecnn: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which all edgecnn commands of the lessons have run, in their order; with photographs of its own."""
    pytest.importorskip("tensorflow")
    folder = tmp_path_factory.mktemp("lessons")
    for row, label in enumerate(fashion.test.labels[:400]):
        if label in (1, 9):  # trousers and ankle boots for cats and dogs
            place = folder / "photographs" / {1: "cat", 9: "dog"}[int(label)]
            place.mkdir(parents=True, exist_ok=True)
            photo = Image.fromarray(fashion.test.images[row][:, :, 0]).resize((80, 60)).convert("RGB")
            photo.save(place / f"{row}.jpg")
            photo.save(folder / "photo.jpg")
    commands = 0
    for lesson in LESSONS:
        for words in lines(ROOT / lesson, *SHELL):
            if words[0] == "scp":  # to the home of the Pi, which is this folder
                (folder / Path(words[1]).name).write_bytes((folder / words[1]).read_bytes())
            elif words[0] == "edgecnn" and "shoe.jpg" not in words:
                commands += 1
                with contextlib.chdir(folder):
                    done = edgecnn(*(word.replace("~/", "") for word in words[1:]))
                assert done.exit_code == 0, f"{words}\n{done.output}"
    assert commands == 16
    if HAS_OPENSSH:
        key = make_key(folder)
        sign_model(folder / "model.int8.tflite", key)
        allow(key).rename(folder / "allowed_signers")
    return folder


def test_the_fast_recipe_reaches_91_3_percent(folder: Path) -> None:
    assert json.loads((folder / "runs/shoes/metrics.json").read_text())["accuracy"] >= 0.913


def test_int8_of_a_fresh_training_is_as_good_as_keras(folder: Path, fashion: Dataset) -> None:
    keras = KerasModel(folder / "runs/shoes/model.keras").predict_all(fashion.test.images).argmax(axis=1)
    int8 = Classifier(folder / "runs/shoes/model.int8.tflite").predict_all(fashion.test.images).argmax(axis=1)
    assert abs((keras == fashion.test.labels).mean() - (int8 == fashion.test.labels).mean()) <= 0.003
    assert (keras == int8).mean() >= 0.993


def test_pictures_are_drawn(folder: Path) -> None:
    assert {"filter-2.png", "filter-30.png"} < {path.name for path in (folder / "features").iterdir()}
    assert (folder / "shoe/filter-19.png").is_file()


PROGRAMS = [
    pytest.param(page, number, marks=[needs_openssh] if page.stem == "sign-models" else [], id=f"{page.stem}-{number}")
    for page in PAGES
    for number in range(len(blocks(page, "python")))
]


@pytest.mark.parametrize(("page", "number"), PROGRAMS)
def test_python_programs_run(
    page: Path,
    number: int,
    folder: Path,
    fashion: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Those that read a file named on their command line get the bundled model; those that train, a few images.

    What stands in a comment behind `print` is printed; an ellipsis at its end stands for the rest.
    """
    text = blocks(page, "python")[number]
    program = compile(text, f"{page.name}, program {number}", "exec")
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", ["-c", str(bundled_models()["fashion-mnist"])])
    few = dataclasses.replace(fashion, train=fashion.train.take(600), test=fashion.test.take(200))
    monkeypatch.setattr("edgecnn.train.load_fashion_mnist", lambda: few)
    exec(program, {"__name__": "__main__"})  # noqa: S102 - our own pages
    printed = capsys.readouterr().out
    for line in re.findall(r"^ *print\(.*\)  # (.*)$", text, re.MULTILINE):
        assert line.removesuffix("…") in printed
