"""Options of a Keras model that was trained elsewhere, and the run directory that is made of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from . import printing

F = TypeVar("F", bound=Callable[..., Any])
_NEEDED = ("input_range", "scale", "offset", "fit", "background")


def _numbers(_: click.Context, __: click.Parameter, value: str | None) -> tuple[float, ...] | None:
    """One number, or one a channel with commas between them."""
    if value is None:
        return None
    try:
        return tuple(float(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r} is no number, nor numbers with commas between them") from None


def choices(command: F) -> F:
    """The options, each of which goes with --labels."""
    for option in (
        click.option("--background", type=click.Choice(["dark", "light", "any"]), default="any", show_default=True,
                     help="What lies behind the object in its training images."),
        click.option("--fit", type=click.Choice(["stretch", "pad", "crop"]), default="stretch", show_default=True,
                     help="How images of another aspect ratio were made to fit in its training."),
        click.option("--offset", callback=_numbers, metavar="B[,B,B]", help="Added after --scale.  [default: 0]"),
        click.option("--scale", callback=_numbers, metavar="A[,A,A]", help="Its input is pixel * A + B."),
        click.option("--input-range", type=(float, float), metavar="LOW HIGH",
                     help="What pixels 0 and 255 become.  [default: 0 255 if a Rescaling layer comes first]"),
        click.option("--labels", type=click.Path(dir_okay=False), metavar="FILE",
                     help="Class names of a model trained elsewhere, one a line, in output order."),
    ):  # fmt: skip
        command = option(command)
    return command


def check_usage(ctx: click.Context) -> None:
    """Refuse options that contradict each other.

    Raises:
        click.UsageError: they do.
    """
    given = [name for name in _NEEDED if ctx.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT]
    if not ctx.params["labels"]:
        if given:
            raise click.UsageError(f"--{given[0].replace('_', '-')} is for models trained elsewhere, with --labels")
        return
    if ctx.params["representative"] is None:
        raise click.UsageError("--labels needs --representative, a folder of images like those the model will see")
    if ctx.params["input_range"] and (ctx.params["scale"] or ctx.params["offset"]):
        raise click.UsageError("--input-range says the same as --scale and --offset; give one of them")
    if ctx.params["offset"] and not ctx.params["scale"]:
        raise click.UsageError("--offset goes with --scale")
    if ctx.params["input_range"] and ctx.params["input_range"][0] == ctx.params["input_range"][1]:
        raise click.UsageError("--input-range needs two different numbers")


def folder(model: str) -> Path:
    """The run directory that is made of a model by default: its path without the suffix."""
    path = Path(model)
    return path.with_suffix("") if path.suffix else path.with_name(f"{path.name}.run")


def adopt(ctx: click.Context, model: str, run: Path, representative: str | None) -> Path:
    """Make the run directory; see `edgecnn.convert.adopt`."""
    from edgecnn.convert import Preprocessing, adopt, read_labels

    values = ctx.params
    scale, offset = values["scale"], values["offset"]
    if values["input_range"]:
        low, high = values["input_range"]
        scale, offset = ((high - low) / 255,), (low,)
    chosen = Preprocessing(scale, offset, values["fit"], background=values["background"])
    made = adopt(model, read_labels(values["labels"]), run, chosen, force=values["force"])
    printing.note(
        f"{run} is a run directory now: edgecnn convert {run} --representative {representative} goes on there"
    )
    return made
