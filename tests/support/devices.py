"""Devices to deploy to: real sshds on this machine, each with a port, keys and a home of its own."""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.ssh_keys import make_key
from tests.support.waiting import until

SSHD = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")
needs_sshd = pytest.mark.skipif(
    SSHD is None or not shutil.which("ssh") or not shutil.which("flock"),
    reason="there is no sshd (apt install openssh-server), ssh or flock",
)
# What sshd says where the machine, not what it was told, keeps it from starting.
_MAY_NOT_START = ("rivilege separation", "must be owned by root", "Operation not permitted")


@dataclass
class Device:
    """One that runs.

    Attributes:
        folder: of its keys and settings.
        home: of its user; the deployments are in it.
        port: where its sshd answers.
        key: the private key that it lets in.
        known_hosts: which ssh is told to use.
    """

    folder: Path
    home: Path
    port: int
    key: Path
    known_hosts: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return f"{getpass.getuser()}@127.0.0.1"

    @property
    def root(self) -> Path:
        return self.home / ".local" / "share" / "edgecnn" / "deploy"

    @property
    def current(self) -> Path:
        """The release that runs there."""
        return (self.root / "current").resolve()

    @property
    def options(self) -> list[str]:
        """Of `edgecnn deploy`: the way to it."""
        settings = {
            "UserKnownHostsFile": self.known_hosts,
            "IdentityFile": self.key,
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
        }
        words = ["--port", str(self.port)]
        for key, value in settings.items():
            text = f'"{value}"' if " " in str(value) else str(value)
            words += ["--ssh-option", f"{key}={text}"]
        return words

    def run(self, line: str) -> str:
        """What a line prints that its user types in."""
        words = [word for option in self.options[2:] if option != "--ssh-option" for word in ("-o", option)]
        command = ["ssh", "-p", str(self.port), *words, "-o", "BatchMode=yes", self.name, line]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def device_path(folder: Path) -> str:
    """The PATH of a device, which `folder` begins: its Python is that of the tests, by a link, as its wheels are."""
    folder.mkdir()
    (folder / "python3").symlink_to(os.path.realpath(sys.executable))
    return f"{folder}:{os.environ['PATH']}"


def set_up(folder: Path, home: str = "home", **environment: str) -> Device:
    """Keys and settings of a device; see `sshd_command` for what starts it."""
    folder.mkdir(parents=True, exist_ok=True)
    device = Device(folder, folder / home, free_port(), make_key(folder, "user"), folder / "known_hosts")
    device.home.mkdir(exist_ok=True)
    host = make_key(folder, "host")
    shutil.copy(device.key.with_suffix(".pub"), folder / "authorized_keys")
    kind, key, *_ = host.with_suffix(".pub").read_text().split()
    device.known_hosts.write_text(f"[127.0.0.1]:{device.port} {kind} {key}\n")
    path = environment.pop("PATH", None) or device_path(folder / "programs")
    values = {"HOME": str(device.home), "PATH": path, "XDG_DATA_HOME": "", **environment}
    variables = " ".join(f'"{key}={value}"' for key, value in values.items())
    lines = (
        f"Port {device.port}", "ListenAddress 127.0.0.1", f'HostKey "{host}"', "UsePAM no", "StrictModes no",
        f'AuthorizedKeysFile "{folder}/authorized_keys"', "PasswordAuthentication no", "MaxStartups 100",
        "KbdInteractiveAuthentication no", "PermitRootLogin prohibit-password", f"PidFile {folder}/pid",
        f"SetEnv {variables}",
    )  # fmt: skip
    (folder / "sshd_config").write_text("\n".join(lines) + "\n")
    return device


def sshd_command(device: Device) -> list[str]:
    assert SSHD is not None
    if os.getuid() == 0:  # where sshd locks up what talks to strangers
        Path("/run/sshd").mkdir(exist_ok=True)
    return [SSHD, "-D", "-e", "-f", str(device.folder / "sshd_config")]


def answers(device: Device) -> bool:
    """Whether its sshd takes connections."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", device.port), 1):
        return True
    return False


def has_ended(device: Device) -> bool:
    return device.process is not None and device.process.poll() is not None


@contextlib.contextmanager
def running(device: Device, start: tuple[str, ...] = ()) -> Iterator[Device]:
    """Its sshd runs for the block, started by the program `start`."""
    with (device.folder / "log").open("ab") as log:
        device.process = subprocess.Popen(
            [*start, *sshd_command(device)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        until(lambda: answers(device) or has_ended(device))
        said = (device.folder / "log").read_text()
        if has_ended(device) and any(words in said for words in _MAY_NOT_START):
            pytest.skip(f"no sshd may be started here: {said}")
        assert answers(device) and not has_ended(device), f"sshd takes no connection: {said}"
        yield device
    finally:
        device.process.kill()
        device.process.wait()
