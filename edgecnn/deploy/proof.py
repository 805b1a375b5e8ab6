"""What the device found when it ran the model, and whether that is enough."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgecnn.errors import DeployError
from edgecnn.rounding import round_apart

from .deployment import Samples
from .machine import Deployed, read_deployed
from .release import Release, release_options
from .session import Reply, Session


@dataclass(frozen=True)
class Proof:
    """What the device found when it ran again what runs there.

    Attributes:
        deployed: the release.
        verification: what `edgecnn verify` printed; None where it could not.
        service: what `edgecnn service status` printed; None where there is no service, or it could not.
        is_verified: whether the model passed.
        is_well: whether it did, and the service runs if there is one.
        reason: what is not as it should be; empty where all is.
    """

    deployed: Deployed
    verification: dict[str, Any] | None
    service: dict[str, Any] | None
    is_verified: bool
    is_well: bool
    reason: str

    def facts(self) -> dict[str, Any]:
        """Those for a `Deployment`."""
        is_silent = self.verification is None or (self.service is None and self.deployed.facts.get("service"))
        notes = (self.reason,) if is_silent and not self.is_well else ()
        return {"verification": self.verification, "service": self.service, "notes": notes}


def prove_current(session: Session, deployed: Deployed, root: str) -> Proof:
    """Have the device verify what runs there, and say how its service is.

    Args:
        session: with the device.
        deployed: what runs there; its facts are known.
        root: the folder of deployments there.
    """
    reply = session.call("status", *release_options(deployed.facts, f"{root}/releases/{deployed.name}"))
    service, has_service = read_json(reply, "service_status"), deployed.facts["service"] is not None
    passed = is_verified(reply)
    is_running = not has_service or bool(service and service["active"])
    why = "" if service else f": {_last_line(reply.get('service_status', ['']))}"
    reason = "" if is_running else f"its service does not run{why}"
    found = read_deployed(reply) or deployed
    verification = read_json(reply, "answer")
    return Proof(found, verification, service, passed, passed and is_running, reason if passed else _why_not(reply))


def is_verified(reply: Reply) -> bool:
    """Whether `edgecnn verify` ran there, and passed."""
    return reply["code"][0] == "0" and read_json(reply, "answer") is not None


def is_broken_off(reply: Reply) -> bool:
    """Whether `edgecnn verify` cannot run there: of itself it printed neither an answer nor why there is none."""
    lines = reply.get("said", [""])[0].splitlines()
    was_killed = int(reply.get("code", ["0"])[0]) >= 128  # for want of memory, or by what the model does to a runtime
    return (
        read_json(reply, "answer") is None and not was_killed and not any(line.startswith("Error: ") for line in lines)
    )


def verified(session: Session, reply: Reply, current: Deployed | None) -> dict[str, Any]:
    """What `edgecnn verify` found on the device, on which `current` runs.

    Raises:
        DeployError: the model did not pass.
    """
    if is_verified(reply):
        result: dict[str, Any] = read_json(reply, "answer")
        return result
    host = session.destination
    raise DeployError(f"{host} does not verify the model ({_why_not(reply)}); {_what_stays(host, current)}")


def count_unlike(session: Session, release: Release, samples: Samples, current: Deployed | None) -> int:
    """How many samples the device, on which `current` runs, finds unlike the calibration.

    Raises:
        DeployError: too many, or one does not read.
    """
    reply, host = session.call("look", *release.verify_options), session.destination
    rows = read_json(reply, "answer")
    if reply["code"][0] != "0" or not isinstance(rows, list):
        raise DeployError(f"{host} cannot classify the samples ({_last_sentence(reply)}); {_what_stays(host, current)}")
    unlike = sum(bool(row.get("drift")) for row in rows)
    if unlike > samples.max_drift * len(rows):
        first = next(row["drift"][0] for row in rows if row.get("drift"))
        raise DeployError(
            f"{unlike} of {len(rows)} samples are unlike what the model was calibrated with ({first}); "
            f"{_what_stays(host, current)}: convert it with images like them, or see --max-drift"
        )
    return unlike


def _what_stays(host: str, current: Deployed | None) -> str:
    return f"what ran on {host} runs on" if current else f"nothing was changed on {host}"


def difference_words(verification: Mapping[str, Any]) -> str:
    """The largest difference that `edgecnn verify --json` tells; it is null where a model computes none."""
    difference = verification["max_difference"]
    return "no number" if difference is None else round_apart(verification["tolerance"], difference, "g")


def _why_not(reply: Reply) -> str:
    """Why the model did not pass there."""
    result = read_json(reply, "answer")
    if result is None:
        return _last_sentence(reply)
    return (
        f"{result['top1_equal']} of {result['probes']} probes have the answer that they had, the largest "
        f"difference is {difference_words(result)} where {result['tolerance']:g} may be"
    )


def _last_sentence(reply: Reply) -> str:
    return _last_line(reply.get("said", [""]))


def _last_line(texts: list[str]) -> str:
    lines = [line for line in texts[0].splitlines() if line.strip()]
    sentence = next(
        (line for line in reversed(lines) if line.startswith("Error: ")), lines[-1] if lines else "no reason"
    )
    return sentence.removeprefix("Error: ").rstrip(".")


def read_json(reply: Reply, name: str) -> Any:
    """What a command of edgecnn printed there for programs; None where it printed nothing."""
    try:
        return json.loads(reply[name][0])
    except (KeyError, ValueError):
        return None


def notes_of(reply: Reply) -> tuple[str, ...]:
    """What the installation of the service said, each in a line."""
    return tuple(line for line in reply.get("said", [""])[0].splitlines() if line.strip())
