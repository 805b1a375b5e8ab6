"""Kill deployments at random moments, on either side, and look whether what runs on the device was proved there.

    python tests/scripts/kill_deployments.py FOLDER --kills 50

A real sshd on this machine is the device. In turns a model is deployed and killed by SIGKILL: `edgecnn deploy` here, or
all that sshd started. After each kill the model that is current there must be one of the two, whole, and pass
`edgecnn verify` of its own environment; at the end a deployment must go through. Takes minutes: by hand.
"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from edgecnn.model_file.bundled import bundled_models
from tests.deploy.test_interruptions import below
from tests.support.devices import Device, running, set_up

MODELS = [bundled_models()[name] for name in ("fashion-mnist", "fashion-mnist.activations")]


def line(device: Device, model: Path) -> list[str]:
    return [sys.executable, "-m", "edgecnn", "deploy", str(model), device.name, *device.options]


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


def kill(device: Device, side: str, wait: float) -> str:
    """What one kill led to, of the deployment of the model that is not there."""
    before = device.current.name
    there = (device.current / "model.tflite").read_bytes()
    model = next(one for one in MODELS if one.read_bytes() != there)
    started = subprocess.Popen(line(device, model), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert device.process
    while side == "there" and not below(device.process.pid) and started.poll() is None:
        time.sleep(0.01)  # there is nothing to kill before ssh has connected
    time.sleep(wait)
    ended = started.poll() is not None
    for process in [started.pid] if side == "here" else below(device.process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    started.communicate()
    if not is_proved(device):
        return "NOT PROVED"
    switched = "switched" if device.current.name != before else "as before"
    return f"{'it had ended, ' if ended else ''}{switched}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random.seed(options.seed)
    with running(set_up(options.folder.absolute())) as device:
        start = time.monotonic()
        assert settled(device, MODELS[0])[0] == 0
        print(f"first deployment: {time.monotonic() - start:.1f} s", flush=True)
        usual = 60.0  # the shortest of four: few kills come after the end
        for number in range(1, 5):
            start = time.monotonic()
            assert settled(device, MODELS[number % 2])[0] == 0
            usual = min(usual, time.monotonic() - start)
        print(f"model alone: {usual:.1f} s", flush=True)
        table: Counter[tuple[str, str]] = Counter()
        for number in range(options.kills):
            side = ("here", "there")[number % 2]
            wait = random.uniform(0, usual)
            outcome = kill(device, side, wait)
            table[side, outcome] += 1
            print(f"{number + 1:3} {side:5} after {wait:5.2f} s: {outcome}", flush=True)
        for (side, outcome), count in sorted(table.items()):
            print(f"{count:3} {side:5} {outcome}")
        there = (device.current / "model.tflite").read_bytes()
        code, said = settled(device, next(one for one in MODELS if one.read_bytes() != there))
        left = sorted(path.name for path in device.root.iterdir())
        print(f"the deployment after all: exit code {code} {said.decode().strip()}; {', '.join(left)}")


if __name__ == "__main__":
    main()
