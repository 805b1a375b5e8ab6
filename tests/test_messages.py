"""Every option that messages and documents name is one that click knows, and one of the command it stands with."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.support.source_tree import ROOT, STAGES, module_files

OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")
# A command line in a sentence or a block of code: the command's name, and what follows on the same line up to a mark
# that ends it.
COMMAND_LINE = re.compile(r"\bedgecnn ([a-z]+)\b((?:\\\n|[^\n`;|)])*)")
# Options of other programs. The text that has one must name its program.
FOREIGN = {
    "actionlint": {"--version"},
    "ansible-playbook": {"--limit"},
    "benchmarks/fleet.py": {"--autosave"},
    "benchmarks/live.py": {"--seconds"},
    "benchmarks/photographs.py": {"--count"},
    "benchmarks/training.py": {"--way"},
    "docker": {"--rm", "--volume"},
    "git": {"--depth", "--short", "--tags"},
    "journalctl": {"--user"},
    "mkdocs": {"--strict"},
    "mypy": {"--explicit-package-bases"},
    "mosquitto_pub": {"--cafile", "--cert"},
    "pip": {
        "--dest",
        "--editable",
        "--find-links",
        "--force-reinstall",
        "--index-url",
        "--no-deps",
        "--only-binary",
        "--quiet",
        "--upgrade",
    },
    "pyright": {"--pythonpath"},
    "pytest": {"--durations"},
    "ruff": {"--fix"},
    "sbatch": {"--array"},
    "srun": {"--nodes", "--ntasks-per-node"},
    "uv": {"--resolution"},
    "venv": {"--system-site-packages"},
    "zizmor": {"--offline"},
}


def strings(path: Path) -> Iterator[tuple[str, str]]:
    """Place and text of every string in a source file; of an f-string, all its fixed parts as one."""
    tree = ast.parse(path.read_text())
    within = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            # A place-holder may stand for a part of a word: it must not join what is around it to an option.
            parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
            yield f"{path.relative_to(ROOT)}:{node.lineno}", "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in within:
            yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value


def paragraphs(path: Path) -> Iterator[tuple[str, str]]:
    """Place and text of every paragraph of a document."""
    line = 1
    for text in re.split(r"(\n\s*\n)", path.read_text()):
        if text.strip():
            yield f"{path.relative_to(ROOT)}:{line}", text
        line += text.count("\n")


def documents() -> list[Path]:
    """README, CHANGELOG and the like, and all pages."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def texts() -> list[tuple[str, str]]:
    """Place and text of all that is said to people."""
    found = [one for path in module_files().values() for one in strings(path)]
    # A string that is an option and nothing else declares it, or hands it to another program; it tells nobody anything.
    found = [(place, text) for place, text in found if not OPTION.fullmatch(text)]
    return found + [one for path in documents() for one in paragraphs(path)]


def spelt(command: click.Command) -> set[str]:
    """The options of a command as they are written."""
    with click.Context(command) as context:
        return {name for option in command.get_params(context) for name in (*option.opts, *option.secondary_opts)}


@pytest.fixture(scope="module")
def options(commands: dict[str, click.Command]) -> dict[str, set[str]]:
    """The options of every command, as they are written."""
    found: dict[str, set[str]] = {}
    for name, command in commands.items():  # those of `service install` are among those of `service`
        found.setdefault(name.split()[0], set()).update(spelt(command))
    return found


def unknown(text: str, options: dict[str, set[str]]) -> list[str]:
    """Options in `text` that neither edgecnn has, nor a program that the text names."""
    known = set().union(*options.values())
    for program, foreign in FOREIGN.items():
        if re.search(rf"\b{program}\b", text):
            known |= foreign
    return [option for option in OPTION.findall(text) if option not in known]


def misplaced(text: str, options: dict[str, set[str]]) -> list[str]:
    """Options that stand behind a command which does not have them."""
    found = []
    for name, rest in COMMAND_LINE.findall(text):
        known = options.get(name)
        if known is not None:
            own, _, _ = rest.partition(" -- ")  # behind it stand those of another command
            found += [f"edgecnn {name} {option}" for option in OPTION.findall(own) if option not in known]
    return found


def test_every_option_that_a_text_names_exists(options: dict[str, set[str]]) -> None:
    found = {place: wrong for place, text in texts() if (wrong := unknown(text, options))}
    assert not found


def test_every_option_belongs_to_the_command_it_is_named_with(options: dict[str, set[str]]) -> None:
    found = {place: wrong for place, text in texts() if (wrong := misplaced(text, options))}
    assert not found


def test_no_option_of_another_program_is_one_of_ours(options: dict[str, set[str]]) -> None:
    known = set().union(*options.values()) - options["edgecnn"]
    assert not {program: both for program, names in FOREIGN.items() if (both := names & known)}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("train it on RGB images (--colour rgb)", ["--colour"]),
        ("srun --nodes 2 edgecnn train", []),
        ("edgecnn train --nodes 2", ["--nodes"]),
        ("give --data, or --datadir", ["--datadir"]),
        ("a dash -- or a range 1--2 is none", []),
    ],
)
def test_a_wrong_option_is_found(text: str, wrong: list[str], options: dict[str, set[str]]) -> None:
    assert unknown(text, options) == wrong


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("run `edgecnn verify fashion-mnist --top 3`", ["edgecnn verify --top"]),
        ("edgecnn convert run \\\n  --int8 --recipe fast", ["edgecnn convert --recipe"]),
        ("`edgecnn verify MODEL`; --top is for classify", []),
    ],
)
def test_an_option_of_another_command_is_found(text: str, wrong: list[str], options: dict[str, set[str]]) -> None:
    assert misplaced(text, options) == wrong


def test_messages_are_found_where_they_are() -> None:
    """The test reads something: the message that once advised an option which does not exist, README and the pages."""
    found = [(place, text) for place, text in texts() if OPTION.search(text)]
    assert any("--color rgb" in text for place, text in found if place.startswith("convert/"))
    for folder in ("edgecnn", *STAGES, "README.md", "docs/"):
        assert any(place.startswith(folder) for place, _ in found), folder
