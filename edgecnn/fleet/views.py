"""Fleets, findings and comparisons in words and tables."""

from collections import Counter
from collections.abc import Mapping, Sequence

from .comparing import Groups, Share
from .drift import Comparison
from .fleet import Device, Fleet
from .histograms import goes_on
from .messages import Counters
from .page import Page, Table, cell
from .stability import Index
from .status import Finding, age_s, duration, verified_words

_MOST_NAMES, _MOST_MODELS = 5, 8


def notes_of(fleet: Fleet) -> tuple[str, ...]:
    """What is to be known of how a fleet was read."""
    notes = []
    if not fleet.complete:
        notes.append(
            "The broker had not told all when the time was over: stations may be missing, and parts of others."
        )
    if fleet.strangers:
        names = _some([cell(one) for one in fleet.examples], _MOST_NAMES)
        notes.append(f"Names that no station can have, whose topics were passed over: {fleet.strangers:,} ({names}).")
    return tuple(notes)


def passed_over(fleet: Fleet, since: Mapping[str, Counters] | None, by_model: bool = False) -> tuple[str, ...]:
    """Which stations cannot be compared, and of which all that they ever counted is.

    Args:
        fleet: as it was read.
        since: totals of before.
        by_model: whether stations are compared with others of their model.
    """
    told = [device for device in fleet.devices if device.counters is not None]
    nameless = [device for device in told if by_model and not device.network]
    compared = [(device.name, device.counters) for device in told if device.network or not by_model]
    groups = {
        "Without totals, and passed over": [device.name for device in fleet.devices if device.counters is None],
        "Without a state that says what they run, and passed over": [device.name for device in nameless],
        "Not in the file of --since, so that all that they ever counted is in this": [
            name for name, _ in compared if since is not None and name not in since
        ],
        "With another count than in the file of --since, all of which is in this": [
            name for name, now in compared if since and now and name in since and not goes_on(since[name], now)
        ],
    }
    return tuple(f"{words}: {len(names):,} ({_some(names, _MOST_NAMES)})." for words, names in groups.items() if names)


def _some(names: Sequence[str], most: int) -> str:
    """The first of them."""
    return f"{', '.join(names[:most])}{', ...' if len(names) > most else ''}"


def status_page(fleet: Fleet, findings: Sequence[Finding]) -> Page:
    """A table of the stations, and what is wrong with them."""
    names = {device.name for device in fleet.devices}
    wrong = {one.device for one in findings} & names
    missing = len({one.device for one in findings} - names)
    rows = [_status_cells(device, fleet) for device in fleet.devices]
    bad = frozenset(number for number, device in enumerate(fleet.devices) if device.name in wrong)
    header = (
        "device", "now", "seen", "model", "version", "verified", "edgecnn", "frames", "doubtful", "unlike", "°C"
    )  # fmt: skip
    versions = Counter(device.model or "not said" for device in fleet.devices)
    models = [f"{cell(name)} on {count:,}" for name, count in versions.most_common()]
    more = f" and {len(models) - _MOST_MODELS:,} more" if len(models) > _MOST_MODELS else ""
    notes = [f"Models: {', '.join(models[:_MOST_MODELS])}{more}."]
    found = Table(
        "What is wrong",
        ("device", "kind", "what"),
        [(one.device, one.kind, one.words) for one in findings],
        is_prose=True,
    )
    count = len(fleet.devices)
    verdict = f"{count:,} device{'' if count == 1 else 's'} at {fleet.source}; "
    verdict += f"something is wrong with {len(wrong):,} of them." if wrong else "nothing is wrong with any of them."
    if not fleet.devices:
        verdict, notes = nobody(fleet), []
    if missing:
        verdict += f" {missing:,} of the roster {'is' if missing == 1 else 'are'} missing."
    is_bad = bool(findings) or not fleet.devices or not fleet.complete
    tables = (Table("Devices", header, rows, bad), found)
    return Page("Status of the fleet", verdict, is_bad, (*notes, *notes_of(fleet)), tables)


def nobody(fleet: Fleet) -> str:
    """Why there may be nothing to see."""
    if fleet.others:
        return f"None of the {fleet.others:,} devices at {fleet.source} has a name like that of --devices."
    return (
        f"No device has told anything at {fleet.source}: is the prefix in --mqtt theirs, and may this user read it? "
        "Brokers give no error where they let nobody read."
    )


def _status_cells(device: Device, fleet: Fleet) -> tuple[str, ...]:
    state, counters, age = device.state, device.counters, age_s(device, fleet)
    frames = counters.frames if counters else 0
    return (
        device.name,
        device.availability or "?",
        "" if age is None else f"{duration(max(0.0, age))} ago",
        cell(state.model) if state else "",
        cell(device.version),
        verified_words(device).partition(",")[0],
        cell(state.edgecnn) if state else "",
        f"{frames:,}" if counters else "",
        _percent(counters.doubtful, frames) if counters else "",
        _percent(counters.unlike, frames) if counters else "",
        "" if state is None or state.temperature is None else f"{state.temperature:.0f}",
    )


def drift_page(
    fleet: Fleet, rows: Sequence[Comparison], most: float, least: int, since: Mapping[str, Counters] | None
) -> Page:
    """Which stations answer otherwise than the others, by what they counted since earlier totals or ever."""
    odd = [one for one in rows if one.verdict == "otherwise"]
    compared = [one for one in rows if one.classes is not None]
    header = ("device", "verdict", "frames", "images", "PSI of classes", "PSI of scores", "moved most", "here", "fleet")
    cells = [_drift_cells(one) for one in rows]
    bad = frozenset(number for number, one in enumerate(rows) if one.verdict == "otherwise")
    verdict = f"{len(odd):,} of {len(compared):,} devices that could be compared answer otherwise than the others."
    if not compared:
        verdict = "No device could be compared: that takes three of one model with images enough."
    if not fleet.devices:
        verdict = nobody(fleet)
    notes = (
        f"PSI is the population stability index, with its interval of 95 %; a device answers otherwise where a whole "
        f"interval is above {most:g} (--max-psi). Images are what the frames are worth where those of one scene count "
        f"once; {least:,} are the fewest that are compared (--min-images).",
        "Cameras that look at other things answer otherwise, rightly: compare those of one kind, with --devices.",
    )
    is_bad = bool(odd) or not fleet.devices or not fleet.complete
    return Page(
        "Drift in the fleet",
        verdict,
        is_bad,
        (*notes, *passed_over(fleet, since, by_model=True), *notes_of(fleet)),
        (Table("Devices", header, cells, bad),),
    )


def _drift_cells(one: Comparison) -> tuple[str, ...]:
    moved = ("", "", "") if one.most is None else (cell(one.most[0]), f"{one.most[1]:.1%}", f"{one.most[2]:.1%}")
    return (
        one.device, one.verdict, f"{one.frames:,}", f"{one.images:,.0f}", _index(one.classes), _index(one.scores),
        *moved,
    )  # fmt: skip


def compare_page(
    fleet: Fleet,
    names: tuple[str, str],
    groups: Groups,
    most: float,
    is_apart: bool,
    left_out: int,
    since: Mapping[str, Counters] | None,
) -> Page:
    """Two groups side by side, of which `left_out` stations have too few images."""
    first, second = names
    sizes = [
        ("devices", *(f"{one:,}" for one in groups.devices)),
        ("frames", *(f"{one:,}" for one in groups.frames)),
        ("images", *(f"{one:,.0f}" for one in groups.images)),
    ]
    figures = [groups.confidence, *([groups.unlike] if groups.unlike else [])]
    tables = (
        Table("Groups", ("", cell(first), cell(second)), sizes),
        _shares("Figures", first, second, figures),
        _shares("Classes", first, second, groups.shares),
    )
    classes = "the models have other classes" if groups.classes is None else f"of classes {_index(groups.classes)}"
    verdict = f"They answer {'otherwise' if is_apart else 'alike, as far as this shows'}: PSI {classes}, of scores "
    verdict += f"{_index(groups.scores)}; {most:g} is the most (--max-psi)."
    notes: tuple[str, ...] = (
        "Each device counts as much as any other. Differences come with their interval of 95 %, of devices and images "
        "drawn anew; of a group of one device it knows that device alone. Marked with *: intervals without 0.",
    )
    if groups.unlike is None:
        notes += (
            "How many frames were unlike the calibration since then is not known: the file of --since is of an older "
            "edgecnn, which did not keep that.",
        )
    if left_out:
        notes += (f"Left out, with fewer images than --min-images: {left_out:,}.",)
    return Page(
        f"{first} and {second}",
        verdict,
        is_apart or not fleet.complete,
        (*notes, *passed_over(fleet, since), *notes_of(fleet)),
        tables,
    )


def _shares(title: str, first: str, second: str, rows: Sequence[Share]) -> Table:
    cells = [
        (cell(one.name), f"{one.first:.2%}", f"{one.second:.2%}", _signed(one.difference), _points(one)) for one in rows
    ]
    bad = frozenset(number for number, one in enumerate(rows) if one.differs)
    return Table(title, ("", cell(first), cell(second), "points", "95 % interval"), cells, bad)


def _points(one: Share) -> str:
    return f"{_signed(one.low)} to {_signed(one.high)}{' *' if one.differs else ''}"


def _signed(difference: float) -> str:
    return f"{round(100 * difference, 2) + 0.0:+.2f}"  # + 0.0: nothing has no minus


def _index(index: Index | None) -> str:
    return "" if index is None else f"{index.psi:.3f} ({index.low:.3f} to {index.high:.3f})"


def _percent(part: int, whole: int) -> str:
    return f"{min(1.0, part / whole):.1%}" if whole else ""
