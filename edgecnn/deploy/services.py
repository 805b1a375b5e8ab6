"""What a device must have before a service of it is started, or exchanged for another one."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from edgecnn.errors import DeployError

from .machine import Deployed, Machine
from .release import Release
from .session import Session

_SYSTEM = (
    "a service of the whole system of {host} needs systemd and a sudo that asks for no password there: allow it, or "
    "deploy a service of your own with --no-system where none of the system runs"
)


def require_service(session: Session, machine: Machine, release: Release) -> None:
    """Make sure that the service of a release can be started, and takes nobody else's place.

    Raises:
        DeployError: it cannot, or would.
    """
    service, host = release.service, session.destination
    require_root(session, machine.current, asdict(service) if service else None)
    if service is None:
        return
    if service.is_system and not machine.has_systemd:
        raise DeployError(_SYSTEM.format(host=host))
    if not service.is_system and not machine.has_session:
        raise DeployError(
            f"systemd has no session for you on {host}, which a service of your own needs: run sudo loginctl "
            "enable-linger there, or leave the service out with --no-service"
        )
    taken = session.call("service_of_another", service.name, "--system" if service.is_system else "")
    if "unit" in taken:
        raise DeployError(
            f"{host} has a service edgecnn-{service.name} that no deployment made, {taken['unit'][0]}: remove it "
            "there, or choose another name with --service"
        )


def require_root(session: Session, current: Deployed | None, service: Mapping[str, Any] | None) -> None:
    """Make sure that a service of the whole system can be started, and that of the current release removed.

    Args:
        session: with the device.
        current: the release that runs there.
        service: of the one that is to run, as its release.json has it.

    Raises:
        DeployError: sudo would ask for a password.
    """
    there = current.facts.get("service") if current else None
    systems = [one for one in (service, there) if one and one["is_system"]]
    if not systems or "root" in session.call("as_root"):
        return
    name, host = systems[0]["name"], session.destination
    if systems[0] is service:
        raise DeployError(_SYSTEM.format(host=host))
    raise DeployError(
        f"the service edgecnn-{name} that runs on {host} is one of the whole system, and cannot be removed without a "
        "sudo that asks for no password there"
    )
