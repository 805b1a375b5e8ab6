"""Write the reference of the command line from the commands themselves: one page a command, and one with all of them.

python scripts/write_cli_reference.py [FOLDER]

It reads click's parameters (names, types, choices, ranges, defaults, help), not the help as click prints it: so neither
the width of a terminal nor click's version changes a page. A test writes them again and compares.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from edgecnn.cli import main

FOLDER = Path(__file__).parents[1] / "docs" / "reference" / "cli"
# Most commands have these: they come last.
COMMON = ("--force", "--json", "--verbose", "--help")
_DEFAULT = re.compile(r"\s*\[default: (.*)\]$")
_OPTION = re.compile(r"(?<![\w`-])(--[a-z][a-z0-9-]*)")
# What click adds itself, and words differently in each of its versions.
_CLICKS_OWN = {"--help": "Show the help and exit.", "--version": "Show the version and exit."}
_NOTICE = (
    "<!-- Written by scripts/write_cli_reference.py: `make docs-reference`. Change the command, not this page. -->"
)
_INDEX = """\
# Command line

{notice}

`edgecnn COMMAND ARGUMENTS [OPTIONS]`: the argument is what is acted on, all else is an option.

{commands}

## Options of edgecnn itself

{options}

## What all commands have in common

- **Results** go to standard output: a table for people, or with `--json` one JSON value for programs
  ([its fields](../json.md)). Progress, notes, warnings and errors go to standard error.
- **Files** that exist are not overwritten without `--force`. A file is written beside its target and renamed, so there
  is never half of one.
- **Models** are named by path, or by the name of one that comes along, such as `fashion-mnist`.

| exit code | means |
| --- | --- |
| 0 | done |
| 1 | an expected failure, such as a damaged file or a failed check; one sentence says what, where and what to do |
| 2 | wrong usage: an option or argument that there is not, or two that contradict each other |

| environment variable | means |
| --- | --- |
| `EDGECNN_DATA` | folder with the four Fashion-MNIST IDX files, where `--data-dir` is not given |
| `EDGECNN_MQTT_PASSWORD` | the broker's password, for `edgecnn live --mqtt` and `edgecnn fleet` |
| `XDG_STATE_HOME` | where `edgecnn live` keeps token and counters, in `edgecnn` within it; or else `~/.local/state` |
| `XDG_CACHE_HOME` | where data sets, wheels of `deploy` and what was found right lie, in `edgecnn`; or `~/.cache` |
| `KERAS_BACKEND` | `jax` trains on JAX; TensorFlow without it |
"""


def words(text: str) -> str:
    """Text of a help as Markdown on one line: options as code, signs that Markdown would take for its own escaped."""
    text = re.sub(r"([*<|\\])", r"\\\1", " ".join(text.split()))
    return _OPTION.sub(r"`\1`", text)


def listed(values: Sequence[str]) -> str:
    """`a`, `b` or `c`."""
    shown = [f"`{value}`" for value in values]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def value_of(kind: "click.ParamType[Any]", metavar: str | None) -> str:
    """What an option takes, in words; `metavar` is what its author calls it."""
    if isinstance(kind, click.Choice):
        return listed([str(choice) for choice in kind.choices])
    named = listed(metavar.split("|")) if metavar else ""
    if isinstance(kind, click.IntRange | click.FloatRange):
        number = "whole number" if isinstance(kind, click.IntRange) else "number"
        return f"{named}: {number}{limits(kind)}" if named else f"{number}{limits(kind)}"
    if named:
        return named
    if isinstance(kind, click.Path):
        return "folder" if not kind.file_okay else "file" if not kind.dir_okay else "path"
    return "text"


def limits(kind: click.IntRange | click.FloatRange) -> str:
    """The limits of a number in words."""
    low = "" if kind.min is None else f"{'above' if kind.min_open else 'from'} {kind.min:,}"
    high = "" if kind.max is None else f"{'below' if kind.max_open else 'to'} {kind.max:,}"
    return "".join(f" {part}" for part in (low, high) if part)


def default_of(option: click.Option) -> tuple[str, str]:
    """The help without its default, and the default in words; options without one keep quiet."""
    text = next((_CLICKS_OWN[name] for name in option.opts if name in _CLICKS_OWN), option.help or "")
    written = _DEFAULT.search(text)
    if written:
        return text[: written.start()], words(written[1])
    return text, f"`{option.default}`" if option.show_default else ""


def spelling(option: click.Option) -> str:
    """An option as it is written; the long name first."""
    names = sorted((*option.opts, *option.secondary_opts), key=len, reverse=True)
    return ", ".join(f"`{name}`" for name in names)


def entry(option: click.Option) -> str:
    """An option's part of a page: name, value and default, meaning. A table would be too wide for a telephone."""
    text, default = default_of(option)
    value = (
        ""
        if option.is_flag or option.count
        else value_of(option.type, option.metavar or getattr(option.type, "metavar", None))
    )
    # `--require-delegate` alone means `--require-delegate=any`.
    if not option.is_flag and isinstance(option.flag_value, str):
        value += f"; alone: `{option.flag_value}`"
    told = "; ".join(part for part in (value, f"default: {default}" if default else "") if part)
    return "\n\n".join(part for part in (f"### {spelling(option)}", told, words(text)) if part)


def entries(options: Sequence[click.Option]) -> str:
    """A command's options."""
    return "\n\n".join(map(entry, options))


def options_of(command: click.Command, context: click.Context) -> list[click.Option]:
    """In the order of the help, those that all commands have last."""

    def place(option: click.Option) -> int:
        return max((COMMON.index(name) + 1 for name in option.opts if name in COMMON), default=0)

    found = [parameter for parameter in command.get_params(context) if isinstance(parameter, click.Option)]
    return sorted(found, key=place)


def usage(command: click.Command, name: str) -> str:
    """`edgecnn NAME ARGUMENTS [OPTIONS]`."""
    arguments = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
    return " ".join(["edgecnn", name, *map(argument, arguments), "[OPTIONS]"])


def argument(parameter: click.Argument) -> str:
    """An argument of the usage."""
    text = parameter.metavar or (parameter.name or "").upper()
    text += "..." if parameter.nargs == -1 and not text.endswith("...") else ""
    return text if parameter.required else f"[{text}]"


def paragraphs(command: click.Command) -> tuple[list[str], str]:
    """The paragraphs of a command's help, and its example."""
    parts = [" ".join(part.split()) for part in (command.help or "").split("\n\n")]
    examples = [part.removeprefix("Example: ") for part in parts if part.startswith("Example: ")]
    return [part for part in parts if part and not part.startswith("Example: ")], "\n".join(examples)


def page(command: click.Command, name: str, context: click.Context) -> str:
    """A command's page."""
    text, example = paragraphs(command)
    parts = [f"# edgecnn {name}", _NOTICE, *map(words, text), f"```text\n{usage(command, name)}\n```"]
    parts += ["Example:", f"```sh\n{example}\n```", "## Options", entries(options_of(command, context))]
    return "\n\n".join(parts) + "\n"


def index(commands: Sequence[tuple[str, click.Command]], context: click.Context) -> str:
    """The page with all commands."""
    rows = ["| command | does |", "| --- | --- |"]
    for name, command in commands:
        rows.append(f"| [`edgecnn {name}`]({file_of(name)}) | {words(paragraphs(command)[0][0])} |")
    return _INDEX.format(notice=_NOTICE, commands="\n".join(rows), options=entries(options_of(main, context)))


def leaves(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    """The commands of a group, those of groups within it too, each with what it is called by."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            raise LookupError(f"edgecnn lists the command {name} and does not have it")
        if isinstance(command, click.Group):
            yield from ((f"{name} {within}", leaf) for within, leaf in leaves(command, context))
        else:
            yield name, command


def file_of(name: str) -> str:
    """The page of a command."""
    return f"{name.replace(' ', '-')}.md"


def pages() -> Iterator[tuple[str, str]]:
    """Name and text of every page."""
    context = main.make_context("edgecnn", ["doctor"], resilient_parsing=True)
    commands = list(leaves(main, context))
    yield "index.md", index(commands, context)
    for name, command in commands:
        yield file_of(name), page(command, name, click.Context(command, parent=context, info_name=name))


def write(folder: Path) -> None:
    """Write all pages, and remove those of commands that are no more; where a page cannot be made, all stay."""
    made = dict(pages())
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        if _NOTICE in old.read_text(errors="replace"):
            old.unlink()
    for name, text in made.items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
