"""A release that runs as a service of a real systemd on the device: it gets well, or the one before runs again."""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgecnn.device import bundled_models
from tests.deploy.conftest import Deploy
from tests.support.command_line import sentence
from tests.support.devices import Device, needs_sshd
from tests.support.own_systemd import OwnSystemd, own_systemd

pytestmark = needs_sshd
MODEL, OTHER = bundled_models()["fashion-mnist"], bundled_models()["fashion-mnist.activations"]
SAMPLES = ("--", "--source", "samples", "--no-page", "--fps", "5")


@pytest.fixture(scope="module")
def systemd() -> Iterator[OwnSystemd]:
    with tempfile.TemporaryDirectory(prefix="edgecnn-") as folder, own_systemd(Path(folder)) as manager:
        if manager is None:
            pytest.skip("no systemd of its own may be started here")
        yield manager


@pytest.fixture
def station(systemd: OwnSystemd, make_device: Callable[..., Device]) -> Device:
    """A device with that systemd."""
    variables = {
        "XDG_RUNTIME_DIR": systemd.environment["XDG_RUNTIME_DIR"],
        "XDG_CONFIG_HOME": f"{systemd.home}/.config",
    }
    return make_device(start=systemd.enter(), **variables)


def says(systemd: OwnSystemd, *arguments: str) -> str:
    return systemd.run("systemctl", "--user", *arguments).stdout.strip()


def test_a_service_goes_on_with_the_next_model_and_comes_back_when_that_fails(
    station: Device, systemd: OwnSystemd, deploy: Deploy, tmp_path: Path
) -> None:
    first = deploy(station, MODEL, "--service", "door", *SAMPLES)
    assert first.exit_code == 0, first.output
    assert "edgecnn-door.service runs, and has classified a frame" in first.stderr
    assert deploy(station, OTHER).exit_code == 0  # with the service of before
    process = says(systemd, "show", "edgecnn-door", "--property", "MainPID", "--value")
    line = systemd.run("cat", f"/proc/{process}/cmdline").stdout.split("\0")
    assert line[-6:-1] == list(SAMPLES[1:]) and f"{station.root}/current/model.tflite" in line
    release = station.current

    text = tmp_path / "text.jpg"
    text.write_text("no image")
    failed = deploy(station, MODEL, "--service", "door", "--", "--source", str(text), "--no-page")
    assert "did not get well with this release" in sentence(failed) and "text.jpg" in failed.stderr
    assert station.current == release and says(systemd, "is-active", "edgecnn-door") == "active"

    status = deploy(station, "--status", "--json")
    assert status.exit_code == 0 and json.loads(status.stdout)["service"]["status"]["active"] is True
    back = deploy(station, "--rollback")
    assert back.exit_code == 0 and (station.current / "model.tflite").read_bytes() == MODEL.read_bytes()
    assert deploy(station, MODEL, "--service", "gate", *SAMPLES).exit_code == 0
    assert says(systemd, "is-active", "edgecnn-gate") == "active"
    assert says(systemd, "show", "edgecnn-door", "--property", "LoadState", "--value") == "not-found"
    assert deploy(station, OTHER, "--no-service").exit_code == 0
    assert says(systemd, "show", "edgecnn-gate", "--property", "LoadState", "--value") == "not-found"


def test_where_no_service_may_be_it_is_said_before_anything_is_sent(device: Device, deploy: Deploy) -> None:
    assert "systemd has no session for you" in sentence(deploy(device, MODEL, "--service", "door", *SAMPLES))
    assert not (device.root / "releases").exists()
    assert "needs systemd and a sudo" in sentence(deploy(device, MODEL, "--system", *SAMPLES))
