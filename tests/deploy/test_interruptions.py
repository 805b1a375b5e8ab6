"""Whatever breaks off, and whenever: what runs on the device was proved there, and the next deployment mends it."""

import contextlib
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

from edgecnn.device import bundled_models
from tests.deploy.conftest import Deploy
from tests.support.command_line import sentence
from tests.support.devices import Device, needs_sshd
from tests.support.processes import below

pytestmark = needs_sshd
MODEL, OTHER = bundled_models()["fashion-mnist"], bundled_models()["fashion-mnist.activations"]

# An ssh on whose way a byte is changed, or behind which the line is cut.
BAD_LINE = """#!{python} -IS
import os, subprocess, sys
limit, changed = {limit}, {changed}
child = subprocess.Popen(["ssh", *sys.argv[1:]], stdin=subprocess.PIPE)
passed = 0
while data := os.read(0, 65536):
    if limit and passed + len(data) > limit:
        child.stdin.write(data[: limit - passed])
        break
    if passed <= changed < passed + len(data):
        place = changed - passed
        data = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    child.stdin.write(data)
    child.stdin.flush()
    passed += len(data)
child.stdin.close()
sys.exit(child.wait())
"""


def bad_line(folder: Path, limit: int = 0, changed: int = -1) -> Path:
    program = folder / "bad-ssh"
    program.write_text(BAD_LINE.format(python=sys.executable, limit=limit, changed=changed))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def test_what_is_changed_or_cut_off_on_the_way_or_comes_second_changes_nothing(
    device: Device, deploy: Deploy, tmp_path: Path
) -> None:
    deploy(device, MODEL)
    release = device.current
    changed = deploy(device, OTHER, "--ssh", bad_line(tmp_path, changed=150_000))
    assert "model.tflite was damaged on the way" in sentence(changed)
    cut = deploy(device, OTHER, "--ssh", bad_line(tmp_path, limit=150_000))
    assert "could not unpack what was sent" in sentence(cut)
    assert device.current == release and not (device.root / "incoming").exists()

    # The second of two at once is refused.
    with (device.root / "lock").open() as lock:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX)
        for arguments in ((OTHER,), ("--rollback",), (MODEL,)):  # of the last nobody knows what will be current
            assert "another deployment to" in sentence(deploy(device, *arguments))
    assert device.current == release and deploy(device, OTHER).exit_code == 0


def lose(path: Path) -> None:
    """As a power cut leaves a file that was not written yet; other names of it keep what they have."""
    path.unlink()
    path.touch()


def test_what_a_power_cut_or_rot_took_is_told_and_mended(device: Device, deploy: Deploy) -> None:
    """Of a release, and of an environment that only looks well: what the probe imports is there."""
    deploy(device, MODEL)
    lose(device.current / "release.json")
    told = deploy(device, "--status")
    assert told.exit_code == 1 and f"{device.current.name} is DAMAGED there, its release.json" in told.stdout
    asked = deploy(device, MODEL)
    assert asked.exit_code == 2 and "nobody knows whether it is a service: say --service NAME" in asked.stderr
    lost = device.current.name
    assert deploy(device, MODEL, "--no-service").exit_code == 0
    assert f"before it       {lost}, DAMAGED there" in deploy(device, "--status").stdout
    assert "has a damaged release.json: deploy the model" in sentence(deploy(device, "--rollback"))

    (module,) = device.current.glob("venv/lib/*/site-packages/edgecnn/device/verification.py")
    before = device.current
    lose(module)
    told = deploy(device, "--status")
    assert told.exit_code == 1 and "NOT verified" in told.stdout and "verification" in told.stderr
    again = deploy(device, MODEL, "--dry-run")
    assert "does not prove what runs there any more" in again.stderr and "wheels and the model" in again.stderr
    assert (device.current / "venv" / "complete").exists()
    refused = sentence(deploy(device, OTHER))
    assert "its environment is damaged, and is made anew if you deploy again" in refused
    assert not (device.current / "venv" / "complete").exists() and device.current == before
    (device.current / "settled").unlink()
    (device.current / "model.tflite").write_bytes(b"rot")
    planned = deploy(device, OTHER, "--dry-run")
    assert "wheels and the model" in planned.stderr
    assert f"runs now        {before.name}" in planned.stdout and "to be sent" in planned.stdout
    assert not any(word in planned.stdout for word in ("DAMAGED", "CUT OFF", "release", "before it"))


def test_a_first_deployment_that_fails_has_one_reason_however_often_and_costs_no_environment(
    device: Device, deploy: Deploy
) -> None:
    from PIL import Image

    for _ in range(3):
        refused = sentence(deploy(device, MODEL, "--delegate", "edgetpu"))
        assert "does not verify the model (the delegate edgetpu" in refused
        assert refused.endswith(f"nothing was changed on {device.name}")
    white = device.folder / "white.png"
    Image.new("L", (28, 28), 255).save(white)
    assert f"nothing was changed on {device.name}: convert it" in sentence(deploy(device, MODEL, "--sample", white))
    (made,) = (device.root / "venvs").iterdir()
    assert (made / "complete").exists() and not (device.root / "current").exists()

    (module,) = made.glob("lib/*/site-packages/edgecnn/device/verification.py")
    lose(module)
    refused = sentence(deploy(device, MODEL))
    assert "does not verify models any more: its environment is damaged, and is made anew" in refused
    assert "wheels and the model" in deploy(device, MODEL, "--dry-run").stderr


def test_a_kill_at_any_moment_leaves_a_release_that_was_proved(
    device: Device, deploy: Deploy, wheelhouse: Path
) -> None:
    """On either side; `tests/scripts/kill_deployments.py` does it many times."""
    deploy(device, MODEL)
    command = [sys.executable, "-m", "edgecnn", "deploy", str(OTHER), device.name, *device.options]
    for side in ("here", "there"):
        started = subprocess.Popen(
            [*command, "--wheels", str(wheelhouse)], stderr=subprocess.PIPE, stdout=subprocess.PIPE
        )
        after = random.uniform(0.3, 3)
        moment = f"killed {side} after {after:.3f} s"
        time.sleep(after)
        assert device.process
        for one in [started.pid] if side == "here" else below(device.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        said = started.communicate(timeout=60)[1]
        assert b"Traceback" not in said, f"{moment}: {said.decode(errors='replace')}"
        assert (device.current / "model.tflite").read_bytes() in (MODEL.read_bytes(), OTHER.read_bytes()), moment
        assert json.loads((device.current / "verified.json").read_text())["passed"], moment
        end = time.monotonic() + 60
        while "is going on" in (outcome := deploy(device, MODEL)).stderr and time.monotonic() < end:
            time.sleep(0.5)  # what a kill here left going on there ends by itself
        assert outcome.exit_code == 0, f"{moment}: {outcome.output}"
        assert (device.current / "model.tflite").read_bytes() == MODEL.read_bytes(), moment
        names = {path.name for path in device.root.iterdir()}
        assert names <= {"venvs", "releases", "current", "lock", "said"}, moment
