"""How a service is doing, as systemd knows it."""

import time
from dataclasses import dataclass

from .systemd import Systemd
from .unit import unit_name

_PROPERTIES = (
    "LoadState", "UnitFileState", "ActiveState", "SubState", "Result", "NRestarts", "StatusText",
    "WatchdogTimestampMonotonic",
)  # fmt: skip


@dataclass(frozen=True)
class ServiceStatus:
    """How a service is doing.

    Attributes:
        unit: its name for systemd.
        is_system: whether it is one of the whole system; else one of this user.
        installed: whether there is such a unit.
        enabled: whether it starts by itself.
        at_boot: whether that is with the machine; else it is when the user logs in.
        active: whether it runs, and has classified a frame since it was started.
        state: what systemd calls that, such as `running`, `start`, `auto-restart` or `dead`.
        result: how it ended last, such as `success`, `exit-code` or `watchdog`.
        restarts: how often it was started anew since somebody started it.
        last_frame_s: seconds since it classified a frame; None: not since it was started.
        message: what it says itself.
    """

    unit: str
    is_system: bool
    installed: bool
    enabled: bool
    at_boot: bool
    active: bool
    state: str
    result: str
    restarts: int
    last_frame_s: float | None
    message: str


def service_status(name: str, systemd: Systemd) -> ServiceStatus:
    """How the service `name` is doing.

    Raises:
        InputError: no service can be called so.
        ServiceError: systemd cannot be asked.
    """
    unit = unit_name(name)
    systemd.require()
    known = systemd.show(unit, *_PROPERTIES)
    is_enabled = known.get("UnitFileState") == "enabled"
    is_active = known.get("ActiveState") == "active"
    fed = int(known.get("WatchdogTimestampMonotonic") or 0)
    return ServiceStatus(
        unit=unit,
        is_system=systemd.is_system,
        installed=known.get("LoadState") not in (None, "not-found"),
        enabled=is_enabled,
        at_boot=is_enabled and (systemd.is_system or systemd.lingers()),
        active=is_active,
        state=known.get("SubState", "unknown"),
        result=known.get("Result", "unknown"),
        restarts=int(known.get("NRestarts") or 0),
        last_frame_s=max(0.0, round(time.monotonic() - fed / 1e6, 3)) if is_active and fed else None,
        message=known.get("StatusText", ""),
    )
