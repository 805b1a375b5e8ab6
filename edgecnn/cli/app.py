"""The command line: thin commands, each imported only when it is used."""

import contextlib
import errno
import gc
import importlib
import io
import os
import shlex
import signal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from edgecnn.errors import EdgecnnError, EdgecnnWarning, is_memory_short
from edgecnn.native_output import stderr_lock
from edgecnn.printable import printable

from . import guard, printing
from .usage_advice import AdvisingGroup, advice

# A command is a module of this name in edgecnn/cli/commands, with a `command`; the order is that of the work.
COMMANDS = (
    "train", "report", "compare", "evaluate", "convert", "parity", "pack", "sign", "info", "classify", "merge",
    "live", "service", "features", "explain", "verify", "benchmark", "deploy", "fleet", "doctor", "samples",
)  # fmt: skip
_UNWRITTEN = (errno.ENOSPC, errno.EFBIG, errno.EIO)
_TOO_LARGE = "not enough memory; close other programs, or use smaller images or a smaller network"


def _open_closed_streams() -> None:
    """Have the standard streams that whoever started this has closed lead nowhere: a file would get their numbers."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode = "w" if descriptor else "r"
            setattr(sys, name, open(descriptor, mode, closefd=False))  # noqa: SIM115 - as long as the process lasts


class LazyGroup(AdvisingGroup):
    """Loads a command's module when it is called; turns expected failures into a sentence and exit code 1."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line; what the terminal cannot show is shown escaped."""
        _open_closed_streams()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().main(*args, **extra)
        except OSError as error:  # --help and --version are written before a command is there to say so
            click.echo(f"Error: {_words(error)}", err=True)
            sys.exit(1)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options that stand before the command."""
        with _shown_in_one_line():
            return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the work, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command `cmd_name`, or None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"edgecnn.cli.commands.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; notes go to standard error."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", EdgecnnWarning)
            warnings.showwarning = _show_warning
            try:
                with _shown_in_one_line():
                    return super().invoke(ctx)
            except EdgecnnError as error:
                raise _sentence(str(error)) from error
            except ImportError as error:
                from edgecnn.optional_packages import explain_import_error

                words = explain_import_error(error)
                if not words:
                    raise
                raise _sentence(words) from error
            except OSError as error:
                if error.errno == errno.EPIPE:  # the reader of our output went away: click ends quietly
                    raise
                raise click.ClickException(_words(error)) from error
            except Exception as error:
                if not is_memory_short(error):
                    raise
                raise click.ClickException(_TOO_LARGE) from error


def _words(error: OSError) -> str:
    """Where and why; what cannot be written and has no name is standard output: files of ours are named."""
    unnamed = "standard output" if error.errno in _UNWRITTEN else ""
    place = f"{error.filename or unnamed}: " if error.filename or unnamed else ""
    return printable(f"{place}{error.strerror or error}{_who_may(error)}")


def _who_may(error: OSError) -> str:
    """Advice where a file may not be used: it names what can be looked at, the folder that is closed or the file."""
    if error.errno not in (errno.EACCES, errno.EPERM) or not isinstance(error.filename, str):
        return ""
    place = Path(error.filename)
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    return f"; ls -ld {shlex.quote(str(place))} shows who may"


def _sentence(words: str) -> click.ClickException:
    return click.ClickException(printing.with_own_pip(printable(words)))


@contextlib.contextmanager
def _shown_in_one_line() -> Iterator[None]:
    """What click says of an argument has the argument in it."""
    try:
        yield
    except click.ClickException as error:
        vars(error)["message"] = printable("; ".join(filter(None, (error.message, advice(error)))))
        raise


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    with stderr_lock():
        click.echo(f"Warning: {printable(str(message))}", err=True)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="edgecnn", prog_name="edgecnn")
def main() -> None:
    """Take an image-classifying CNN from a training box to a Raspberry Pi, still the same classifier.

    Example: edgecnn classify fashion-mnist shoe.png
    """


def run() -> None:
    """Run the command line in a process of its own.

    Half of what `classify` took beyond a bare script was Python looking for garbage: while modules are loaded, which
    makes none, and at the end, when the system takes everything anyway.
    """
    gc.set_threshold(100_000)
    # No command multiplies matrices with NumPy: threads for it need not be started.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if hasattr(signal, "SIGCHLD"):  # who starts this one may have it ignored: every exit code of a child would be 0
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    guard.allow()
    try:
        main(prog_name="edgecnn")
    except SystemExit as end:
        guard.report(end.code if isinstance(end.code, int) else int(end.code is not None))
        raise
    finally:
        gc.freeze()
