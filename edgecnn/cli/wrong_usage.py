"""What an option's value does wrong, said as click says wrong usage: exit code 2, with the command's usage line."""

import contextlib
from collections.abc import Iterator

import click


@contextlib.contextmanager
def bad_value(option: str | None = None) -> Iterator[None]:
    """Have an InputError be said of `option`; None where click calls an option's own callback and knows which.

    Raises:
        click.BadParameter: there was an InputError.
    """
    from edgecnn.errors import InputError

    try:
        yield
    except InputError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


@contextlib.contextmanager
def bad_options() -> Iterator[None]:
    """Have an InputError be said of the options together.

    Raises:
        click.UsageError: there was an InputError.
    """
    from edgecnn.errors import InputError

    try:
        yield
    except InputError as error:
        raise click.UsageError(str(error)) from None
