"""A deployment from beginning to end: ask, send, prove, and only then switch."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgecnn.errors import DeployError
from edgecnn.scratch_folder import scratch_folder

from .deployment import Deployment, Samples, Supplies
from .machine import Deployed, Machine, read_before, read_deployed, read_machine
from .own_wheel import own_distribution
from .proof import count_unlike, is_broken_off, is_verified, notes_of, prove_current, verified
from .release import Release, needed_bytes, pack, release_options, sample_files
from .services import require_root, require_service
from .session import Reply, Session
from .ssh import Ssh
from .wheels import Wheels, find_wheels, require_whole

_SLOWEST = 20_000  # bytes a second; who is slower than that for long has gone
_UNCHANGED, _DRY_RUN = "unchanged", "dry run"


def deploy(
    ssh: Ssh,
    choose: Callable[[Machine], Release],
    samples: Samples,
    supplies: Supplies,
    tell: Callable[[str], None],
    dry_run: bool,
    keep: int,
) -> Deployment:
    """Bring a release to a device; it runs there only if it was proved there.

    Args:
        ssh: the device.
        choose: says what is to run, once it is known what runs there.
        samples: images that the device is to classify before.
        supplies: where what runs the model comes from.
        tell: hears what is being done.
        dry_run: stop where something would be sent.
        keep: how many releases stay there, 2 or more: the current one, and those before it.

    Raises:
        DeployError: the device cannot be reached, cannot run it or does not prove it; what ran there runs on.
    """
    start = time.monotonic()
    with Session(ssh, tell) as session, scratch_folder() as temporary:
        reply = session.call("probe", supplies.python or "")
        machine = read_machine(ssh.destination, reply, supplies.wheels is not None, supplies.python)
        release = choose(machine)
        require_service(session, machine, release)
        _tell_what_goes(machine, release, tell)
        wheels = find_wheels(machine, release.extras, supplies, tell, Path(temporary))
        facts = release.facts(wheels.venv, own_distribution().version)
        if machine.current and _is_there(machine.current, machine, facts):
            proof = prove_current(session, machine.current, machine.root)
            if proof.is_well:
                if samples.paths:
                    tell(f"{ssh.destination} runs this release already, so the samples were not looked at")
                if not dry_run:
                    session.call("tidy", machine.current.name)
                return _outcome(ssh, _UNCHANGED, machine.current, machine.before, start, **proof.facts())
            tell(f"{ssh.destination} does not prove what runs there any more ({proof.reason}): it is sent anew")
            if not proof.is_verified:
                machine = _forget(session, machine, wheels.venv, dry_run)
        files = release.files(facts, machine.root) | sample_files(samples.paths)
        new_wheels = None if wheels.venv in machine.venvs else wheels
        with tempfile.TemporaryFile(dir=temporary) as payload:
            if new_wheels:
                require_whole(new_wheels)
            size, manifest = pack(files, new_wheels, payload)
            _require_space(ssh.destination, machine, size, wheels)
            tell(f"{ssh.destination} ({machine}): {_contents(size, new_wheels, dry_run)}")
            if dry_run:
                return _outcome(ssh, _DRY_RUN, machine.current, machine.before, start, facts=facts, sent_bytes=size)
            session.call("receive", size, 120 + size // _SLOWEST, manifest, payload=payload)
        system = "yes" if machine.packages else ""
        session.call("environment", wheels.venv, machine.python, system, machine.prefix)
        checked = session.call("check", *release_options(facts, f"{machine.root}/incoming"))
        if new_wheels is None and not is_verified(checked) and _is_rotten(session, machine, wheels.venv, checked):
            session.call("forget", wheels.venv)
            is_shared = machine.current is not None and machine.current.facts.get("venv") == wheels.venv
            runs = ", that which runs there neither" if is_shared else ""
            raise DeployError(
                f"{ssh.destination} does not verify models any more{runs}: its environment is damaged, and is made "
                "anew if you deploy again"
            )
        verification = verified(session, checked, machine.current)
        unlike = count_unlike(session, release, samples, machine.current) if samples.paths else None
        done = session.call("commit", facts["id"], keep)
    return _outcome(
        ssh, "deployed", read_deployed(done), read_before(done), start,
        verification=verification, unlike=unlike, sent_bytes=size, notes=notes_of(done),
    )  # fmt: skip


def roll_back(ssh: Ssh, tell: Callable[[str], None]) -> Deployment:
    """Have the release before the current one run again, once it was verified there again.

    It has its environment: which Python a new one could be made with does not matter.

    Raises:
        DeployError: there is none, it does not pass, or the device cannot be reached.
    """
    start = time.monotonic()
    with Session(ssh, tell) as session:
        reply = session.call("probe")
        before = read_before(reply)
        if before and not before.facts:
            raise DeployError(
                f"the release before the current one on {ssh.destination}, {before.name}, has a damaged release.json: "
                "deploy the model that is to run there"
            )
        facts = before.facts if before else {"verify_options": [], "allowed_signers_sha256": None}
        require_root(session, read_deployed(reply), facts.get("service"))
        name = before.name if before else ""
        checked = session.call("rollback", name, *release_options(facts, f"{reply['root'][0]}/releases/{name}"))
        verification = verified(session, checked, read_deployed(reply))
        done = session.call("back")
    return _outcome(
        ssh, "rolled back", read_deployed(done), read_before(done), start,
        verification=verification, notes=notes_of(done),
    )  # fmt: skip


def status(ssh: Ssh, tell: Callable[[str], None]) -> Deployment:
    """What runs on a device, which proves itself again.

    Raises:
        DeployError: it cannot be reached.
    """
    start = time.monotonic()
    with Session(ssh, tell) as session:
        reply = session.call("probe")
        current, before = read_deployed(reply), read_before(reply)
        if current is None or not current.facts:
            return _outcome(ssh, "status", current, before, start)
        proof = prove_current(session, current, reply["root"][0])
    return _outcome(ssh, "status", proof.deployed, before, start, **proof.facts())


def _tell_what_goes(machine: Machine, release: Release, tell: Callable[[str], None]) -> None:
    """Say which options the release that runs there has, and the new one, with the same service or without, has not."""
    facts = machine.current.facts if machine.current else {}
    had = [*facts.get("verify_options", ()), *(["--require-signature"] * bool(facts.get("allowed_signers_sha256")))]
    has = [*release.verify_options, *(["--require-signature"] * (release.allowed_signers is not None))]
    gone = [word for word in dict.fromkeys(had) if word.startswith("--") and word not in has]
    if gone:
        tell(f"Note: what runs there was deployed with {', '.join(gone)}, and this is not; give it again to keep it")


def _is_there(current: Deployed, machine: Machine, facts: dict[str, Any]) -> bool:
    """Whether this very release runs there, whole, in an environment that works."""
    return facts["venv"] in machine.venvs and current.facts == facts and current.is_intact and current.is_settled


def _is_rotten(session: Session, machine: Machine, venv: str, checked: Reply) -> bool:
    """Whether an environment runs no model that it ran, or ends without a sentence where it ran none."""
    if machine.current is None or machine.current.facts.get("venv") != venv:
        return is_broken_off(checked)
    return not prove_current(session, machine.current, machine.root).is_verified


def _forget(session: Session, machine: Machine, venv: str, dry_run: bool) -> Machine:
    """The machine without an environment that does not work."""
    if not dry_run:
        session.call("forget", venv)
    return replace(machine, venvs=machine.venvs - {venv})


def _require_space(host: str, machine: Machine, size: int, wheels: Wheels) -> None:
    needed = needed_bytes(machine, size, wheels)
    if machine.free_bytes < needed:
        raise DeployError(
            f"{host} has {machine.free_bytes / 1e6:,.1f} MB free at {machine.root}, and {needed / 1e6:,.1f} MB are "
            "needed: free some space there"
        )


def _contents(size: int, wheels: Wheels | None, dry_run: bool) -> str:
    what = f"{len(wheels.files)} wheels and the model" if wheels else "the model"
    return f"{'would be sent' if dry_run else 'sending'} {size / 1e6:,.2f} MB, {what}"


def _outcome(
    ssh: Ssh, did: str, current: Deployed | None, before: Deployed | None, start: float, **more: Any
) -> Deployment:
    said: dict[str, Any] = {
        "release": current.name if current else None,
        "facts": current.facts if current else None,
        "previous": before.name if before else None,
        "previous_model": before.facts.get("model") if before else None,
        "intact": current.is_intact if current else None,
        "settled": current.is_settled if current else None,
        "seconds": round(time.monotonic() - start, 2),
    }
    return Deployment(ssh.destination, did, **said | more)
