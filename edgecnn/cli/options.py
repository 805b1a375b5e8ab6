"""Options and output that several commands share."""

import codecs
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edgecnn.native_output import set_verbose, speaking

if TYPE_CHECKING:
    from pathlib import Path

    from edgecnn.model_file.card import InputSpec
    from edgecnn.pixels.dataset import Dataset
    from edgecnn.pixels.preprocessing import Prepared
    from edgecnn.train.data.loading import InputChoice

F = TypeVar("F", bound=Callable[..., Any])


def _verbose(_: click.Context, __: click.Parameter, value: bool) -> None:
    if value:
        set_verbose()


verbose = click.option(
    "-v",
    "--verbose",
    is_flag=True,
    expose_value=False,
    callback=_verbose,
    help="Show what TensorFlow and the runtime say.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
force = click.option("--force", is_flag=True, help="Replace output files that exist.")
threads = click.option(
    "--threads", type=click.IntRange(1, 256), default=1, show_default=True, help="Threads that the runtime may use."
)
data_dir = click.option(
    "--data-dir",
    type=click.Path(file_okay=False),
    help="Folder with the four Fashion-MNIST IDX files.  [default: $EDGECNN_DATA, or where they are found]",
)
data = click.option(
    "--data",
    metavar="NAME|DIR|FILE.npz",
    help="fashion-mnist, a folder of class folders or of IDX files, or a .npz.  [default: fashion-mnist]",
)
representative = click.option(
    "--representative",
    type=click.Path(),
    metavar="DIR",
    help="Images for a model trained elsewhere; in folders called as the labels are, they give its accuracy too.",
)
invert = click.option(
    "--invert",
    type=click.Choice(["no", "yes", "auto"]),
    default="no",
    show_default=True,
    help="Swap light and dark: yes, or auto when the border contradicts the training images' background.",
)


def _a_number(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    if value != value:  # a range lets nan through
        raise click.BadParameter("nan is no number")
    return value


def gate(command: F) -> F:
    """What a converted file must hold; see `edgecnn.convert.Gate`."""
    for name, unit, words in (
        ("--min-agreement", "PERCENT", "Fail below this agreement with Keras."),
        ("--max-drop", "POINTS", "Fail if accuracy drops by more than this."),
    ):
        option = click.option(name, type=click.FloatRange(0, 100), metavar=unit, callback=_a_number, help=words)
        command = option(command)
    return command


def note(message: str) -> None:
    """Tell people, on standard error."""
    with speaking():
        click.echo(message, err=True)


def print_json(result: object) -> None:
    """Print a result for programs, on standard output."""
    unicode = codecs.lookup(getattr(sys.stdout, "encoding", None) or "ascii").name == "utf-8"
    click.echo(json.dumps(result, indent=2, ensure_ascii=not unicode))


def load_dataset(
    folder: str | None,
    data: str | None = None,
    spec: "InputSpec | InputChoice | None" = None,
    max_corrupt: int | None = None,
) -> "Dataset":
    """The data set that the options name; see `edgecnn.train.data.loading.load`.

    Args:
        max_corrupt: unreadable files that may be left out; None for any number, where training has decided already.
    """
    from edgecnn.train.data.loading import load

    limit = sys.maxsize if max_corrupt is None else max_corrupt
    return load(data, spec, data_dir=folder, max_corrupt=limit, progress=note)


def load_images(run: "Path", representative: str | None, data: str | None, data_dir: str | None) -> "Dataset":
    """The images that a run is calibrated with and compared on: its data set, or for a foreign model a folder.

    Raises:
        click.UsageError: the options do not go with the run.
    """
    from edgecnn.run_directory import RunDirectory

    card = RunDirectory(run).read_card()
    if card.training is None:
        if data or data_dir or not representative:
            raise click.UsageError(
                f"{run} was trained elsewhere: give images like those it will see with --representative DIR, not --data"
            )
        from edgecnn.convert import load_representative

        return load_representative(representative, card, progress=note)
    if representative:
        raise click.UsageError(
            f"--representative is for models trained elsewhere; {run} was trained on {card.training.dataset}, name it "
            "with --data"
        )
    return load_dataset(data_dir, data, card.input)


def percent(share: float | None) -> str:
    """A share of 1 in percent; empty if it is not known."""
    return "" if share is None else f"{share:.2%}"


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table for people: the first column left-aligned, the others right-aligned."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = []
    for row in [header, *rows]:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def prepared_images(
    names: Sequence[str], prepare: "Callable[[str], Prepared]", report: Callable[[str, Exception], None]
) -> "Iterator[tuple[str, Prepared]]":
    """Find, read and prepare the images that `names` stand for; what cannot be used goes to `report(name, error)`."""
    from edgecnn.errors import InputError
    from edgecnn.pixels.image_files import find_images

    noted = False
    for name in names:
        try:
            found = find_images([name])
        except InputError as error:
            report(name, error)
            continue
        for image in found:
            try:
                prepared = prepare(image)
            except InputError as error:
                report(image, error)
                continue
            if prepared.note and not noted:
                note(f"Note: {image}: {prepared.note}")
                noted = True
            yield image, prepared
