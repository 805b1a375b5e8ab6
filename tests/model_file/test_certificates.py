"""Signatures with certificates, and signers of whom a line leaves some out."""

import subprocess
from pathlib import Path

import pytest

from edgecnn import ModelFileError
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import PackedModel, unpack
from edgecnn.model_file.signature import make_signature, require_signature, with_signature
from tests.support.ssh_keys import allow, make_key, needs_openssh

pytestmark = needs_openssh
UNSIGNED = find_model("fashion-mnist").read_bytes()


def signed_with(key: Path) -> PackedModel:
    return unpack(with_signature(unpack(UNSIGNED, "m.tflite"), UNSIGNED, make_signature(UNSIGNED, key)), "m.tflite")


def certified(folder: Path, *options: str) -> PackedModel:
    """Signed with a certificate that the key `authority` in the folder gave."""
    make_key(folder, "authority")
    user = make_key(folder, "user")
    command = ["ssh-keygen", "-q", "-s", str(folder / "authority"), "-I", "id", *options, f"{user}.pub"]
    subprocess.run(command, check=True, timeout=60)
    return signed_with(folder / "user-cert.pub")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("-n", "ben@example.org", "-V", "20200101:20200201"), "expired"),
        (("-n", "ben@example.org", "-V", "20990101:21000101"), "not yet valid"),
        (("-n", "ben@example.org", "-h"), "not a user certificate"),
        ((), "lacks principal list"),
    ],
)
def test_why_a_certificate_is_for_nobody_is_said(options: tuple[str, ...], reason: str, tmp_path: Path) -> None:
    model = certified(tmp_path, *options)
    with pytest.raises(ModelFileError, match=rf"authority\.allowed does not allow \(.*{reason}\)$"):
        require_signature(model, allow(tmp_path / "authority", signer="*@example.org", options="cert-authority"))


def test_a_certificate_that_holds_says_which_of_its_names_is_allowed(tmp_path: Path) -> None:
    model = certified(tmp_path, "-n", "anna@example.org,ben@example.org")
    allowed = allow(tmp_path / "authority", signer="!anna@example.org,*@example.org", options="cert-authority")
    assert require_signature(model, allowed).signer == "ben@example.org"


@pytest.mark.parametrize("names", ["!ben@example.org,*@example.org", "*@example.org,!ben@example.org"])
def test_whom_a_line_leaves_out_is_no_signer(names: str, tmp_path: Path) -> None:
    key = make_key(tmp_path)
    assert require_signature(signed_with(key), allow(key, signer=names)).signer == "*@example.org"
    with pytest.raises(ModelFileError, match="does not allow"):
        require_signature(signed_with(key), allow(key, signer="!ben@example.org"))
