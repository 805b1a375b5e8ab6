"""What the device found when it ran the model, and whether that is enough."""

import json
from typing import Any

from edgecnn.errors import DeployError

from .deployment import Samples
from .release import Release
from .session import Reply, Session


def verified(session: Session, reply: Reply) -> dict[str, Any]:
    """What `edgecnn verify` found on the device.

    Raises:
        DeployError: the model did not pass.
    """
    result: dict[str, Any] | None = read_json(reply, "answer")
    if reply["code"][0] == "0" and result is not None:
        return result
    if result is None:
        reason = _last_sentence(reply)
    else:
        reason = (
            f"{result['top1_equal']} of {result['probes']} probes have the answer that they had, the largest "
            f"difference is {result['max_difference']:.2g} where {result['tolerance']:g} may be"
        )
    raise DeployError(f"{session.destination} does not verify the model ({reason}); what ran there runs on")


def count_unlike(session: Session, release: Release, samples: Samples) -> int:
    """How many samples the device finds unlike the calibration.

    Raises:
        DeployError: too many, or one does not read.
    """
    reply = session.call("look", *release.verify_options)
    rows = read_json(reply, "answer")
    if reply["code"][0] != "0" or not isinstance(rows, list):
        raise DeployError(
            f"{session.destination} cannot classify the samples ({_last_sentence(reply)}); nothing was changed"
        )
    unlike = sum(bool(row.get("drift")) for row in rows)
    if unlike > samples.max_drift * len(rows):
        first = next(row["drift"][0] for row in rows if row.get("drift"))
        raise DeployError(
            f"{unlike} of {len(rows)} samples are unlike what the model was calibrated with ({first}); what ran on "
            f"{session.destination} runs on: convert it with images like them, or see --max-drift"
        )
    return unlike


def _last_sentence(reply: Reply) -> str:
    lines = [line for line in reply.get("said", [""])[0].splitlines() if line.strip()]
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
