"""Which stations a group is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from edgecnn.errors import EdgecnnError, InputError
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import read_model, sha256

from .fleet import Device, Fleet

_FORMS = "write model=FILE, model=SHA256 (or its beginning), release=NAME or devices=PATTERN"


@dataclass(frozen=True)
class Group:
    """Stations that have something in common.

    Attributes:
        name: as the user wrote it.
        kind: `model`, `release` or `devices`.
        value: SHA-256 of a file or the beginning of one, the name of a release, or a pattern of names.
    """

    name: str
    kind: str
    value: str

    def has(self, device: Device) -> bool:
        """Whether a station belongs to it."""
        if self.kind == "devices":
            return fnmatchcase(device.name, self.value)
        if device.state is None:
            return False
        if self.kind == "release":
            name = device.state.release or ""
            # edgecnn deploy numbers the releases of each device: 0002-3f9a is 3f9a, the second one there.
            return self.value in (name, name.partition("-")[2])
        hashes = (device.state.model_sha256 or "", device.state.network_sha256)
        return any(one.startswith(self.value) for one in hashes)


def parse_group(text: str) -> Group:
    """A group as a user writes it.

    Raises:
        InputError: it is none.
        ModelFileError: the file is none of a model, or damaged.
    """
    kind, equals, value = text.partition("=")
    if not equals or not value or kind not in ("model", "release", "devices"):
        raise InputError(f"{text!r} is no group; {_FORMS}")
    if kind == "model":
        path = find_model(value)
        if path.is_file():
            return Group(text, kind, sha256(read_model(path).content))
        if not 6 <= len(value) <= 64 or set(value.lower()) - set("0123456789abcdef"):
            raise InputError(
                f"{value!r} is neither a file, a bundled model nor six or more digits of a SHA-256; {_FORMS}"
            )
        value = value.lower()
    return Group(text, kind, value)


def choose_groups(fleet: Fleet, asked: Sequence[Group]) -> list[tuple[str, list[Device]]]:
    """Name and stations of two groups: those that were asked for, or the two models that the fleet runs.

    Raises:
        EdgecnnError: there are not two, one is empty, or a station belongs to both.
    """
    if asked:
        sides = [(one.name, [device for device in fleet.devices if one.has(device)]) for one in asked]
    else:
        models: dict[str, list[Device]] = {}
        for device in fleet.devices:
            if device.model:
                models.setdefault(device.model, []).append(device)
        if len(models) != 2:
            names = ", ".join(f"{name} on {len(devices):,}" for name, devices in list(models.items())[:8])
            raise EdgecnnError(
                f"not two models run in the fleet but {len(models)}{f' ({names})' if names else ''}; {_FORMS}"
            )
        sides = [(f"model {name}", devices) for name, devices in models.items()]
    for name, devices in sides:
        if not devices:
            raise EdgecnnError(
                f"{name}: no device at {fleet.source} is of it; edgecnn fleet status lists what there is"
            )
    both = {one.name for one in sides[0][1]} & {one.name for one in sides[1][1]}
    if both:
        more = f" and {len(both) - 1:,} more" if len(both) > 1 else ""
        raise EdgecnnError(f"in both groups would be {sorted(both)[0]}{more}; give two without a device in common")
    return sides
