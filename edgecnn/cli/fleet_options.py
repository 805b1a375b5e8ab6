"""Options that the commands of `edgecnn fleet` share, and what they read by them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from . import broker_options, options, wrong_usage
from .output_path import OutputPath

if TYPE_CHECKING:
    from edgecnn.device.live.outlets.broker import Broker
    from edgecnn.fleet.fleet import Fleet
    from edgecnn.fleet.messages import Counters

F = TypeVar("F", bound=Callable[..., Any])


def read_options(command: F) -> F:
    """Which broker is read, of which stations, and where the page goes; `read` goes by it."""
    said = [
        click.option(
            "--mqtt",
            metavar="URL",
            required=True,
            callback=broker_options.parse,
            help="The broker that the stations tell: mqtt://USER@HOST:PORT/PREFIX, or mqtts:// with TLS; PREFIX is "
            "edgecnn where there is none.",
        ),
        *reversed(broker_options.FILES),
        click.option(
            "--timeout",
            type=click.FloatRange(1, 3600),
            default=60.0,
            show_default=True,
            metavar="SECONDS",
            callback=options.a_number,
            help="What the broker has not told by then is done without, and that is said.",
        ),
        click.option(
            "--devices",
            "pattern",
            default="*",
            show_default=True,
            metavar="PATTERN",
            help="Only devices whose names are like this, as in shop-*.",
        ),
        click.option("--html", "page", type=OutputPath(dir_okay=False, path_type=Path), help="Write a page, too."),
        options.force,
        options.as_json,
    ]
    for option in reversed(said):
        command = option(command)
    return command


roster = click.option(
    "--roster",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Names of the devices that should be there, one a line, or what fleet status --json printed once.",
)
since = click.option(
    "--since",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Count from there on: what edgecnn fleet status --json printed then.",
)
min_images = click.option(
    "--min-images",
    type=click.IntRange(10),
    default=100,
    show_default=True,
    metavar="N",
    help="Compare no device with fewer images; frames of one scene count once.",
)
max_psi = click.option(
    "--max-psi",
    type=click.FloatRange(0, min_open=True),
    default=0.25,
    show_default=True,
    callback=options.a_number,
    help="The largest population stability index (PSI) that still counts as the same answers.",
)


def read(broker: dict[str, Any]) -> "Fleet":
    """The stations that the options name.

    Raises:
        click.UsageError: the options contradict each other.
        EdgecnnError: the broker cannot be used.
    """
    from edgecnn.atomic_files import refuse_existing
    from edgecnn.fleet.reading import read_fleet
    from edgecnn.optional_packages import require_paho

    require_paho()
    if broker["page"] is not None:
        refuse_existing([broker["page"]], broker["force"])
    files = broker_options.BrokerFiles(
        broker["mqtt_ca"], broker["mqtt_cert"], broker["mqtt_key"], broker["mqtt_password_file"]
    )
    target: Broker = broker["mqtt"]
    with wrong_usage.bad_options():
        target = files.complete(target)
    return read_fleet(target, timeout=broker["timeout"]).only(broker["pattern"])


def names(roster: Path | None, pattern: str) -> tuple[str, ...]:
    """Those of --roster that --devices looks at.

    Raises:
        click.BadParameter: the file holds none.
    """
    if roster is None:
        return ()
    from fnmatch import fnmatchcase

    from edgecnn.fleet.as_json import read_roster

    with wrong_usage.bad_value("--roster"):
        return tuple(name for name in read_roster(roster) if fnmatchcase(name, pattern))


def totals(since: Path | None) -> "dict[str, Counters] | None":
    """Those that --since names.

    Raises:
        click.BadParameter: the file holds none.
    """
    if since is None:
        return None
    from edgecnn.fleet.as_json import read_totals

    with wrong_usage.bad_value("--since"):
        return read_totals(since)
