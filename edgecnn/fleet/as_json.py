"""A fleet as JSON, and the totals of one that was kept so."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from edgecnn.device_name import is_device_name
from edgecnn.errors import InputError
from edgecnn.utc import utc

from .fleet import Device, Fleet
from .message_fields import MessageError
from .messages import Counters, counters_from
from .status import Finding, age_s

_MOST_BYTES = 1 << 30


def fleet_row(fleet: Fleet) -> dict[str, Any]:
    """Where a fleet was read, and when."""
    return {
        "source": fleet.source,
        "time": utc(fleet.time),
        "complete": fleet.complete,
        "strangers": fleet.strangers,
    }


def status_row(fleet: Fleet, findings: Sequence[Finding]) -> dict[str, Any]:
    """A fleet with all that its stations told, and what is wrong."""
    devices = [_device_row(device, fleet) for device in fleet.devices]
    return {**fleet_row(fleet), "devices": devices, "findings": [asdict(one) for one in findings]}


def _device_row(device: Device, fleet: Fleet) -> dict[str, Any]:
    state, counters = device.state, device.counters
    age = age_s(device, fleet)
    told: dict[str, Any] | None = None
    if state is not None:
        told = {**asdict(state), "time": utc(state.time)}
        if state.verified is not None:
            told["verified"]["time"] = utc(state.verified.time)
    totals: dict[str, Any] | None = None
    if counters is not None:
        totals = {**asdict(counters), "time": utc(counters.time)}
        totals["classes"] = dict(zip(totals.pop("labels"), counters.classes, strict=True))
    return {
        "device": device.name,
        "availability": device.availability,
        "age": None if age is None else round(age, 3),
        "state": told,
        "counters": totals,
        "unread": [words for _kind, words in device.unread],
    }


def read_totals(path: Path) -> dict[str, Counters]:
    """The totals by station of what `edgecnn fleet status --json` printed.

    Raises:
        InputError: it is something else.
    """
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_MOST_BYTES))
        rows = {row["device"]: row["counters"] for row in found["devices"]}
        return {name: _totals(row) for name, row in rows.items() if row is not None}
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InputError(f"{path} is not what edgecnn fleet status --json prints") from None


def read_roster(path: Path) -> tuple[str, ...]:
    """The names of stations in a file: one a line, or all of what `edgecnn fleet status --json` printed.

    Raises:
        InputError: it is something else.
    """
    try:
        data = path.read_bytes()[:_MOST_BYTES]
        text = data.decode(json.detect_encoding(data))  # what PowerShell writes with > is UTF-16
        if text.lstrip().startswith("{"):
            names = [str(row["device"]) for row in json.loads(text)["devices"]]
        else:
            names = [name for line in text.splitlines() if (name := line.partition("#")[0].strip())]
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InputError(f"{path} has no names of devices: write one a line") from None
    odd = next((name for name in names if not is_device_name(name)), None)
    if odd is not None or not names:
        reason = "is empty" if odd is None else f"names {odd[:80]!r}, which no device can be called"
        raise InputError(f"{path} {reason}: write names of devices, one a line")
    return tuple(dict.fromkeys(names))


def _totals(row: dict[str, Any]) -> Counters:
    is_whole = row.get("drift") is not None  # an older edgecnn kept its largest count alone
    drift = row["drift"] if is_whole else {"any": {"unlike": row["unlike"]}}
    try:
        counters = counters_from({**row, "drift": drift})
        return counters if is_whole else replace(counters, drift=None)
    except MessageError as error:
        raise ValueError(str(error)) from None
