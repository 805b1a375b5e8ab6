"""Options that say of a .tflite file without a card what the file itself leaves out."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeVar, get_args

import click

from edgecnn.pixels.input_spec import Fit, ResizeFilter

from . import pixel_numbers

if TYPE_CHECKING:
    from edgecnn.device import Description

R = TypeVar("R")


# In reverse: click lists last what is added first.
_OPTIONS = (
    click.option("--color", type=click.Choice(["rgb", "bgr"]),
                 help="For a file without a card: the order of its three channels; bgr if OpenCV read its training "
                      "images.  [default: rgb]"),
    click.option("--resize-filter", type=click.Choice(get_args(ResizeFilter)),
                 help="For a file without a card: how images were resized in its training.  [default: bilinear]"),
    click.option("--fit", type=click.Choice(get_args(Fit)),
                 help="For a file without a card: how images of another aspect ratio fit.  [default: stretch]"),
    click.option("--input-range", type=(float, float), metavar="LOW HIGH", callback=pixel_numbers.low_and_high,
                 help="For a file without a card: what pixels 0 and 255 become.  [default: what its metadata says]"),
    click.option("--labels", type=click.Path(dir_okay=False), metavar="FILE",
                 help="For a file without a card: its class names, one a line.  [default: what its metadata says]"),
)  # fmt: skip


def bundled(command: Callable[..., R]) -> Callable[..., R]:
    """Add the options to a command, which gets what they say as one value, its argument `description`, or None."""

    @functools.wraps(command)
    def with_bundle(
        *arguments: object,
        labels: str | None,
        input_range: tuple[float, float] | None,
        fit: Fit | None,
        resize_filter: ResizeFilter | None,
        color: 'Literal["rgb", "bgr"] | None',
        **others: object,
    ) -> R:
        description = _describe(labels, input_range, fit, resize_filter, color)
        return command(*arguments, description=description, **others)

    decorated: Callable[..., R] = with_bundle
    for option in _OPTIONS:
        decorated = option(decorated)
    return decorated


def _describe(
    labels: str | None,
    input_range: tuple[float, float] | None,
    fit: Fit | None,
    resize_filter: ResizeFilter | None,
    color: 'Literal["rgb", "bgr"] | None',
) -> "Description | None":
    said = (input_range, fit, resize_filter, color)
    if labels is None and not any(said):
        return None
    from edgecnn.device import Description

    if labels is None:
        return Description(None, *said)
    from edgecnn.model_file.label_file import read_labels

    return Description(read_labels(labels), *said)


def refuse_for_keras(description: "Description | None") -> None:
    """Refuse the options for a .keras file, whose card says all that.

    Raises:
        click.UsageError: one was given.
    """
    if description is not None:
        raise click.UsageError(
            "--labels, --input-range, --fit, --resize-filter and --color are for .tflite files without a card; a "
            ".keras file has a card.json beside it"
        )
