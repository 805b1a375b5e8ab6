"""The numbers by which options say what a pixel becomes."""

import click


def low_and_high(
    _: click.Context, __: click.Parameter, value: tuple[float, float] | None
) -> tuple[float, float] | None:
    """What --input-range says: what pixels 0 and 255 become.

    Raises:
        click.BadParameter: the two are equal, not within what an input may be, or no numbers.
    """
    # nan is neither within nor apart.
    if value is not None and not (value[0] != value[1] and all(abs(end) <= 1e6 for end in value)):
        raise click.BadParameter("give two different numbers within 1e6")
    return value


def a_channel(_: click.Context, parameter: click.Parameter, value: str | None) -> tuple[float, ...] | None:
    """What --scale or --offset says: one number, or one a channel with commas between them.

    Raises:
        click.BadParameter: they are none, or not within what an input may be.
    """
    if value is None:
        return None
    try:
        numbers = tuple(float(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r} is no number, nor numbers with commas between them") from None
    if len(numbers) not in (1, 3):
        raise click.BadParameter(f"{value} is neither one number nor three, one a channel")
    if not all(abs(number) <= 1e6 for number in numbers):  # nor is nan
        raise click.BadParameter(f"{value} is not within 1e6")
    if parameter.name == "scale" and 0 in numbers:
        raise click.BadParameter("with 0, all images would be the same")
    return numbers
