"""Options of a Keras model that was trained elsewhere, and the run directory that is made of it."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from . import printing

if TYPE_CHECKING:
    from edgecnn.convert import Preprocessing
    from edgecnn.pixels.input_spec import Background, Fit

R = TypeVar("R")
_NEED_LABELS = ("input_range", "scale", "offset", "fit", "background")


@dataclass(frozen=True)
class ImportOptions:
    """What the options say of a model that was trained elsewhere.

    Attributes:
        labels: the file with its class names; None for a run of edgecnn's own.
        input_range: what pixels 0 and 255 become, or None.
        scale: its input is pixel * scale + offset; one number, or one a channel, or None.
        offset: likewise.
        fit: how images of another aspect ratio were made to fit.
        background: what lies behind the object.
    """

    labels: str | None
    input_range: tuple[float, float] | None
    scale: tuple[float, ...] | None
    offset: tuple[float, ...] | None
    fit: "Fit"
    background: "Background"

    def check_usage(self, ctx: click.Context, representative: str | None) -> None:
        """Refuse options that contradict each other.

        Raises:
            click.UsageError: they do.
        """
        default = click.core.ParameterSource.DEFAULT
        named = [name for name in _NEED_LABELS if ctx.get_parameter_source(name) is not default]
        if self.labels is None:
            if named:
                raise click.UsageError(f"--{named[0].replace('_', '-')} is for models trained elsewhere, with --labels")
            return
        if representative is None:
            raise click.UsageError("--labels needs --representative, a folder of images like those the model will see")
        if self.input_range and (self.scale or self.offset):
            raise click.UsageError("--input-range says the same as --scale and --offset; give one of them")
        if self.offset and not self.scale:
            raise click.UsageError("--offset goes with --scale")
        if self.input_range and self.input_range[0] == self.input_range[1]:
            raise click.UsageError("--input-range needs two different numbers")

    def preprocessing(self) -> "Preprocessing":
        """How its images were prepared in training."""
        from edgecnn.convert import Preprocessing

        scale, offset = self.scale, self.offset
        if self.input_range:
            low, high = self.input_range
            scale, offset = ((high - low) / 255,), (low,)
        return Preprocessing(scale, offset, self.fit, background=self.background)


def _numbers(_: click.Context, __: click.Parameter, value: str | None) -> tuple[float, ...] | None:
    """One number, or one a channel with commas between them."""
    if value is None:
        return None
    try:
        return tuple(float(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r} is no number, nor numbers with commas between them") from None


# In reverse: click lists last what is added first.
_OPTIONS = (
    click.option("--background", type=click.Choice(["dark", "light", "any"]), default="any", show_default=True,
                 help="What lies behind the object in its training images."),
    click.option("--fit", type=click.Choice(["stretch", "pad", "crop"]), default="stretch", show_default=True,
                 help="How images of another aspect ratio were made to fit in its training."),
    click.option("--offset", callback=_numbers, metavar="B[,B,B]", help="Added after --scale.  [default: 0]"),
    click.option("--scale", callback=_numbers, metavar="A[,A,A]", help="Its input is pixel * A + B."),
    click.option("--input-range", type=(float, float), metavar="LOW HIGH",
                 help="What pixels 0 and 255 become.  [default: 0 255 if a Rescaling layer comes first]"),
    click.option("--labels", type=click.Path(dir_okay=False), metavar="FILE",
                 help="Class names of a model trained elsewhere: lines in output order, numbered ones, JSON or CSV."),
)  # fmt: skip


def bundled(command: Callable[..., R]) -> Callable[..., R]:
    """Add the options to a command, which gets what they say as one value, its argument `foreign`."""

    @functools.wraps(command)
    def with_bundle(
        *arguments: object,
        labels: str | None,
        input_range: tuple[float, float] | None,
        scale: tuple[float, ...] | None,
        offset: tuple[float, ...] | None,
        fit: "Fit",
        background: "Background",
        **others: object,
    ) -> R:
        foreign = ImportOptions(labels, input_range, scale, offset, fit, background)
        return command(*arguments, foreign=foreign, **others)

    decorated: Callable[..., R] = with_bundle
    for option in _OPTIONS:
        decorated = option(decorated)
    return decorated


def folder(model: str) -> Path:
    """The run directory that is made of a model by default: its path without the suffix."""
    path = Path(model)
    return path.with_suffix("") if path.suffix else path.with_name(f"{path.name}.run")


def import_model(model: str, options: ImportOptions, run: Path, representative: str | None, force: bool) -> None:
    """Make the run directory `run` of `model`, whose labels `options` name; see `edgecnn.convert.adopt`."""
    from edgecnn.convert import adopt, read_labels

    labels = read_labels(options.labels or "")
    adopt(model, labels, run, options.preprocessing(), force=force)
    printing.note(
        f"{run} is a run directory now: edgecnn convert {run} --representative {representative} goes on there"
    )
