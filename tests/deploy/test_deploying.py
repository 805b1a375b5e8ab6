"""A real sshd is the device: what runs there is what was proved there."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgecnn.device import bundled_models, sample_images
from tests.deploy.conftest import Deploy
from tests.support.command_line import Outcome, sentence
from tests.support.devices import Device, needs_sshd
from tests.support.json_schemas import check
from tests.support.ssh_keys import allow, make_key

pytestmark = needs_sshd
MODEL, OTHER = bundled_models()["fashion-mnist"], bundled_models()["fashion-mnist.activations"]


def releases(device: Device) -> list[str]:
    return sorted(path.name.split("-")[0] for path in (device.root / "releases").iterdir())


def printed(outcome: Outcome) -> dict[str, Any]:
    """What --json printed, which is what its schema says."""
    said: dict[str, Any] = json.loads(outcome.stdout)
    check("deploy", [said])
    return said


def test_the_first_deployment_sends_all_and_proves_it_there(first: tuple[Outcome, Path]) -> None:
    outcome, folder = first
    assert outcome.exit_code == 0, outcome.output
    assert "runs now" in outcome.stdout and "PASS, 12 of 12 probes" in outcome.stdout
    root = folder / "ho me" / ".local/share/edgecnn/deploy"
    assert (root / "current" / "model.tflite").read_bytes() == MODEL.read_bytes()
    assert json.loads((root / "current" / "verified.json").read_text())["passed"]
    assert not (root / "incoming").exists()
    made = dict(line.split(" = ") for line in (root / "current" / "venv" / "pyvenv.cfg").read_text().splitlines())
    assert made["home"] != str(folder / "links")  # Python's own folder, not that of a link to it
    for path in (root / "current").resolve().iterdir():
        assert path.is_symlink() or path.stat().st_mode & 0o777 == 0o600
    assert root.stat().st_mode & 0o777 == 0o700


def test_another_model_alone_is_sent_and_taken_back(device: Device, deploy: Deploy) -> None:
    before = printed(deploy(device, MODEL, "--json"))
    assert before["did"] == "deployed" and before["previous"] is None
    start = time.monotonic()
    said = printed(deploy(device, OTHER, "--json"))
    assert time.monotonic() - start < 60
    assert len(OTHER.read_bytes()) < said["sent_bytes"] < len(OTHER.read_bytes()) + 20_480
    assert (device.current / "model.tflite").read_bytes() == OTHER.read_bytes()
    assert said["previous"] == before["release"] and said["release"] == device.current.name

    again = deploy(device, OTHER)
    assert again.exit_code == 0 and "ran there already; nothing was sent" in again.stdout
    assert "sending" not in again.stderr and len(releases(device)) == 2

    no_pythons = device.folder / "no pythons"  # as after an upgrade of its system: releases have their own
    no_pythons.mkdir()
    for version in ("", ".10", ".11", ".12", ".13", ".14"):
        (no_pythons / f"python3{version}").symlink_to("/bin/false")
    settings = device.home / ".bashrc"
    settings.write_text(f"PATH='{no_pythons}':$PATH\n")
    assert "there is no Python on" in sentence(deploy(device, MODEL))
    assert deploy(device, "--status").exit_code == 0
    back = printed(deploy(device, "--rollback", "--json"))
    assert back["did"] == "rolled back" and (device.current / "model.tflite").read_bytes() == MODEL.read_bytes()
    assert "there is no release before the current one" in sentence(deploy(device, "--rollback"))
    settings.unlink()

    for model in (OTHER, MODEL, OTHER):  # the oldest go, two before the current one stay
        assert deploy(device, model).exit_code == 0
    assert releases(device) == ["0003", "0004", "0005"] and device.current.name.startswith("0005-")
    assert deploy(device, MODEL, "--keep", "2").exit_code == 0 and releases(device) == ["0005", "0006"]
    assert deploy(device, OTHER, "--keep", "1").exit_code == 2  # the current one and that before it always stay


def test_status_has_the_device_prove_itself_and_finds_a_byte_that_rotted(device: Device, deploy: Deploy) -> None:
    nothing = deploy(device, "--status")
    assert nothing.exit_code == 1 and "nothing is deployed there" in nothing.stdout
    printed(deploy(device, "--status", "--json"))
    deploy(device, MODEL)
    said = printed(deploy(device, "--status", "--json"))
    assert said["intact"] is True and said["model"] == {
        "name": MODEL.name,
        "sha256": hashlib.sha256(MODEL.read_bytes()).hexdigest(),
        "bytes": MODEL.stat().st_size,
    }
    there = device.current / "model.tflite"
    data = bytearray(there.read_bytes())
    data[1000] ^= 1
    there.write_bytes(data)
    rotten = deploy(device, "--status")
    assert rotten.exit_code == 1 and "DAMAGED there" in rotten.stdout
    mended = deploy(device, MODEL)  # the same model: what is there is not what was sent
    assert mended.exit_code == 0 and "runs now" in mended.stdout
    assert "is damaged" in sentence(deploy(device, "--rollback"))
    assert (device.current / "model.tflite").read_bytes() == MODEL.read_bytes()


def test_a_dry_run_changes_nothing(device: Device, deploy: Deploy) -> None:
    said = printed(deploy(device, MODEL, "--dry-run", "--json"))
    assert said["did"] == "dry run" and said["sent_bytes"] > MODEL.stat().st_size
    assert [path.name for path in device.root.iterdir()] == ["venvs"]


@pytest.mark.parametrize("name", ['it\'s "two"\nlines $(touch x) größe\udcff.tflite', "-rf.tflite"])
def test_odd_names_come_through(name: str, device: Device, deploy: Deploy, tmp_path: Path) -> None:
    shutil.copy(MODEL, tmp_path / name)
    outcome = deploy(device, tmp_path / name)
    assert outcome.exit_code == 0, outcome.output
    assert (device.current / "model.tflite").read_bytes() == MODEL.read_bytes() and not (device.home / "x").exists()


def test_a_signature_is_required_here_and_there(
    device: Device, deploy: Deploy, tmp_path: Path, edgecnn: Callable[..., Outcome]
) -> None:
    key = make_key(tmp_path)
    unsigned = deploy(device, MODEL, "--require-signature", allow(key))
    assert "is not signed, and a signature is required" in sentence(unsigned)
    signed = tmp_path / "signed.tflite"
    shutil.copy(MODEL, signed)
    assert edgecnn("sign", signed, "--key", key).exit_code == 0
    outcome = deploy(device, signed, "--require-signature", allow(key))
    assert outcome.exit_code == 0 and "signed by anna@example.org" in outcome.stdout
    assert (device.current / "allowed_signers").read_text() == allow(key).read_text()
    assert "signed by anna@example.org" in deploy(device, "--status").stdout
    again = deploy(device, signed, "--require-signature", allow(key), "--delegate", "cpu")
    assert again.exit_code == 0 and "give it again" not in outcome.stderr + again.stderr
    less = deploy(device, signed)
    assert "was deployed with --delegate, --require-signature, and this is not" in less.stderr


def test_what_was_checked_is_sent_though_the_file_was_exchanged_since(
    device: Device, deploy: Deploy, tmp_path: Path
) -> None:
    model = Path(shutil.copy(MODEL, tmp_path / "m.tflite"))
    altered = tmp_path / "altered.tflite"
    altered.write_bytes(MODEL.read_bytes()[:-500])
    # The device is this machine: what its shell does when it is logged in to comes between the check and the sending.
    (device.home / ".bashrc").write_text(f"cp '{altered}' '{model}'\n")
    assert deploy(device, model).exit_code == 0
    assert model.read_bytes() == altered.read_bytes()
    assert (device.current / "model.tflite").read_bytes() == MODEL.read_bytes()


def test_samples_are_classified_there_before_the_switch(device: Device, deploy: Deploy, tmp_path: Path) -> None:
    boots = [word for path in sample_images()[:3] for word in ("--sample", str(path))]
    said = printed(deploy(device, MODEL, *boots, "--json"))
    assert said["unlike_samples"] == 0 and not (device.current / "samples").exists()
    from PIL import Image

    white = tmp_path / "white.png"
    Image.new("L", (28, 28), 255).save(white)
    release = device.current
    refused = deploy(device, OTHER, "--sample", white)
    assert "1 of 1 samples are unlike what the model was calibrated with" in sentence(refused)
    (tmp_path / "text.png").write_text("no image")
    assert "cannot classify the samples" in sentence(deploy(device, OTHER, "--sample", tmp_path / "text.png"))
    assert device.current == release
    assert deploy(device, OTHER, "--sample", white, "--max-drift", "100").exit_code == 0
    again = deploy(device, OTHER, "--sample", white)
    assert "nothing was sent" in again.stdout and "so the samples were not looked at" in again.stderr


@pytest.mark.parametrize("name", ["white", f"white.{120 * 'x'}", "white.\udcff"])
def test_a_sample_is_looked_at_whatever_it_is_called(device: Device, deploy: Deploy, tmp_path: Path, name: str) -> None:
    from PIL import Image

    image = Image.new("L", (28, 28), 255)
    image.save(tmp_path / name, "PNG")
    samples = [word for path in (sample_images()[0], tmp_path / name) for word in ("--sample", str(path))]
    refused = deploy(device, MODEL, *samples, "--max-drift", "10")
    assert "1 of 2 samples are unlike" in sentence(refused)


def test_a_login_shell_that_talks_does_not_hinder(
    make_device: Callable[..., Device], deploy: Deploy, tmp_path: Path
) -> None:
    """Whatever is in ~/.bashrc: bash reads it for a command that sshd runs."""
    device = make_device()
    (device.home / ".bashrc").write_text("echo Welcome; echo @hello 5; echo '@done 0'; printf 'no end'\n")
    outcome = deploy(device, MODEL)
    assert outcome.exit_code == 0, outcome.output
