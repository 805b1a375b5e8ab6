"""The playbook of examples/fleet: five devices with sshds of their own, one of which refuses in stage two."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgecnn.device import bundled_models
from tests.support.ssh_keys import make_key

FLEET = Path(__file__).parents[2] / "examples" / "fleet"
NEW, OLD = bundled_models()["fashion-mnist.activations"], bundled_models()["fashion-mnist"]
pytestmark = pytest.mark.skipif(
    not shutil.which("ansible-playbook") or not (shutil.which("sshd") or Path("/usr/sbin/sshd").exists()),
    reason="there is no ansible-playbook (apt install ansible-core) or no sshd (apt install openssh-server)",
)


def play(inventory: Path, folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "ANSIBLE_HOME": str(folder / "ansible"), "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}
    environment["ANSIBLE_LOCAL_TEMP"] = str(folder / "ansible")
    command = ["ansible-playbook", "-i", str(inventory), str(FLEET / "rollout.yml"), *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def test_the_example_is_what_ansible_takes(tmp_path: Path) -> None:
    listed = play(FLEET / "inventory.yml", tmp_path, "-e", "model=model.tflite", "--list-hosts", "--syntax-check")
    assert listed.returncode == 0, listed.stderr
    (group,) = yaml.safe_load((FLEET / "inventory.yml").read_text()).values()
    assert all(host["device"] for host in group["hosts"].values())


def test_a_refusal_in_stage_two_leaves_the_rest_untouched(
    make_device: Callable[..., Any], deploy: Callable[..., Any], wheelhouse: Path, tmp_path: Path
) -> None:
    devices = [make_device() for _ in range(5)]
    canary, second, *rest = devices
    assert deploy(second, OLD).exit_code == 0
    kind, key, *_ = make_key(tmp_path, "stranger").with_suffix(".pub").read_text().split()
    right_key = second.known_hosts.read_text()
    second.known_hosts.write_text(f"[127.0.0.1]:{second.port} {kind} {key}\n")
    hosts = {
        f"pi{number}": {"device": device.name, "way_options": [*device.options, "--wheels", str(wheelhouse)]}
        for number, device in enumerate(devices, start=1)
    }
    said = {"edgecnn_command": [sys.executable, "-m", "edgecnn"], "model": str(NEW), "soak_seconds": 0}
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"pis": {"hosts": hosts}}))

    refused = play(inventory, tmp_path, "-e", json.dumps(said))
    said_of_it = refused.stdout + refused.stderr
    assert refused.returncode != 0 and "changed: [pi1]" in said_of_it and "pi3" not in said_of_it, said_of_it
    assert (canary.current / "model.tflite").read_bytes() == NEW.read_bytes()
    assert (second.current / "model.tflite").read_bytes() == OLD.read_bytes()
    assert not any("Accepted" in (device.folder / "log").read_text() for device in rest)
    assert not any((device.root / "current").exists() for device in rest)

    second.known_hosts.write_text(right_key)
    done = play(inventory, tmp_path, "-e", json.dumps(said), "--limit", "pi1,pi2,pi3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert all((device.current / "model.tflite").read_bytes() == NEW.read_bytes() for device in devices[:3])
    # pi1 had it already; the stages are one, a quarter and all.
    assert "changed: [pi1]" not in done.stdout and done.stdout.count("TASK [Prove the model") == 3
    assert not any("Accepted" in (device.folder / "log").read_text() for device in rest[1:])
