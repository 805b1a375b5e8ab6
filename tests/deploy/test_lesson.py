"""The lesson on one Pi and more: its commands run as they are written, with two devices by the names of five."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from edgecnn.device import bundled_models
from tests.support.devices import Device, needs_sshd

pytestmark = needs_sshd
PAGE = Path(__file__).parents[2] / "docs" / "tutorials" / "from-one-pi-to-a-hundred.md"
BLOCKS = re.findall(r"^```console\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if "edgecnn deploy" in line]
HOST = """Host {names}
    HostName 127.0.0.1
    Port {port}
    User {user}
    IdentityFile {key}
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile {known_hosts}
"""


def test_the_lesson_is_run_as_written(make_device: Callable[..., Device], wheelhouse: Path, tmp_path: Path) -> None:
    one, more = make_device(), make_device()
    hosts = [
        HOST.format(names=names, port=to.port, user=to.name.split("@")[0], key=to.key, known_hosts=to.known_hosts)
        for names, to in (("pi1", one), ("pi2 pi3 pi4 pi5", more))
    ]
    (tmp_path / "config").write_text("\n".join(hosts))
    for name, line in (
        ("ssh", f"'{shutil.which('ssh')}' -F '{tmp_path}/config'"),
        ("edgecnn", f"'{sys.executable}' -m edgecnn"),
    ):
        (tmp_path / name).write_text(f'#!/bin/sh\nexec {line} "$@"\n')
        (tmp_path / name).chmod(0o755)
    paths = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PIP_FIND_LINKS": str(wheelhouse), "PIP_NO_INDEX": "1"}

    outputs = []
    for command in COMMANDS:
        done = subprocess.run(["sh", "-c", command], env={**os.environ, **paths}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    first, second, status, back, five = outputs
    assert "pi1: fashion-mnist.int8.tflite runs now" in first and "PASS, 12 of 12" in first
    assert "pi1: fashion-mnist.int8.activations.tflite runs now" in second and "before it       0001-" in status
    assert "pi1: fashion-mnist.int8.tflite runs again" in back
    assert re.findall(r"^pi(\d): ", five, re.MULTILINE) == list("12345")
    for device in (one, more):
        there = (device.current / "model.tflite").read_bytes()
        assert there == bundled_models()["fashion-mnist.activations"].read_bytes()
