"""The reference of the command line is what the commands are now."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from edgecnn.device.runtime.accelerators import ACCELERATORS

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "reference" / "cli"


def written(folder: Path, **environment: str) -> dict[str, str]:
    """Name and text of every page, written anew."""
    command = [sys.executable, str(ROOT / "scripts" / "write_cli_reference.py"), str(folder)]
    # A file's folder is on its path, the project's is not where it is not installed editable.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    subprocess.run(command, check=True, env=environment, timeout=120)
    return {path.name: path.read_text() for path in folder.iterdir()}


def file_of(name: str) -> str:
    return f"{name.replace(' ', '-')}.md"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return written(tmp_path_factory.mktemp("pages"))


def test_pages_are_what_the_commands_are(pages: dict[str, str]) -> None:
    kept = {path.name: path.read_text() for path in PAGES.iterdir()}
    assert kept == pages, "make docs-reference"


def test_terminal_does_not_matter(pages: dict[str, str], tmp_path: Path) -> None:
    assert written(tmp_path, COLUMNS="40", LC_ALL="C") == pages


def test_pages_of_other_hands_stay(pages: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "own.md").write_text("# Mine\n")
    (tmp_path / "gone.md").write_text(pages["doctor.md"])
    assert written(tmp_path) == {**pages, "own.md": "# Mine\n"}


def test_every_command_has_a_page(commands: dict[str, click.Command], pages: dict[str, str]) -> None:
    assert set(pages) == {"index.md"} | {file_of(name) for name in commands if name != "edgecnn"}


def test_every_option_has_a_heading(commands: dict[str, click.Command], pages: dict[str, str]) -> None:
    for name, command in commands.items():
        text = pages["index.md" if name == "edgecnn" else file_of(name)]
        for option in command.params:
            for spelling in option.opts if isinstance(option, click.Option) else ():
                assert re.search(rf"^### .*`{spelling}`", text, re.MULTILINE), (name, spelling)


@pytest.mark.parametrize(
    ("page", "option", "told"),
    [
        ("train", "`--fit`", "`stretch`, `pad` or `crop`; default: crop for a folder, else pad"),
        ("train", "`--dropout`", "number from 0 below 1"),
        ("train", "`--stop-at-accuracy`", "number above 0 to 1"),
        ("train", "`--seed`", "whole number from 0 to 4,294,967,295; default: `0`"),
        ("train", "`--devices`", "Train on all accelerators of this computer, with JAX."),
        ("classify", "`--require-delegate`", "`any` or `full`; alone: `any`"),
        (
            "classify",
            "`--delegate`",
            f"{', '.join(f'`{name}`' for name in ACCELERATORS)} or `PATH`; default: what the runtime chooses",
        ),
        ("convert", "`--output`, `-o`", "folder; default: RUN"),
        ("convert", "`--max-drop`", "`POINTS`: number from 0 to 100"),
    ],
)
def test_values_ranges_and_defaults_are_told(page: str, option: str, told: str, pages: dict[str, str]) -> None:
    assert f"\n### {option}\n\n{told}\n" in pages[f"{page}.md"]


def test_every_example_is_a_command_line_that_click_takes(
    commands: dict[str, click.Command], pages: dict[str, str]
) -> None:
    for name, command in commands.items():
        if name == "edgecnn":
            continue
        (example,) = re.findall(rf"```sh\nedgecnn {name}(.*)\n```", pages[file_of(name)])
        assert command.make_context(name, example.split()).params
