"""What is wrong with the stations of a fleet, as far as they told it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from .fleet import Device, Fleet
from .messages import State

# What may be found, and what it is.
FINDING_KINDS = {
    "missing": "it is on the --roster, and the broker keeps nothing of it",
    "silent": "it has not said what it runs or what it counted",
    "offline": "the broker hears no more of it",
    "old": "its newest message is too old",
    "clock": "its clock is ahead",
    "camera": "its camera gives no frames",
    "unverified": "its golden probes did not pass, or it has none, or does not say",
    "other-model": "it runs another file than --expect",
    "held-back": "heat or its power supply slow it down",
    "unread": "a message of it does not read",
}
_MISSED = 3  # messages in a row, and a few seconds
_GRACE_S = 15.0
_AHEAD_S = 60.0
_MOST_WORDS = 200  # of what a station says


@dataclass(frozen=True)
class Expected:
    """The file that should run.

    Attributes:
        name: of the file.
        model_sha256: of all of it.
        network_sha256: of its network.
    """

    name: str
    model_sha256: str
    network_sha256: str


@dataclass(frozen=True)
class Finding:
    """Something is wrong with a station.

    Attributes:
        device: its name.
        kind: one of `FINDING_KINDS`.
        words: what, a sentence without its end.
    """

    device: str
    kind: str
    words: str


def age_s(device: Device, fleet: Fleet) -> float | None:
    """Seconds since a station told its state, by its clock and the one here; None where it has told none."""
    return None if device.state is None else fleet.time - device.state.time


def find_trouble(
    fleet: Fleet,
    *,
    expected: Expected | None = None,
    most_age: float | None = None,
    roster: Collection[str] = (),
) -> list[Finding]:
    """What is wrong, station by station.

    Args:
        fleet: as it was read.
        expected: the file that should run everywhere; None where any may.
        most_age: seconds after which a message is too old; None for three of the station's own intervals.
        roster: names of the stations that should be there.
    """
    there = {device.name for device in fleet.devices}
    missing = [
        Finding(name, "missing", "it is on the roster, and the broker keeps nothing of it")
        for name in roster
        if name not in there
    ]
    return missing + [
        Finding(device.name, kind, words)
        for device in fleet.devices
        for kind, words in _of(device, age_s(device, fleet), expected, most_age)
    ]


def _of(
    device: Device, age: float | None, expected: Expected | None, most_age: float | None
) -> Iterator[tuple[str, str]]:
    for _kind, words in device.unread:
        yield "unread", words
    unread = dict(device.unread)
    missing = [kind for kind in ("state", "counters") if getattr(device, kind) is None and kind not in unread]
    if missing:
        yield "silent", f"it has told no {' and no '.join(missing)}"
    if device.availability == "offline":
        yield "offline", "it is offline"
    state = device.state
    if state is None or age is None:
        return
    limit = most_age
    if limit is None and state.interval is not None:
        limit = _MISSED * state.interval + _GRACE_S
    if limit is not None and age > limit and device.availability != "offline":
        yield "old", f"its newest message is {duration(age)} old, or its clock is behind"
    if age < -_AHEAD_S:
        yield "clock", f"its clock is {duration(-age)} ahead of the one here"
    if state.trouble:
        yield "camera", f"it has no frames: {state.trouble[:_MOST_WORDS]}"
    proof = verified_words(device)
    if proof != "yes":
        yield "unverified", f"its model is not verified: {proof}"
    if expected is not None:
        yield from _other_model(device, state, expected)
    if state.throttled:
        yield "held-back", f"its firmware says {', '.join(state.throttled)[:_MOST_WORDS]}"


def verified_words(device: Device) -> str:
    """What the golden probes said on a station: `yes`, or why that is not known to be so."""
    if device.state is None or device.state.verified is None:
        return "not said"
    proof = device.state.verified
    if proof.passed is None:
        return "no probes"
    return "yes" if proof.passed else f"failed, {proof.top1_equal} of {proof.probes} probes have the right class"


def _other_model(device: Device, state: State, expected: Expected) -> Iterator[tuple[str, str]]:
    if state.model_sha256 == expected.model_sha256:
        return
    if state.network_sha256 != expected.network_sha256:
        yield "other-model", f"it runs {state.model[:_MOST_WORDS]}, {device.model}, not {expected.name}"
    elif state.model_sha256 is not None:
        yield "other-model", f"it runs the network of {expected.name} in another file: card or signature differ"


def duration(seconds: float) -> str:
    """A time for people, such as `12 s` or `3.5 h`."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}" if seconds < 100 * size else f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.0f} s"
