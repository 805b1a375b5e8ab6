"""The stations of a broker, as they told of themselves last."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from edgecnn.device_name import is_device_name

from .message_fields import MessageError
from .messages import Counters, State, read_counters, read_state

# In the order in which they are asked for: the first are small, and name all stations even where the rest is cut.
MESSAGE_KINDS = ("availability", "state", "counters")
_MOST_UNREAD = 20
_READERS: dict[str, Callable[[bytes], Any]] = {"state": read_state, "counters": read_counters}


@dataclass(frozen=True)
class Device:
    """A station.

    Attributes:
        name: what it is called.
        availability: `online` or `offline`; None where nobody has said so.
        state: what it told; None where that has not come, or does not read.
        counters: likewise.
        unread: which of its messages do not read: the kind of each, and a sentence that says why.
    """

    name: str
    availability: str | None = None
    state: State | None = None
    counters: Counters | None = None
    unread: tuple[tuple[str, str], ...] = ()

    @property
    def network(self) -> str:
        """SHA-256 of its model's network; empty where it has not said it."""
        return self.state.network_sha256 if self.state else ""

    @property
    def model(self) -> str:
        """What tells its model's file from others: the beginning of its SHA-256, or of its network's; or nothing."""
        return (self.state.model_sha256 or self.state.network_sha256)[:12] if self.state else ""

    @property
    def version(self) -> str:
        """Its release, whose number is the device's own; or for want of one what tells its model's file from others."""
        return (self.state.release if self.state else None) or self.model


@dataclass(frozen=True)
class Fleet:
    """All stations of a broker.

    Attributes:
        source: where they are, for sentences: the broker's address and prefix.
        time: when this was read, seconds since 1970.
        devices: in the order of their names, numbers within by their size.
        strangers: how many names stood there in topics that no station can have.
        examples: some of those, as they are.
        complete: whether the broker had told all that it keeps before the time was over.
        others: how many stations are there that nobody asked for.
    """

    source: str
    time: float
    devices: tuple[Device, ...]
    strangers: int = 0
    examples: tuple[str, ...] = ()
    complete: bool = True
    others: int = 0

    def only(self, pattern: str) -> "Fleet":
        """Those whose name is like a pattern of the shell, such as `shop-*`."""
        chosen = tuple(one for one in self.devices if fnmatchcase(one.name, pattern))
        return replace(self, devices=chosen, others=self.others + len(self.devices) - len(chosen))


class Gathering:
    """What has come so far."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.devices: dict[str, Device] = {}
        self.strangers: set[str] = set()
        self._unread: dict[str, dict[str, str]] = {}

    def add(self, name: str, kind: str, payload: bytes) -> None:
        """Take a message in; a later one of a topic takes the place of the one before.

        Args:
            name: the part of the topic that names a station.
            kind: its last part, one of `MESSAGE_KINDS`.
            payload: as it came; empty where the topic was cleared.
        """
        if not is_device_name(name):
            self.strangers.add(name)
            return
        before, value = self.devices.get(name, Device(name)), None
        unread = self._unread.get(name, {})
        unread.pop(kind, None)
        if payload:
            try:
                value = _READERS[kind](payload) if kind in _READERS else _availability(payload)
            except MessageError as error:
                unread = self._unread.setdefault(name, unread)
                unread[kind] = f"its message {kind} does not read: {error}"
        changed: dict[str, Any] = {kind: value, "unread": tuple(unread.items())}
        self.devices[name] = replace(before, **changed)

    def lacking(self) -> list[tuple[str, str]]:
        """(station, kind) of what has not come of stations that are known."""
        return [
            (name, kind)
            for name, device in self.devices.items()
            for kind in MESSAGE_KINDS
            if getattr(device, kind) is None and kind not in self._unread.get(name, {})
        ]

    def fleet(self, source: str, time: float, complete: bool) -> Fleet:
        """All of it; a station that has cleared its topics is none any more."""
        devices = [one for one in self.devices.values() if one != Device(one.name)]
        devices.sort(key=lambda one: [(int(part) if part.isdigit() else 0, part) for part in _parts(one.name)])
        examples = tuple(sorted(self.strangers)[:_MOST_UNREAD])
        return Fleet(source, time, tuple(devices), len(self.strangers), examples, complete)


def _parts(name: str) -> list[str]:
    return re.split(r"(\d+)", name)


def _availability(payload: bytes) -> str:
    text = payload[:10].decode(errors="replace")
    if text not in ("online", "offline"):
        raise MessageError("it is neither online nor offline")
    return text
