"""A service is installed, watched over and removed by a real systemd, without capabilities as that of any user."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from edgecnn.device.service.unit import MARK, ServiceSpec, unit_text
from tests.support.cameras import SCRIPT, garment
from tests.support.own_systemd import OwnSystemd, own_systemd
from tests.support.waiting import until

SCHEMA = Path(__file__).parents[3] / "docs" / "reference" / "schemas" / "v1" / "service-status.schema.json"
PYTHON = sys.executable
SAMPLES = ("--", "--source", "samples", "--no-page")


@pytest.fixture(scope="module")
def systemd() -> Iterator[OwnSystemd]:
    with tempfile.TemporaryDirectory(prefix="edgecnn-") as folder, own_systemd(Path(folder)) as manager:
        if manager is None:
            pytest.skip("no systemd of its own may be started here")
        yield manager


def edgecnn(systemd: OwnSystemd, *arguments: str, cwd: Path | None = None) -> tuple[int, str, str]:
    answer = systemd.run(PYTHON, "-m", "edgecnn", "service", *arguments, cwd=cwd)
    assert "Traceback" not in answer.stderr, answer.stderr
    return answer.returncode, answer.stdout, answer.stderr


def files(folder: Path) -> set[Path]:
    """All but the caches."""
    return {path for path in folder.rglob("*") if not path.is_dir() and ".cache" not in path.parts}


def start(systemd: OwnSystemd, spec: ServiceSpec) -> None:
    """By hand, and with a shorter wait before it is started again."""
    folder = systemd.home / ".config" / "systemd" / "user"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"edgecnn-{spec.name}.service").write_text(unit_text(spec).replace("RestartSec=5", "RestartSec=100ms"))
    assert systemd.run("systemctl", "--user", "daemon-reload").returncode == 0
    assert systemd.run("systemctl", "--user", "start", f"edgecnn-{spec.name}").returncode == 0


def test_a_service_runs_until_it_is_removed_and_leaves_nothing(systemd: OwnSystemd) -> None:
    before = files(systemd.home)
    code, said, notes = edgecnn(systemd, "install", "fashion-mnist", "--name", "door", *SAMPLES)
    assert code == 0 and said == "edgecnn-door.service runs, and has classified a frame\n", notes
    assert "loginctl enable-linger" in notes
    assert "already; add --force" in edgecnn(systemd, "install", "fashion-mnist", "--name", "door", *SAMPLES)[2]
    code, said, _ = edgecnn(systemd, "status", "--name", "door", "--json")
    status = json.loads(said)
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(status)
    assert code == 0 and status["active"] and status["installed"] and not status["at_boot"] and not status["restarts"]
    assert 0 <= status["last_frame_s"] < 2 and status["message"].endswith("0 dropped")
    assert "last frame classified 0." in edgecnn(systemd, "status", "--name", "door")[1]
    code, said, _ = edgecnn(systemd, "remove", "--name", "door")
    assert (code, said) == (0, "edgecnn-door.service is removed\n") and files(systemd.home) == before
    assert not list(systemd.home.rglob("edgecnn-door*")) and "edgecnn-door" not in systemd.run("ps", "ax").stdout
    code, said, _ = edgecnn(systemd, "status", "--name", "door")
    assert code == 1 and said == "edgecnn-door.service (your own): not installed\n"
    code, _, notes = edgecnn(systemd, "remove", "--name", "door")
    assert code == 1 and "there is no service edgecnn-door.service" in notes


def test_a_service_that_does_not_start_is_told_with_its_reason(systemd: OwnSystemd, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no image")
    code, said, notes = edgecnn(
        systemd, "install", "fashion-mnist", "--name", "blind", "--", "--source", "text.jpg", "--no-page", cwd=tmp_path
    )
    assert code == 1 and not said and "has not classified a frame yet: text.jpg" in notes and "journalctl" in notes
    code, said, _ = edgecnn(systemd, "status", "--name", "blind", "--json")
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(json.loads(said))
    assert code == 1 and json.loads(said)["last_frame_s"] is None
    assert edgecnn(systemd, "remove", "--name", "blind")[0] == 0


def test_a_unit_that_systemd_cannot_read_is_removed_too(systemd: OwnSystemd) -> None:
    folder = systemd.home / ".config" / "systemd" / "user"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "edgecnn-torn.service").write_text(f"{MARK}\n[Service]\nExecStart=nowhere\n")
    code, said, notes = edgecnn(systemd, "remove", "--name", "torn")
    assert (code, said) == (0, "edgecnn-torn.service is removed\n"), notes
    assert not (folder / "edgecnn-torn.service").exists()


def test_a_unit_of_somebody_else_stays(systemd: OwnSystemd) -> None:
    folder = systemd.home / ".config" / "systemd" / "user"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "edgecnn-own.service").write_text("[Service]\nExecStart=/bin/true\n")
    for arguments in (("remove", "--name", "own"), ("install", "fashion-mnist", "--name", "own", "--force", *SAMPLES)):
        code, _, notes = edgecnn(systemd, *arguments)
        assert code == 1 and "was not written by edgecnn service install, and stays" in notes
    (folder / "edgecnn-own.service").unlink()


@pytest.mark.parametrize("place", ["a b", "100%", "$HOME", 'it\'s "x"', "back\\slash", "line\nbreak", "b\udce9yte"])
def test_odd_names_come_through(place: str, systemd: OwnSystemd, tmp_path: Path) -> None:
    """The folder, the program in it, and its arguments."""
    folder = tmp_path / place
    folder.mkdir()
    program = folder / "program"
    program.write_text(f"#!{PYTHON} -ISs\n{_SAYS_WHERE_AND_WHAT}")
    program.chmod(0o755)
    arguments = (str(folder), place, "", "%n", "${PATH}", "\t")
    spec = ServiceSpec("odd", (str(program), *arguments), str(folder), 60, path=f"/usr/bin:{folder}")
    if not any(ord(character) < 32 or ord(character) > 126 for character in place):
        spec = replace(spec, writable=(str(folder),))
    start(systemd, spec)
    answer = json.loads((folder / "said.json").read_text())
    found = "/usr/bin" if "\udce9" in place else spec.path  # systemd takes no variable that is not UTF-8
    assert answer == [os.fsencode(word).hex() for word in (found, str(folder), *arguments)]
    systemd.run("systemctl", "--user", "stop", "edgecnn-odd")


def test_a_camera_that_hangs_has_the_service_started_anew(systemd: OwnSystemd, tmp_path: Path) -> None:
    """The first run hangs after two frames and is not given up by the program itself within the watchdog's time."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "0.jpg").write_bytes(garment())
    camera = tmp_path / "rpicam-vid"
    settings = f"CAMERA_IMAGES='{tmp_path}/images' CAMERA_LOG='{tmp_path}/runs' CAMERA_RUNS='hangs:2 steady'"
    program = tmp_path / "program.py"
    program.write_text(SCRIPT.read_text())
    camera.write_text(f"#!/bin/sh\nexec env {settings} '{PYTHON}' -ISs '{program}' \"$@\"\n")
    camera.chmod(0o755)
    live = (PYTHON, "-m", "edgecnn", "live", "fashion-mnist", "--no-page", "--timeout", "60")
    start(systemd, ServiceSpec("hung", live, str(tmp_path), 1, path=f"{tmp_path}:{os.environ['PATH']}"))

    assert until(lambda: len((tmp_path / "runs").read_text().splitlines()) == 2)
    assert until(lambda: systemd.run("systemctl", "--user", "is-active", "edgecnn-hung").stdout == "active\n")
    assert "started anew once since" in edgecnn(systemd, "status", "--name", "hung")[1]
    assert edgecnn(systemd, "remove", "--name", "hung")[0] == 0


def test_each_line_is_said_before_it_is_run_as_root(systemd: OwnSystemd, tmp_path: Path) -> None:
    """By one who is not root; in the place of sudo is a program that writes down what it is asked to do."""
    log, sudo = tmp_path / "log", tmp_path / "sudo"
    sudo.write_text(f"#!/bin/sh\necho \"+ sudo $*\" >>'{log}'\n[ \"$2\" != install ] || cat >'{tmp_path}/unit'\n")
    sudo.chmod(0o755)
    user = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "env", f"PATH={tmp_path}:{os.environ['PATH']}")
    install = (PYTHON, "-m", "edgecnn", "service", "install", "fashion-mnist", "--system", "--name", "edgecnn-test")
    answer = systemd.run(*user, *install, *SAMPLES)
    if "unshare" in answer.stderr:
        pytest.skip("nobody may be another user here")
    asked, *lines = log.read_text().splitlines()
    assert answer.returncode == 0 and asked == "+ sudo -n true", answer.stderr
    assert lines == [line for line in answer.stderr.splitlines() if line.startswith("+ ")]
    unit = "edgecnn-edgecnn-test.service"
    assert [line.split()[3] for line in lines] == ["install", "mv", "systemctl", "systemctl", "systemctl"]
    assert lines[1].endswith(f"/etc/systemd/system/{unit}") and lines[-1] == f"+ sudo -n systemctl restart {unit}"
    assert "\nCapabilityBoundingSet=\n" in (tmp_path / "unit").read_text()
    dry = systemd.run(*user, *install, "--dry-run", *SAMPLES)
    assert dry.stdout == (tmp_path / "unit").read_text()
    assert [f"+ {line}" for line in dry.stderr.splitlines() if line.startswith("sudo")] == lines
    sudo.write_text("#!/bin/sh\necho sudo: a password is required >&2\nexit 1\n")
    refused = systemd.run(*user, *install, *SAMPLES)
    assert refused.returncode == 1 and "run sudo -v, which asks for the password" in refused.stderr
    assert "+ " not in refused.stderr


_SAYS_WHERE_AND_WHAT = """\
import json, os, socket, sys
with open("said.json", "w") as file:
    json.dump([os.fsencode(word).hex() for word in (os.environ["PATH"], os.getcwd(), *sys.argv[1:])], file)
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
sys.stdin.read(); import time; time.sleep(60)
"""
