"""edgecnn fleet status, drift and compare."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgecnn.fleet.status import FINDING_KINDS

from .. import fleet_options, options, printing, wrong_usage
from ..usage_advice import AdvisingGroup

if TYPE_CHECKING:
    from edgecnn.fleet.page import Page
    from edgecnn.fleet.status import Expected


@click.group(name="fleet", cls=AdvisingGroup)
def command() -> None:
    """Read what many stations of edgecnn live tell an MQTT broker, and say what is wrong. Nothing is sent to them.

    Example: edgecnn fleet status --mqtt mqtt://broker.local
    """


@command.command(name="status")
@fleet_options.read_options
@click.option(
    "--expect",
    metavar="MODEL",
    help="The file, or bundled model, that should run on all of them.",
)
@fleet_options.roster
@click.option(
    "--max-age",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    callback=options.a_number,
    help="A device's newest message may be so old.  [default: three of its own --mqtt-interval]",
)
@click.option(
    "--ignore",
    type=click.Choice(list(FINDING_KINDS)),
    multiple=True,
    help="Report no findings of this kind; may be repeated.",
)
def status(
    expect: str | None, roster: Path | None, max_age: float | None, ignore: tuple[str, ...], **broker: Any
) -> None:
    """List the devices: what they run, whether it is verified, when they were seen last, what they counted.

    Exit code 1 if something is wrong with one of them: missing, offline or silent, another model, golden probes that
    did not pass, no frames, heat, messages that do not read.

    Example: edgecnn fleet status --mqtt mqtt://broker.local --expect model.int8.tflite
    """
    from edgecnn.fleet.as_json import status_row
    from edgecnn.fleet.status import find_trouble
    from edgecnn.fleet.views import status_page

    expected = _expected(expect) if expect else None
    names = fleet_options.names(roster, broker["pattern"])
    fleet = fleet_options.read(broker)
    found = find_trouble(fleet, expected=expected, most_age=max_age, roster=names)
    findings = [one for one in found if one.kind not in ignore]
    _show(status_page(fleet, findings), status_row(fleet, findings), broker)


@command.command(name="drift")
@fleet_options.read_options
@fleet_options.since
@fleet_options.min_images
@fleet_options.max_psi
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

    before = fleet_options.totals(since)
    fleet = fleet_options.read(broker)
    told = [one for one in (histograms(device, before) for device in fleet.devices) if one is not None]
    rows = compare_with_fleet(told, least=min_images, most=max_psi)
    page = drift_page(fleet, rows, max_psi, min_images, before)
    _show(page, {**fleet_row(fleet), "devices": [asdict(one) for one in rows]}, broker)


@command.command(name="compare")
@click.argument("groups", nargs=-1, metavar="[FIRST SECOND]")
@fleet_options.read_options
@fleet_options.since
@fleet_options.min_images
@fleet_options.max_psi
def compare(groups: tuple[str, ...], since: Path | None, min_images: int, max_psi: float, **broker: Any) -> None:
    """Put two groups of devices side by side: model=FILE, model=SHA256, release=NAME or devices=PATTERN.

    Without FIRST and SECOND, the two models that the fleet runs. Exit code 1 if they answer otherwise.

    Example: edgecnn fleet compare model=old.tflite model=new.tflite --mqtt mqtt://broker.local
    """
    from edgecnn.errors import EdgecnnError
    from edgecnn.fleet.as_json import fleet_row
    from edgecnn.fleet.comparing import compare_groups
    from edgecnn.fleet.grouping import choose_groups, parse_group
    from edgecnn.fleet.histograms import histograms
    from edgecnn.fleet.views import compare_page

    if len(groups) not in (0, 2):
        raise click.UsageError("give two groups, or none for the two models that the fleet runs")
    with wrong_usage.bad_options():
        asked = [parse_group(one) for one in groups]
    before = fleet_options.totals(since)
    fleet = fleet_options.read(broker)
    sides, left_out = [], 0
    chosen = choose_groups(fleet, asked)
    for name, devices in chosen:
        told = [one for one in (histograms(device, before) for device in devices) if one is not None]
        sides.append([one for one in told if one.images >= min_images])
        left_out += len(told) - len(sides[-1])
        if not sides[-1]:
            raise EdgecnnError(
                f"{name}: none of its {len(devices):,} devices has {min_images:,} images (--min-images); wait for more"
            )
    found = compare_groups(*sides)
    is_apart = found.scores.low > max_psi or (found.classes is not None and found.classes.low > max_psi)
    names = (chosen[0][0], chosen[1][0])
    page = compare_page(fleet, names, found, max_psi, is_apart, left_out, before)
    _show(page, {**fleet_row(fleet), "first": names[0], "second": names[1], **asdict(found)}, broker)


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


def _expected(model: str) -> "Expected":
    from edgecnn.device.runtime.loading import read_packed
    from edgecnn.fleet.status import Expected
    from edgecnn.model_file.container import sha256

    packed = read_packed(model)
    return Expected(packed.name, sha256(packed.content), packed.flatbuffer_sha256)
