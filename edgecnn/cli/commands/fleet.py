"""edgecnn fleet status, drift and compare."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edgecnn.fleet.status import KINDS

from .. import broker_options, options, printing

if TYPE_CHECKING:
    from edgecnn.device.live.outlets.broker import Broker
    from edgecnn.fleet.fleet import Fleet
    from edgecnn.fleet.page import Page
    from edgecnn.fleet.status import Expected

F = TypeVar("F", bound=Callable[..., Any])


def _broker(command: F) -> F:
    """Which broker is read, of which stations, and where the page goes; `_read` and `_show` use it."""
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
            "--devices", "pattern", default="*", show_default=True, metavar="PATTERN", help="Only these, as in shop-*."
        ),
        click.option("--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="Write a page, too."),
        options.force,
        options.as_json,
    ]
    for option in reversed(said):
        command = option(command)
    return command


_since = click.option(
    "--since",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Count from there on: what edgecnn fleet status --json printed then.",
)
_min_images = click.option(
    "--min-images",
    type=click.IntRange(10),
    default=100,
    show_default=True,
    metavar="N",
    help="Compare no device with fewer images; frames of one scene count once.",
)
_max_psi = click.option(
    "--max-psi",
    type=click.FloatRange(0, min_open=True),
    default=0.25,
    show_default=True,
    callback=options.a_number,
    help="The largest population stability index that is no other answer.",
)


@click.group(name="fleet")
def command() -> None:
    """Read what many stations of edgecnn live tell an MQTT broker, and say what is wrong. Nothing is sent to them.

    Example: edgecnn fleet status --mqtt mqtt://broker.local
    """


@command.command(name="status")
@_broker
@click.option(
    "--expect",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="MODEL",
    help="The file that should run on all of them.",
)
@click.option(
    "--max-age",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    callback=options.a_number,
    help="A device's newest message may be so old.  [default: three of its own --mqtt-interval]",
)
@click.option("--ignore", type=click.Choice(list(KINDS)), multiple=True, help="Not wrong; may be given several times.")
def status(expect: Path | None, max_age: float | None, ignore: tuple[str, ...], **broker: Any) -> None:
    """List the devices: what they run, whether it is verified, when they were seen last, what they counted.

    Exit code 1 if something is wrong with one of them: offline or silent, another model, golden probes that did not
    pass, no frames, heat, messages that do not read.

    Example: edgecnn fleet status --mqtt mqtt://broker.local --expect model.int8.tflite
    """
    from edgecnn.fleet.as_json import status_row
    from edgecnn.fleet.status import find_trouble
    from edgecnn.fleet.views import status_page

    expected = _expected(expect) if expect else None
    fleet = _read(broker)
    findings = [one for one in find_trouble(fleet, expected=expected, most_age=max_age) if one.kind not in ignore]
    _show(status_page(fleet, findings), status_row(fleet, findings), broker)


@command.command(name="drift")
@_broker
@_since
@_min_images
@_max_psi
def drift(since: Path | None, min_images: int, max_psi: float, **broker: Any) -> None:
    """Say which devices answer otherwise than the others that run the same model.

    Histograms of classes and of scores are held against the fleet's median, with intervals. Exit code 1 if a device
    answers otherwise.

    Example: edgecnn fleet drift --mqtt mqtt://broker.local --devices 'shop-*'
    """
    from edgecnn.fleet.as_json import fleet_row
    from edgecnn.fleet.drift import compare_with_fleet
    from edgecnn.fleet.histograms import histograms
    from edgecnn.fleet.views import drift_page

    before = _totals(since)
    fleet = _read(broker)
    told = [one for one in (histograms(device, before) for device in fleet.devices) if one is not None]
    rows = compare_with_fleet(told, least=min_images, most=max_psi)
    page = drift_page(fleet, rows, max_psi, min_images)
    _show(page, {**fleet_row(fleet), "devices": [asdict(one) for one in rows]}, broker)


@command.command(name="compare")
@click.argument("groups", nargs=-1, metavar="[FIRST SECOND]")
@_broker
@_since
@_min_images
@_max_psi
def compare(groups: tuple[str, ...], since: Path | None, min_images: int, max_psi: float, **broker: Any) -> None:
    """Put two groups of devices side by side: model=FILE, model=SHA256, release=NAME or devices=PATTERN.

    Without FIRST and SECOND, the two models that the fleet runs. Exit code 1 if they answer otherwise.

    Example: edgecnn fleet compare model=old.tflite model=new.tflite --mqtt mqtt://broker.local
    """
    from edgecnn.errors import EdgecnnError, InputError
    from edgecnn.fleet.as_json import fleet_row
    from edgecnn.fleet.comparing import compare_groups
    from edgecnn.fleet.grouping import choose_groups, parse_group
    from edgecnn.fleet.histograms import histograms
    from edgecnn.fleet.views import compare_page

    if len(groups) not in (0, 2):
        raise click.UsageError("give two groups, or none for the two models that the fleet runs")
    try:
        asked = [parse_group(one) for one in groups]
    except InputError as error:
        raise click.UsageError(str(error)) from None
    before = _totals(since)
    fleet = _read(broker)
    sides = []
    chosen = choose_groups(fleet, asked)
    for name, devices in chosen:
        told = [one for one in (histograms(device, before) for device in devices) if one is not None]
        sides.append([one for one in told if one.images >= min_images])
        if not sides[-1]:
            raise EdgecnnError(
                f"{name}: none of its {len(devices):,} devices has {min_images:,} images (--min-images); wait for more"
            )
    found = compare_groups(*sides)
    is_apart = found.scores.low > max_psi or (found.classes is not None and found.classes.low > max_psi)
    names = (chosen[0][0], chosen[1][0])
    page = compare_page(fleet, names, found, max_psi, is_apart)
    _show(page, {**fleet_row(fleet), "first": names[0], "second": names[1], **asdict(found)}, broker)


def _read(broker: dict[str, Any]) -> "Fleet":
    """The stations that the options name.

    Raises:
        click.UsageError: the options contradict each other.
        EdgecnnError: the broker cannot be used.
    """
    from edgecnn.atomic_files import refuse_existing
    from edgecnn.errors import InputError
    from edgecnn.fleet.reading import read_fleet
    from edgecnn.optional_packages import require_paho

    require_paho()
    if broker["page"] is not None:
        refuse_existing([broker["page"]], broker["force"])
    files = broker_options.BrokerFiles(
        broker["mqtt_ca"], broker["mqtt_cert"], broker["mqtt_key"], broker["mqtt_password_file"]
    )
    target: Broker = broker["mqtt"]
    try:
        target = files.complete(target)
    except InputError as error:
        raise click.UsageError(str(error)) from None
    return read_fleet(target, timeout=broker["timeout"]).only(broker["pattern"])


def _show(page: "Page", row: dict[str, Any], broker: dict[str, Any]) -> None:
    """Print what was found, write the page where one is asked for, and end with the exit code that it deserves."""
    if broker["page"] is not None:
        from edgecnn.atomic_files import claimed, write_bytes

        with claimed([broker["page"]], broker["force"]):
            write_bytes(broker["page"], page.html().encode())
    if broker["as_json"]:
        printing.print_json({**row, "passed": not page.is_bad})
    else:
        for table in page.tables:
            if table.rows:
                printing.say(f"{table.title}:")
                lines = printing.table(table.header, table.rows).splitlines()
                if table.is_prose:
                    lines = [": ".join((row[0], row[-1])) for row in table.rows]
                for line in lines:
                    printing.say(line)
                printing.say("")
        printing.say(page.verdict)
        for note in page.notes:
            printing.note(f"Note: {note}")
    click.get_current_context().exit(1 if page.is_bad else 0)


def _expected(model: Path) -> "Expected":
    from edgecnn.device.runtime.loading import read_packed
    from edgecnn.fleet.status import Expected
    from edgecnn.model_file.container import sha256

    packed = read_packed(model)
    network = packed.card.provenance.flatbuffer_sha256 if packed.card else ""
    return Expected(packed.name, sha256(model.read_bytes()), network or sha256(packed.flatbuffer))


def _totals(since: Path | None) -> Any:
    if since is None:
        return None
    from edgecnn.errors import InputError
    from edgecnn.fleet.as_json import read_totals

    try:
        return read_totals(since)
    except InputError as error:
        raise click.BadParameter(str(error), param_hint="--since") from None
