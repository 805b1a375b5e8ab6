"""A signed file is taken by every command and class that requires it, and no other file is."""

import json
import os
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgecnn import InputError, MissingExtraError, ModelFileError, OutputError
from edgecnn.atomic_files import being_read, claimed
from edgecnn.device import Classifier, FeatureExtractor, describe, sample_images, verify
from edgecnn.device.signing import sign_model
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import read_model
from tests.support.command_line import Run, printed
from tests.support.model_files import write_bare
from tests.support.ssh_keys import allow, make_key, needs_openssh

pytestmark = needs_openssh


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_key(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def allowed(key: Path) -> Path:
    return allow(key)


@pytest.fixture(scope="module")
def files(key: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A model and its activations variant, signed."""
    folder, made = tmp_path_factory.mktemp("signed"), []
    for name in ("fashion-mnist", "fashion-mnist.activations"):
        path = folder / find_model(name).name
        path.write_bytes(find_model(name).read_bytes())
        made.append(sign_model(path, key)[0])
    return made


def test_signed_files_answer_as_before_and_are_not_tried(
    files: list[Path], allowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")  # what a child is started with
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    image = sample_images()[0]
    required, free = Classifier(files[0], require_signature=allowed), Classifier("fashion-mnist")
    assert required.classify(image) == free.classify(image)
    assert FeatureExtractor(files[1], require_signature=allowed).extract(image).maps
    with pytest.raises(ModelFileError, match="cannot be opened"):
        Classifier(files[0])


def test_who_signed_and_what_was_measured_is_shown(files: list[Path], allowed: Path, edgecnn: Run) -> None:
    signature = verify(files[0], require_signature=allowed).signature
    assert signature and signature.signer == "anna@example.org"
    assert describe(files[0], require_signature=allowed).signature == signature
    card = read_model(files[0]).card
    assert card and card.parity
    measured = card.parity
    for command in ("verify", "info"):
        shown = printed(edgecnn(command, files[0], "--require-signature", allowed))
        assert f"anna@example.org, with the ssh-ed25519 key {signature.fingerprint}" in shown
        assert f"{measured.accuracy:.2%}" in shown and f"{measured.agreement:.2%}" in shown
        unchecked = printed(edgecnn(command, files[0]))
        assert f"the ssh-ed25519 key {signature.fingerprint} (not checked)" in unchecked and "anna" not in unchecked
        assert json.loads(printed(edgecnn(command, files[0], "--json")))["signature"]["signer"] is None
        assert json.loads(printed(edgecnn(command, "fashion-mnist", "--json")))["signature"] is None


def test_what_is_described_is_read_and_checked_once(
    files: list[Path], allowed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, there = tmp_path / "log", shutil.which("ssh-keygen")
    (tmp_path / "ssh-keygen").write_text(f'#!/bin/sh\necho "$2" >> "{log}"\nexec "{there}" "$@"\n')
    (tmp_path / "ssh-keygen").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    verify(files[0], require_signature=allowed)
    once = log.read_text()
    log.unlink()
    assert describe(files[0], require_signature=allowed).signature and log.read_text() == once


def test_what_another_process_writes_or_compares_is_not_signed_meanwhile(key: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(find_model("fashion-mnist").read_bytes())
    for meanwhile in (claimed([path], force=True), being_read([path])):
        with (
            meanwhile,
            pytest.raises(OutputError, match=r"m\.tflite is being (written|read) by process \d+"),
        ):
            sign_model(path, key)
    assert path.read_bytes() == find_model("fashion-mnist").read_bytes() and list(tmp_path.iterdir()) == [path]


COMMANDS = ("classify", "features", "explain", "verify", "evaluate", "benchmark", "info")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_what_is_not_signed(command: str, allowed: Path, edgecnn: Run, tmp_path: Path) -> None:
    images = [sample_images()[0]] if command in ("classify", "features", "explain") else []
    bare = write_bare(tmp_path / "bare.tflite")
    for model in ("fashion-mnist.activations", bare):
        result = edgecnn(command, model, *images, "--require-signature", allowed)
        assert result.exit_code == 1 and "is not signed, and a signature is required" in result.stderr
        assert not result.stdout


@pytest.mark.parametrize(
    ("opening", "documented"),
    [
        (Classifier, Classifier.__init__.__doc__),
        (FeatureExtractor, FeatureExtractor.__init__.__doc__),
        (verify, verify.__doc__),
        (describe, describe.__doc__),
    ],
    ids=["Classifier", "FeatureExtractor", "verify", "describe"],
)
def test_what_raises_where_a_signature_cannot_be_checked_names_its_errors(
    opening: Callable[..., object],
    documented: str,
    files: list[Path],
    allowed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(InputError):
        opening(files[1], require_signature=tmp_path / "nowhere")
    with pytest.raises(ModelFileError):
        opening("fashion-mnist.activations", require_signature=allowed)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtraError):
        opening(files[1], require_signature=allowed)
    for words in ("not signed as it must be", "or `require_signature` does not read", "MissingExtraError: OpenSSH"):
        assert words in " ".join(documented.split())


def test_a_pickle_asks_for_the_signature_again(
    files: list[Path], allowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(allowed.parent)
    pickled = pickle.dumps(Classifier(files[0], require_signature=allowed.name))
    monkeypatch.chdir("/")
    assert pickle.loads(pickled).classify(sample_images()[0])
    content = allowed.read_text()
    try:
        allowed.write_text(f"# {content}")
        with pytest.raises(InputError, match="allows nobody"):
            pickle.loads(pickled)
    finally:
        allowed.write_text(content)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_the_first_signers_name(
    encoding: str, files: list[Path], allowed: Path, tmp_path: Path
) -> None:
    marked = tmp_path / "allowed"
    marked.write_text(allowed.read_text(), encoding=encoding)
    with pytest.raises(InputError, match="begins with a byte order mark; save it as UTF-8 without one"):
        Classifier(files[0], require_signature=marked)


def test_the_command_signs_in_place_and_again(key: Path, allowed: Path, edgecnn: Run, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(find_model("fashion-mnist").read_bytes())
    assert f"signed {path} with the ssh-ed25519 key SHA256:" in printed(edgecnn("sign", path, "--key", key))
    once = path.read_bytes()
    assert edgecnn("sign", path, "--key", key).exit_code == 0
    assert path.read_bytes() == once and list(tmp_path.iterdir()) == [path]
    assert edgecnn("classify", path, sample_images()[0], "--require-signature", allowed).exit_code == 0


def test_what_a_link_leads_to_is_signed_and_told_though_the_next_is_refused(
    key: Path, allowed: Path, edgecnn: Run, tmp_path: Path
) -> None:
    path, link = tmp_path / "m.tflite", tmp_path / "newest.tflite"
    path.write_bytes(find_model("fashion-mnist").read_bytes())
    link.symlink_to(path.name)
    result = edgecnn("sign", link, tmp_path / "none.tflite", "--key", key)
    assert result.exit_code == 1 and result.stdout.startswith(f"signed {link} with")
    assert link.is_symlink() and edgecnn("info", path, "--require-signature", allowed).exit_code == 0
    for missing in ((), (tmp_path / "none.tflite",)):
        rows = json.loads(edgecnn("sign", link, *missing, "--key", key, "--json").stdout)
        assert [row["path"] for row in rows] == [str(link)]
    assert edgecnn("sign", tmp_path / "none.tflite", link, "--key", key, "--json").stdout == ""


def test_what_cannot_be_signed_stays_as_it_is(key: Path, edgecnn: Run, tmp_path: Path) -> None:
    bare = write_bare(tmp_path / "bare.tflite")
    before = bare.read_bytes(), find_model("fashion-mnist").read_bytes()
    for model, message in (
        (bare, "carries no card to sign; edgecnn pack"),
        ("fashion-mnist", "is part of edgecnn"),
        (find_model("fashion-mnist"), "is part of edgecnn"),
        (tmp_path / "none.tflite", "no model file"),
    ):
        result = edgecnn("sign", model, "--key", key)
        assert result.exit_code == 1 and message in result.stderr
    assert edgecnn("sign", bare).exit_code == 2
    assert edgecnn("info", "m.keras", "--require-signature", key).exit_code == 2
    assert before == (bare.read_bytes(), find_model("fashion-mnist").read_bytes())
