"""Signatures hold for the whole file as its signer left it; all else is a sentence."""

import base64
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from edgecnn import EdgecnnError, EdgecnnWarning, InputError, MissingExtraError, ModelFileError
from edgecnn.model_file import signature
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import PackedModel, pack_card, unpack
from edgecnn.model_file.signature import make_signature, read_signature, require_signature, with_signature
from tests.support.model_files import card_and_golden
from tests.support.ssh_keys import allow, make_key, needs_openssh, sign_for

pytestmark = needs_openssh
UNSIGNED = find_model("fashion-mnist").read_bytes()


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_key(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def allowed(key: Path) -> Path:
    return allow(key)


@pytest.fixture(scope="module")
def armor(key: Path) -> bytes:
    return make_signature(UNSIGNED, key)


def signed(armor: bytes, data: bytes = UNSIGNED) -> PackedModel:
    return unpack(with_signature(unpack(data, "m.tflite"), data, armor), "m.tflite")


def fingerprint(key: Path) -> str:
    command = ["ssh-keygen", "-l", "-f", str(key)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()[1]


@pytest.mark.parametrize(("kind", "name"), [("rsa", "ssh-rsa"), ("ecdsa", "ecdsa-sha2-nistp256")])
def test_a_signature_holds_and_says_by_whom(kind: str, name: str, tmp_path: Path) -> None:
    key = make_key(tmp_path, kind=kind)
    found = require_signature(signed(make_signature(UNSIGNED, key)), allow(key))
    assert (found.signer, found.key_type, found.namespace) == ("anna@example.org", name, "edgecnn")
    assert found.fingerprint == fingerprint(key)


def test_what_is_signed_is_the_file_as_it_was(armor: bytes, key: Path, allowed: Path) -> None:
    model = signed(armor)
    assert model.signed and model.signed.message == UNSIGNED
    assert sign_for("edgecnn", key, UNSIGNED) == armor  # Ed25519 knows no chance
    assert model.flatbuffer == unpack(UNSIGNED, "m").flatbuffer and model.card and model.golden
    assert str(require_signature(model, allowed)).startswith("anna@example.org, with the ssh-ed25519 key SHA256:")
    unchecked = read_signature(model)
    assert unchecked and unchecked.signer is None and "not checked" in str(unchecked)


def test_another_signature_takes_the_place_of_the_first(armor: bytes, allowed: Path, tmp_path: Path) -> None:
    first = signed(make_signature(UNSIGNED, make_key(tmp_path, "other")))
    assert first.signed
    again = unpack(with_signature(first, first.signed.message, armor), "m.tflite")
    assert require_signature(again, allowed).signer


def test_any_other_byte_of_the_file_is_noticed(armor: bytes, allowed: Path) -> None:
    whole = with_signature(unpack(UNSIGNED, "m"), UNSIGNED, armor)
    time_of_day = len(unpack(UNSIGNED, "m").flatbuffer) + 10  # of the zip's first member: nothing reads it
    changed = bytearray(whole)
    changed[time_of_day] ^= 1
    assert unpack(bytes(changed), "m.tflite").card
    with pytest.raises(ModelFileError, match=r"m\.tflite was changed after anna@example\.org signed it"):
        require_signature(unpack(bytes(changed), "m.tflite"), allowed)
    card, golden = card_and_golden()
    other = pack_card(unpack(UNSIGNED, "m").flatbuffer, card, golden, stored=True)  # all digests are right
    with pytest.raises(ModelFileError, match="was changed after"):
        require_signature(signed(armor, other), allowed)
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no exit code of a child is to be had
    try:
        with pytest.raises(ModelFileError, match="was changed after"):
            require_signature(signed(armor, other), allowed)
    finally:
        signal.signal(signal.SIGCHLD, before)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda armor: armor.replace(b"\n", b"", 2).replace(b"-----U", b"-----\nU"),
        lambda armor: armor.replace(b"\n-----END", b"=\n-----END"),
        lambda armor: armor.replace(b"U1NI", b"U1NJ"),
        lambda armor: armor.replace(b"U1NI", b"\xff1NI"),
        lambda armor: armor[:60] + armor[-28:],
        lambda armor: armor[:30] + armor[-28:],
        lambda armor: armor[:30] + base64.b64encode(b"SSHSIG\0\0\0\1" + b"\xff" * 40) + b"\n" + armor[-28:],
        lambda armor: armor[:30] + base64.b64encode(b"SSHSIG\0\0\0\1" + bytes(20) + b"more") + b"\n" + armor[-28:],
    ],
    ids=["lines", "padding", "magic", "no text", "cut", "empty", "lengths", "more"],
)
def test_a_signature_that_is_written_otherwise_is_damage_before_a_runtime_sees_the_file(
    spoil: Callable[[bytes], bytes], armor: bytes
) -> None:
    with pytest.raises(ModelFileError, match=r"m\.tflite is damaged: what follows its seal is no signature \(.+\)"):
        signed(spoil(armor))


def test_what_stands_behind_the_seal_must_be_a_signature(armor: bytes) -> None:
    for text in (b"", b"hello", armor + b"x", b"x" + armor, *map(framed, (b"", b"\n", b"plain text\n", b"\nU1NI\n"))):
        with pytest.raises(ModelFileError, match=r"what follows its seal is no signature \((?!range)"):
            signed(text)
    with pytest.raises(ModelFileError, match="does not fit"):
        signed(armor * 300)


def framed(text: bytes) -> bytes:
    return b"-----BEGIN SSH SIGNATURE-----\n" + text + b"-----END SSH SIGNATURE-----\n"


def test_an_unsigned_file_is_refused(allowed: Path) -> None:
    with pytest.raises(ModelFileError, match="m is not signed, and a signature is required"):
        require_signature(unpack(UNSIGNED, "m"), allowed)
    assert read_signature(unpack(UNSIGNED, "m")) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ('valid-before="20200101"', "does not allow .*expired"),
        ('valid-after="20990101"', "does not allow .*not yet valid"),
        ('namespaces="git,file"', "not permitted for use in signature namespace"),
        ("cert-authority", "does not allow"),
    ],
)
def test_what_the_allowed_signers_forbid(options: str, message: str, armor: bytes, key: Path) -> None:
    with pytest.raises(ModelFileError, match=message):
        require_signature(signed(armor), allow(key, options=options))


def test_a_name_longer_than_an_argument_can_be_is_a_sentence(armor: bytes, key: Path) -> None:
    with pytest.raises(InputError, match=r"has a name of more than 1,000 letters for .*; shorten it"):
        require_signature(signed(armor), allow(key, signer="a" * 200_000))


def test_an_unknown_signer_is_refused_and_so_is_another_purpose(
    armor: bytes, key: Path, allowed: Path, tmp_path: Path
) -> None:
    stranger = make_key(tmp_path, "stranger")
    with pytest.raises(ModelFileError, match=r"key SHA256:\S+, which .*stranger\.allowed does not allow"):
        require_signature(signed(armor), allow(stranger))
    with pytest.raises(ModelFileError, match="its signature is for 'git', not for 'edgecnn'"):
        require_signature(signed(sign_for("git", key, UNSIGNED)), allowed)


@pytest.mark.parametrize("content", [None, b"", b"# nobody\n\n", b"hello\n", b"\0\xff\n"], ids=str)
def test_a_file_that_allows_nobody_is_a_sentence(content: bytes | None, armor: bytes, tmp_path: Path) -> None:
    path = tmp_path / "signers"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EdgecnnError, match="signers") as caught:
        require_signature(signed(armor), path)
    assert "\n" not in str(caught.value) and "\0" not in str(caught.value)


def test_allowed_signers_that_everybody_can_write_are_told(armor: bytes, allowed: Path) -> None:
    allowed.chmod(0o666)
    with pytest.warns(EdgecnnWarning, match=r"every user here can write .*allowed, and so allow anybody"):
        assert require_signature(signed(armor), allowed).signer
    allowed.chmod(0o660)
    assert require_signature(signed(armor), allowed).signer


def test_what_is_no_path_of_a_file_is_a_sentence(armor: bytes, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", "", 3):
        with pytest.raises(InputError, match=r"no file of allowed signers|must be a path"):
            require_signature(signed(armor), path)  # type: ignore[arg-type]


def program(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of this text in the place of ssh-keygen."""
    (folder / "ssh-keygen").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "ssh-keygen").chmod(0o700)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_without_openssh_the_line_that_installs_it_is_said(
    armor: bytes, key: Path, allowed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = signed(armor)
    monkeypatch.setenv("PATH", str(tmp_path))
    for work in (lambda: make_signature(UNSIGNED, key), lambda: require_signature(model, allowed)):
        with pytest.raises(MissingExtraError, match="sudo apt install openssh-client"):
            work()


def test_one_that_hangs_lies_or_knows_no_signatures_is_a_sentence(
    armor: bytes, key: Path, allowed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "exec sleep 60", monkeypatch)
    with monkeypatch.context() as hasty:
        hasty.setattr(signature, "_TIMEOUT_S", 0.2)
        with pytest.raises(EdgecnnError, match=r"no answer within 0\.2 s"):
            require_signature(signed(armor), allowed)
    program(tmp_path, "echo 'unknown option -- Y' >&2; exit 1", monkeypatch)
    with pytest.raises(InputError, match=r"does not sign .*unknown option -- Y"):
        make_signature(UNSIGNED, key)
    program(tmp_path, "exit 0", monkeypatch)  # and says nothing
    with pytest.raises(InputError, match="does not sign"):
        make_signature(UNSIGNED, key)
    with pytest.raises(ModelFileError, match="does not allow"):
        require_signature(signed(armor), allowed)


def test_keys_that_cannot_sign_are_a_sentence(key: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no key file"):
        make_signature(UNSIGNED, tmp_path / "none")
    open_to_all = tmp_path / "open"
    open_to_all.write_bytes(key.read_bytes())
    open_to_all.chmod(0o644)
    alone = tmp_path / "alone.pub"
    alone.write_bytes(key.with_suffix(".pub").read_bytes())
    (tmp_path / "text").write_text("no key")
    for path in (open_to_all, alone, tmp_path / "text"):
        with pytest.raises(InputError, match=rf"{path.name} does not sign \(.+\); give a private key"):
            make_signature(UNSIGNED, path)


def test_a_key_of_the_agent_signs_by_its_public_half(
    key: Path, allowed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = tmp_path / "alone.pub"
    public.write_bytes(key.with_suffix(".pub").read_bytes())
    socket = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            assert agent.poll() is None
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        subprocess.run(["ssh-add", "-q", str(key)], check=True, timeout=60)
        assert require_signature(signed(make_signature(UNSIGNED, public)), allowed).signer
    finally:
        agent.terminate()
        agent.wait(timeout=60)
