"""Options of the commands that look through a camera, and of what of an image a model is shown."""

import functools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from . import bundle, wrong_usage
from .given import all_given
from .options import a_number

if TYPE_CHECKING:
    from edgecnn.device.live.sources.source import SourceSettings
    from edgecnn.pixels.crop import Crop, CropBox

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")


class SourceText(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic from click 8.2
    """What `--source` takes; the help names the rows of the table, which is read when help is asked for."""

    name = "source"

    @property
    def metavar(self) -> str:
        """The sources there are."""
        from edgecnn.device.live.sources.opening import METAVAR

        return METAVAR

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """The same, as click asks for it; `ctx` comes from click 8.2 on."""
        return self.metavar


class SourceOptions(NamedTuple):  # making a frozen dataclass takes two milliseconds more, at every start
    """How the options of a command say that a source is to be opened.

    Attributes:
        size: (width, height) in pixels.
        fps: frames a second.
        timeout: seconds without a frame.
        loop: whether what ends begins again.
    """

    size: tuple[int, int]
    fps: float
    timeout: float
    loop: bool

    def settings(self, *, paced: bool) -> "SourceSettings":
        """The same for the library; `paced` for what is watched, not for what is worked through."""
        from edgecnn.device.live.sources.source import SourceSettings

        width, height = self.size
        return SourceSettings(width, height, self.fps, self.timeout, paced=paced, loop=self.loop)


def refuse_ignored(source: object, *, elsewhere: bool = False) -> None:
    """Refuse what means nothing to a source, as its row has it.

    Args:
        source: what `--source` says.
        elsewhere: it is a source of another machine.

    Raises:
        click.UsageError: such an option was given.
    """
    given = all_given("size", "fps", "loop")
    if not given or not isinstance(source, str):
        return
    from edgecnn.device.live.sources.opening import SOURCES, kind_of

    kind = kind_of(source, elsewhere=elsewhere)
    for name, option in given.items():
        if kind and name in kind.ignores:
            others = [kind.metavar for kind in SOURCES if name not in kind.ignores]
            raise click.UsageError(
                f"{option} means nothing to a source such as {kind.metavar}, but to {', '.join(others)}; leave it out"
            )


def _size(_: click.Context, __: click.Parameter, value: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", value)
    if not match:
        raise click.BadParameter(f"{value} is not WIDTHxHEIGHT in pixels, such as 640x480")
    return int(match[1]), int(match[2])


# In reverse: click lists last what is added first.
_OPTIONS = (
    click.option("--loop", is_flag=True, help="Begin again where a film or a folder ends; with new images."),
    click.option(
        "--timeout",
        type=click.FloatRange(0.1, 3600),
        default=5.0,
        show_default=True,
        metavar="SECONDS",
        callback=a_number,
        help="A camera or stream that gives no frame for so long is opened anew; a camera of few frames a second "
        "after the time of two.",
    ),
    click.option(
        "--fps",
        type=click.FloatRange(0.01, 1000),
        default=30.0,
        show_default=True,
        callback=a_number,
        help="Frames a second that a camera is asked for, or at which a folder's images follow one another.",
    ),
    click.option(
        "--size",
        default="640x480",
        show_default=True,
        metavar="WIDTHxHEIGHT",
        callback=_size,
        help="Pixels that a camera is asked for.",
    ),
)


def bundled(command: Callable[..., R]) -> Callable[..., R]:
    """Add the options to a command that has `--source`; it gets what they say as one value, `source_options`."""

    @functools.wraps(command)
    def without_ignored(*arguments: object, **given: Any) -> R:
        refuse_ignored(given["source"])
        return command(*arguments, **given)

    return bundle.bundled(SourceOptions, "source_options", _OPTIONS)(without_ignored)


def _crop(_: click.Context, __: click.Parameter, value: str | None) -> "CropBox | None":
    if value is None:
        return None
    from edgecnn.pixels.crop import parse_crop

    with wrong_usage.bad_value():
        return parse_crop(value)


def crop(default: str) -> Callable[[F], F]:
    """What of an image the model is shown: `crop` and `square`, which `chosen_crop` takes.

    Args:
        default: what it is shown where neither is given, for the help.
    """

    def with_options(command: F) -> F:
        for option in (
            click.option(
                "--square/--whole",
                default=None,
                help=f"Show the model the largest square in the middle, or the whole image.  [default: {default}]",
            ),
            click.option(
                "--crop",
                metavar="X,Y,W,H",
                callback=_crop,
                help="Show the model this part: left, top, width, height in pixels of the upright image.",
            ),
        ):
            command = option(command)
        return command

    return with_options


def chosen_crop(crop: "CropBox | None", square: bool | None, *, otherwise: bool) -> "Crop | None":
    """What `crop` and `square` say; `otherwise` is whether it is the square where they say nothing.

    Raises:
        click.UsageError: they contradict each other.
    """
    if crop is not None:
        if square is not None:
            raise click.UsageError(f"--crop and {'--square' if square else '--whole'} contradict each other; give one")
        return crop
    return "square" if (otherwise if square is None else square) else None
