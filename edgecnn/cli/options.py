"""Options that several commands share, and the images that they name."""

import functools
import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edgecnn.native_output import escape_native_output, is_verbose, set_verbose

from . import guard, printing
from .named_data import require_named_data
from .wrong_usage import bad_options

if TYPE_CHECKING:
    from pathlib import Path

    from edgecnn.device.min_score import MinScore
    from edgecnn.pixels.dataset import Dataset
    from edgecnn.pixels.input_spec import InputSpec
    from edgecnn.train.data.image_folder import LabelSource
    from edgecnn.train.data.loading import InputChoice

F = TypeVar("F", bound=Callable[..., Any])


def _verbose(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value and guard.is_own_process():
        escape_native_output()
    if value:  # in a program that calls commands, this one's option is not the next one's
        context.find_root().call_on_close(functools.partial(set_verbose, is_verbose()))
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
decode_threads = click.option(
    "--decode-threads",
    type=click.IntRange(1, 256),
    help="Images that are decoded side by side.  [default: one a processor, fewer where memory is short]",
)
data_dir = click.option(
    "--data-dir",
    type=click.Path(file_okay=False),
    help="Folder with the four Fashion-MNIST IDX files.  [default: $EDGECNN_DATA, or where they are found]",
)
_LABELS_CSV, _LABELS_FROM_NAMES = "edgecnn.labels_csv", "edgecnn.labels_from_names"


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Keep where labels are for `load_dataset`: no command has another use for it."""
    context.meta[f"edgecnn.{parameter.name}"] = value


def data(command: F) -> F:
    """The data set, and where the labels of its images are if its folders are not the classes."""
    for option in (
        click.option(
            "--labels-from-names",
            is_flag=True,
            expose_value=False,
            callback=_remember,
            help="The images of --data lie in one folder; cat.12.jpg shows a cat.",
        ),
        click.option(
            "--labels-csv",
            type=click.Path(dir_okay=False),
            metavar="FILE",
            expose_value=False,
            callback=_remember,
            help="The images of --data lie in one folder; a CSV file names them and their labels.",
        ),
        click.option(
            "--data",
            metavar="NAME|DIR|FILE.npz",
            help="fashion-mnist, a folder of class folders or of IDX files, or a .npz.  [default: fashion-mnist]",
        ),
    ):
        command = option(command)
    return command


representative = click.option(
    "--representative",
    type=click.Path(),
    metavar="DIR",
    help="Images for a model trained elsewhere; in folders called as the labels are, they give its accuracy too.",
)
other = click.option(
    "--other",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Images that are none of the classes: how well are they told from the others, and below which score?",
)
invert = click.option(
    "--invert",
    type=click.Choice(["no", "yes", "auto"]),
    default="no",
    show_default=True,
    help="Swap light and dark: yes, or auto when the border contradicts the training images' background.",
)


def size(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """What an option such as --image-size says, `64` or `48x64`, as (height, width)."""
    if value is None:
        return None
    match = re.fullmatch(r"([1-9]\d{0,5})(?:x([1-9]\d{0,5}))?", value)
    if not match:
        raise click.BadParameter(f"{value:.60} is neither a number of pixels nor HEIGHTxWIDTH, such as 64 or 48x64")
    return int(match[1]), int(match[2] or match[1])


def a_number(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    """A number as it is.

    Raises:
        click.BadParameter: it is nan or infinite.
    """
    if value is not None and not math.isfinite(value):  # a range lets nan through
        raise click.BadParameter(f"{value} is no number")
    return value


_PERCENT = click.FloatRange(0, 100)
min_accuracy = click.option(
    "--min-accuracy", type=_PERCENT, metavar="PERCENT", callback=a_number, help="Fail below this accuracy."
)


def gate(command: F) -> F:
    """What a converted file must hold; see `edgecnn.convert.Gate`."""
    command = min_accuracy(command)
    for name, unit, words in (
        ("--min-agreement", "PERCENT", "Fail below this agreement with Keras."),
        ("--max-drop", "POINTS", "Fail if accuracy drops by more than this, or if Keras itself looks wrong."),
    ):
        command = click.option(name, type=_PERCENT, metavar=unit, callback=a_number, help=words)(command)
    return command


class ScoreText(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic from click 8.2
    """A score from 0 to 1, or auto for the one that the model recommends."""

    name = "score"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> "MinScore":
        """What the text says."""
        if value == "auto":
            return "auto"
        try:
            score = float(str(value))
        except ValueError:
            score = -1.0
        if not 0 <= score <= 1:  # which nan is not
            self.fail(f"{value} is neither a score from 0 to 1 nor auto", param, ctx)
        return score


SCORE_METAVAR = "SCORE|auto"
min_score = click.option(
    "--min-score",
    type=ScoreText(),
    metavar=SCORE_METAVAR,
    help="Answer unknown below this score; auto: below the one that the model recommends.  [default: off]",
)


def load_dataset(
    folder: str | None,
    data: str | None = None,
    spec: "InputSpec | InputChoice | None" = None,
    max_corrupt: int | None = None,
) -> "Dataset":
    """The data set that the options name; see `edgecnn.train.data.loading.load_dataset`.

    Args:
        folder: of Fashion-MNIST's files; None for where they are found.
        data: name, folder or .npz file; None for Fashion-MNIST.
        spec: what the images must become; None for what the data set suggests.
        max_corrupt: unreadable files that may be left out; None for any number, where training has decided already.
    """
    from edgecnn.train.data import loading

    labelled = label_source()
    if labelled and not data:
        raise click.UsageError("--labels-csv and --labels-from-names go with --data DIR, a folder of images")
    if folder and data not in (None, "fashion-mnist"):
        raise click.UsageError("--data-dir is of the files of fashion-mnist, and --data names other data; give one")
    return loading.load_dataset(
        data, spec, data_dir=folder, labelled=labelled, max_corrupt=max_corrupt, progress=printing.note
    )


def label_source() -> "LabelSource | None":
    """What --labels-csv and --labels-from-names say of where labels are.

    Raises:
        click.UsageError: both are given.
    """
    context = click.get_current_context(silent=True)
    csv, names = (context.meta.get(key) if context else None for key in (_LABELS_CSV, _LABELS_FROM_NAMES))
    if not csv and not names:
        return None
    from pathlib import Path

    from edgecnn.train.data.image_folder import LabelSource

    with bad_options():
        return LabelSource(Path(csv) if csv else None, bool(names))


def load_images(run: "Path", representative: str | None, data: str | None, data_dir: str | None) -> "Dataset":
    """The images that a run is calibrated with and compared on: its data set, or for a foreign model a folder.

    Raises:
        click.UsageError: the options do not go with the run.
    """
    from edgecnn.run_directory import RunDirectory

    card = RunDirectory(run).read_card()
    if card.training is None:
        if data or data_dir or not representative or label_source():
            raise click.UsageError(
                f"{run} was trained elsewhere: give images like those it will see with --representative DIR, not --data"
            )
        from edgecnn.convert import load_representative

        return load_representative(representative, card, progress=printing.note)
    if representative:
        raise click.UsageError(
            f"--representative is for models trained elsewhere; {run} was trained on {card.training.dataset}, name it "
            "with --data"
        )
    require_named_data(data, card, run)
    return load_dataset(data_dir, data, card.input)
