"""Kill deployments at random moments, on either side, and look whether what runs on the device was proved there.

    python tests/scripts/kill_deployments.py FOLDER --kills 50 [--service]

A real sshd on this machine is the device. In turns a model is deployed and killed by SIGKILL: `edgecnn deploy` here, or
all that sshd started. Of three kills one falls just after the switch, the others anywhere. After each kill the model
that is current there must be one of the two, whole, and pass
`edgecnn verify` of its own environment; at the end a deployment must go through. With --service it is one of a real
systemd, and `--status` must say whether that was started since the switch. Takes minutes: by hand.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from edgecnn.model_file.bundled import bundled_models
from tests.support.devices import Device, running, set_up
from tests.support.own_systemd import OwnSystemd, own_systemd
from tests.support.processes import below

MODELS = [bundled_models()[name] for name in ("fashion-mnist", "fashion-mnist.activations")]


SERVICE = ("--service", "door", "--", "--source", "samples", "--no-page", "--fps", "5")


def line(device: Device, *arguments: object) -> list[str]:
    return [sys.executable, "-m", "edgecnn", "deploy", *map(str, arguments[:1]), device.name, *device.options,
            *map(str, arguments[1:])]  # fmt: skip


def started_there(device: Device) -> list[int]:
    """What its sshd has started."""
    assert device.process
    number = device.process.pid
    if Path(f"/proc/{number}/comm").read_text().strip() != "sshd":  # it waits for the one in the other spaces
        number = below(number)[0]
    return below(number)


def what_status_says(device: Device, systemd: OwnSystemd) -> str:
    """Whether that the service was started since the switch is said, and is so."""
    told = subprocess.run(
        [sys.executable, "-m", "edgecnn", "deploy", device.name, *device.options, "--status", "--json"],
        capture_output=True,
    )
    settled = json.loads(told.stdout)["settled"]
    said = systemd.run("systemctl", "--user", "show", "edgecnn-door", "--property", "MainPID", "--value").stdout
    start = systemd.run("stat", "-c", "%Y", f"/proc/{said.strip()}").stdout.strip() or "0"
    is_so = int(start) + 1 >= (device.root / "current").lstat().st_mtime
    if settled and not is_so:
        return ", WRONGLY SETTLED"
    if settled is (told.returncode == 1):
        return f", exit code {told.returncode} WHERE SETTLED IS {settled}"
    return "" if settled else ", said to be cut off"


def is_proved(device: Device) -> bool:
    """Whether the current release is one of the two models, and passes there."""
    model = device.current / "model.tflite"
    if model.read_bytes() not in [one.read_bytes() for one in MODELS]:
        return False
    python = device.current / "venv" / "bin" / "python"
    answer = subprocess.run([python, "-I", "-m", "edgecnn", "verify", str(model)], capture_output=True)
    return answer.returncode == 0


def settled(device: Device, model: Path) -> tuple[int, bytes]:
    """A deployment after the kills, when what they left has ended by itself."""
    while True:
        answer = subprocess.run(line(device, model), capture_output=True)
        if b"is going on" not in answer.stderr:
            return answer.returncode, answer.stderr
        time.sleep(0.2)


def kill(device: Device, side: str, wait: float, after_switch: bool) -> str:
    """What one kill led to, of the deployment of the model that is not there.

    Args:
        device: which it goes to.
        side: what is killed, `here` or `there`.
        wait: in seconds.
        after_switch: whether they count from the switch, not from the beginning.
    """
    before = device.current.name
    there = (device.current / "model.tflite").read_bytes()
    model = next(one for one in MODELS if one.read_bytes() != there)
    started = subprocess.Popen(line(device, model), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while side == "there" and not started_there(device) and started.poll() is None:
        time.sleep(0.01)  # there is nothing to kill before ssh has connected
    while after_switch and device.current.name == before and started.poll() is None:
        time.sleep(0.001)
    time.sleep(wait)
    ended = started.poll() is not None
    for process in [started.pid] if side == "here" else started_there(device):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    started.communicate()
    if not is_proved(device):
        return "NOT PROVED"
    switched = "switched" if device.current.name != before else "as before"
    return f"{'it had ended, ' if ended else ''}{switched}"


def kill_many(device: Device, kills: int, systemd: OwnSystemd | None) -> None:
    start = time.monotonic()
    first = subprocess.run(line(device, MODELS[0], *(SERVICE if systemd else ())), capture_output=True)
    assert first.returncode == 0, first.stderr.decode()
    print(f"first deployment: {time.monotonic() - start:.1f} s", flush=True)
    usual = 60.0  # the shortest of four: few kills come after the end
    for number in range(1, 5):
        start = time.monotonic()
        assert settled(device, MODELS[number % 2])[0] == 0
        usual = min(usual, time.monotonic() - start)
    print(f"model alone: {usual:.1f} s", flush=True)
    table: Counter[tuple[str, str]] = Counter()
    for number in range(kills):
        side = ("here", "there")[number % 2]
        after_switch = number % 3 == 2
        wait = random.uniform(0, 0.02 if after_switch else usual)
        outcome = kill(device, side, wait, after_switch)
        if systemd:
            outcome += what_status_says(device, systemd)
        table[side, outcome] += 1
        moment = "after the switch" if after_switch else "after the start"
        print(f"{number + 1:3} {side:5} {wait:5.3f} s {moment}: {outcome}", flush=True)
    for (side, outcome), count in sorted(table.items()):
        print(f"{count:3} {side:5} {outcome}")
    there = (device.current / "model.tflite").read_bytes()
    code, said = settled(device, next(one for one in MODELS if one.read_bytes() != there))
    left = sorted(path.name for path in device.root.iterdir())
    print(f"the deployment after all: exit code {code} {said.decode().strip()}; {', '.join(left)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--service", action="store_true")
    options = parser.parse_args()
    random.seed(options.seed)
    folder = options.folder.absolute()
    with contextlib.ExitStack() as stack:
        systemd, variables = None, {}
        start: tuple[str, ...] = ()
        if options.service:
            systemd = stack.enter_context(own_systemd(folder / "systemd"))
            assert systemd, "no systemd of its own may be started here"
            variables = {
                "XDG_RUNTIME_DIR": systemd.environment["XDG_RUNTIME_DIR"],
                "XDG_CONFIG_HOME": f"{systemd.home}/.config",
            }
            start = systemd.enter()
        kill_many(stack.enter_context(running(set_up(folder, **variables), start)), options.kills, systemd)


if __name__ == "__main__":
    main()
