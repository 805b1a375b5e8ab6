"""Options of a conversion, made from the tables of schemes and targets."""

import functools
from collections.abc import Callable, Iterable
from typing import TypeVar

import click

from edgecnn.model_file.schemes import DEFAULT_SCHEME, SCHEMES, IoType, climb

from .lazy_choice import LazyChoice

R = TypeVar("R")
DEFAULT_IO: IoType = "int8"


def _targets() -> Iterable[str]:
    from edgecnn.convert.targets.table import TARGETS

    return TARGETS


def schemes(command: Callable[..., R]) -> Callable[..., R]:
    """A flag a scheme, and a choice of input and output; the command gets the schemes' names as `schemes`."""

    @functools.wraps(command)
    def with_names(*arguments: object, **options: object) -> R:
        flags = {name: options.pop(name) for name in SCHEMES}
        return command(*arguments, schemes=[name for name, is_set in flags.items() if is_set], **options)

    decorated: Callable[..., R] = with_names
    chosen_io = dict.fromkeys(io for row in SCHEMES.values() for io in row.io_types)
    takers = " and ".join(f"--{name}'s" for name, row in SCHEMES.items() if row.io_types)
    decorated = click.option(
        "--io",
        type=click.Choice(list(chosen_io)),
        default=DEFAULT_IO,
        show_default=True,
        help=f"Type of {takers} input and output.",
    )(decorated)
    # Click shows the last decorator first: the default, then what approximates most.
    for name, row in sorted(SCHEMES.items(), key=lambda item: item[0] == DEFAULT_SCHEME):
        decorated = click.option(f"--{name}", is_flag=True, help=row.summary)(decorated)
    return decorated


scheme = click.option(
    "--scheme",
    type=click.Choice(list(SCHEMES)),
    default=DEFAULT_SCHEME,
    show_default=True,
    help="Which converted file of RUN.",
)
target = click.option(
    "--target",
    type=LazyChoice(_targets),
    default="litert",
    show_default=True,
    help="What will run the files: what it needs is switched, what it cannot take is refused.",
)
qat = click.option(
    "--qat",
    type=click.IntRange(0),
    is_flag=False,
    flag_value="1",
    metavar="[EPOCHS]",
    help="Choose 8-bit weights and ranges by their error on training images, then train them for so many epochs (1 if "
    "none are named, 0 for no training).",
)
auto = click.option("--auto", is_flag=True, help=f"Climb {', '.join(climb())} until the gate holds.")
