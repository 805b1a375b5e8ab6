"""SSH keys and files of allowed signers, made by OpenSSH itself."""

import shutil
import subprocess
from pathlib import Path

import pytest

HAS_OPENSSH = shutil.which("ssh-keygen") is not None
needs_openssh = pytest.mark.skipif(not HAS_OPENSSH, reason="OpenSSH is not installed")


def make_key(folder: Path, name: str = "key", kind: str = "ed25519", passphrase: str = "") -> Path:
    """A private key; its public one is beside it."""
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", name, "-f", str(folder / name)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=60)
    return folder / name


def allow(key: Path, signer: str = "anna@example.org", options: str = "") -> Path:
    """A file of allowed signers with one line, of `key`."""
    path = key.with_name(f"{key.name}.allowed")
    path.write_text(f"{signer} {options} {key.with_suffix('.pub').read_text()}")
    return path


def sign_for(namespace: str, key: Path, message: bytes) -> bytes:
    """What ssh-keygen makes of `message` for any purpose."""
    command = ["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", namespace]
    return subprocess.run(command, input=message, capture_output=True, check=True, timeout=60).stdout
