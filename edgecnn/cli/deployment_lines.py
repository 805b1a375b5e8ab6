"""What a deployment did, in lines for people."""

from typing import TYPE_CHECKING, Any

from . import printing

if TYPE_CHECKING:
    from edgecnn.deploy.deployment import Deployment

_UNSETTLED = "its deployment goes on, or was cut off after the switch: what ran before may run still; deploy it again"


def print_deployment(done: "Deployment") -> None:
    """Print it for people."""
    if done.did == "status" and done.release is None:
        printing.say(f"{done.host}: nothing is deployed there")
        return
    if not done.facts:
        printing.say(f"{done.host}: release {done.release} is DAMAGED there, its release.json: deploy again")
        return
    facts, is_sent = done.facts, done.did != "dry run"  # of a dry run they are those of what would be sent
    model = facts.get("model", {})
    words = {"deployed": "runs now", "unchanged": "ran there already; nothing was sent", "rolled back": "runs again",
             "dry run": "would be sent", "status": "runs"}[done.did]  # fmt: skip
    printing.say(f"{done.host}: {model.get('name')} {words}")
    rows = [
        ("model", f"SHA-256 {model.get('sha256')}, {model.get('bytes', 0):,} bytes{_damage(done) if is_sent else ''}"),
        ("release" if is_sent else "runs now", done.release or ("" if is_sent else "nothing")),
        ("before it", _before(done) if is_sent else ""),
        ("verified there", _verdict(done.verification, done.did)),
        ("samples", "" if done.unlike is None else f"{done.unlike} unlike those of the calibration"),
        ("service", _service(done, facts)),
        ("CUT OFF", _UNSETTLED if is_sent and done.settled is False else ""),
        ("sent" if done.did == "deployed" else "to be sent", f"{done.sent_bytes:,} bytes" if done.sent_bytes else ""),
    ]
    for name, value in rows:
        if value:
            printing.say(f"  {name:15} {value}")


def _before(done: "Deployment") -> str:
    if done.previous is None:
        return "nothing"
    return (
        f"{done.previous}, {done.previous_model['name'] if done.previous_model else 'DAMAGED there, its release.json'}"
    )


def _damage(done: "Deployment") -> str:
    return "" if done.intact is not False else ", DAMAGED there"


def _verdict(verification: dict[str, Any] | None, did: str) -> str:
    from edgecnn.deploy.proof import difference_words

    if verification is None:
        return "NOT verified" if did == "status" else ""
    signer = verification["signature"]
    by = f", signed by {signer['signer'] or signer['fingerprint']}" if signer else ""
    return (
        f"{'PASS' if verification['passed'] else 'FAIL'}, {verification['top1_equal']} of {verification['probes']} "
        f"probes, max difference {difference_words(verification)}, {verification['runtime']}{by}"
    )


def _service(done: "Deployment", facts: dict[str, Any]) -> str:
    if not facts.get("service"):
        return "none"
    name = f"edgecnn-{facts['service']['name']}"
    if done.service is None:
        return f"{name}, NOT running" if done.did == "status" else name
    says = f": {done.service['message']}" if done.service["message"] else ""
    return f"{name}, {'running' if done.service['active'] else 'NOT running'}{says}"
