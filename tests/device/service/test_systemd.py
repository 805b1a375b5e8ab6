"""systemd is driven by its own programs: what each line is, and what is made of a program that fails."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgecnn.device.service import systemd
from edgecnn.device.service.installing import install, remove
from edgecnn.device.service.status import ServiceStatus, service_status
from edgecnn.device.service.systemd import Systemd, last_line
from edgecnn.device.service.unit import MARK, ServiceSpec, start_seconds, watchdog_seconds
from edgecnn.errors import OutputError, ServiceError

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="systemd is Linux's")


@pytest.mark.parametrize(
    ("out", "err", "line"),
    [
        ("", "Failed to connect to bus.\n", "Failed to connect to bus"),
        ("asked\n", "first\n  Unit x.service not found.\n\n", "Unit x.service not found"),
        ("offline\n", "", "offline"),
        ("", " \n", "exit code 4"),
    ],
)
def test_why_a_program_failed_is_its_last_word(out: str, err: str, line: str) -> None:
    assert last_line(subprocess.CompletedProcess(("systemctl",), 4, out, err)) == line


@pytest.mark.parametrize(
    ("is_system", "line"), [(True, "journalctl -u a.service -n 20"), (False, "--user -u a.service")]
)
def test_the_journal_of_a_service_is_that_of_its_manager(is_system: bool, line: str) -> None:
    journal = Systemd(is_system).journal("a.service")
    assert line in journal and ("--user" in journal) != is_system


def test_what_only_root_may_do_goes_by_sudo_that_never_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    for user, expected in ((0, ("systemctl", "stop", "x")), (1000, ("sudo", "-n", "systemctl", "stop", "x"))):
        monkeypatch.setattr(os, "getuid", lambda user=user: user)
        assert Systemd(is_system=True).systemctl("stop", "x") == expected
    assert Systemd(is_system=False).systemctl("stop", "x") == ("systemctl", "--user", "stop", "x")


def test_a_line_that_fails_is_a_sentence_and_that_of_the_system_is_said_before() -> None:
    said: list[str] = []
    with pytest.raises(ServiceError, match=r"^sh -c 'echo no bus >&2; exit 3' failed: no bus$"):
        Systemd(is_system=True, tell=said.append).do(("sh", "-c", "echo no bus >&2; exit 3"))
    assert said == ["+ sh -c 'echo no bus >&2; exit 3'"]
    Systemd(is_system=False, tell=said.append).do(("sh", "-c", 'test "$(cat)" = unit'), "unit")
    assert len(said) == 1  # nobody's root is used


def test_a_line_may_take_as_long_as_is_said() -> None:
    late = Systemd(is_system=False).attempt(("sleep", "60"), longest=0.2)
    assert (late.returncode, last_line(late)) == (124, "no end within 0.2 seconds")
    assert Systemd(is_system=False).attempt(("sleep", "0.01"), longest=60).returncode == 0


def test_a_start_is_waited_for_until_systemd_itself_gives_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that is slow to be opened anew may take longer than any other line."""
    spec = ServiceSpec("slow", ("/bin/true",), "/", watchdog=watchdog_seconds(30, 3600))
    waited: dict[str, float] = {}

    def run(command: tuple[str, ...], _: str | None = None, longest: float = 600) -> "subprocess.CompletedProcess[str]":
        waited[command[2]] = longest
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(systemd, "_BOOTED", tmp_path)
    monkeypatch.setattr(shutil, "which", str)
    monkeypatch.setattr(systemd, "run", run)
    install(spec, Systemd(is_system=False))
    (unit,) = (tmp_path / "systemd" / "user").glob("*.service")
    limit = int(unit.read_text().partition("TimeoutStartSec=")[2].split()[0])
    assert waited["restart"] > limit == start_seconds(spec) > 4 * 3600 and waited["enable"] == 600


def test_without_sudo_a_service_of_the_system_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    Systemd(is_system=False).require_root()
    with pytest.raises(ServiceError, match="there is no sudo here; do this as root"):
        Systemd(is_system=True).require_root()


@pytest.mark.parametrize(("answer", "lingers"), [("echo yes", True), ("echo no", False), ("echo yes; exit 1", False)])
def test_a_users_services_start_with_the_machine_where_loginctl_says_so(
    answer: str, lingers: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pwd

    asked = f"show-user {pwd.getpwuid(os.getuid()).pw_name} --property Linger --value"
    program = tmp_path / "loginctl"
    program.write_text(f'#!/bin/sh\ntest "$*" = "{asked}" || exit 2\n{answer}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Systemd(is_system=False).lingers() is lingers


SPEC = ServiceSpec("door", ("/bin/true", "live"), "/opt", 60)


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the units of the system and of the user are, on a machine whose systemd does all that it is told."""
    folder = tmp_path / "systemd" / "user"
    folder.mkdir(parents=True)
    for name, value in (("_BOOTED", tmp_path), ("SYSTEM_UNITS", folder)):
        monkeypatch.setattr(systemd, name, value)
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path / 'programs'}:{os.environ['PATH']}")
    (tmp_path / "programs").mkdir()
    write_program(tmp_path, "systemctl", "exit 0")
    return folder


def write_program(folder: Path, name: str, line: str) -> None:
    path = folder / "programs" / name
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


FULL = "echo 'No space left on device' >&2; exit 1"
ON_A_FULL_DISK = {  # the manager; the program that finds no room, and what it does then
    "the user's enables": (False, "systemctl", f'[ "$2" != enable ] || {{ {FULL}; }}'),
    "the system's enables": (True, "systemctl", f'[ "$1" != enable ] || {{ {FULL}; }}'),
    "the system's half unit": (True, "install", f'for last; do :; done; echo "[Unit" >"$last"; {FULL}'),
}


@pytest.mark.parametrize("case", ON_A_FULL_DISK)
def test_on_a_full_disk_no_part_of_a_service_stays_and_an_old_unit_is_whole(
    case: str, units: Path, tmp_path: Path
) -> None:
    is_system, program, line = ON_A_FULL_DISK[case]
    write_program(tmp_path, program, line)
    with pytest.raises(ServiceError, match=r"failed: No space left on device$"):
        install(SPEC, Systemd(is_system))
    assert not list(units.iterdir())
    (units / "edgecnn-door.service").write_text(f"{MARK}\nof before")
    with pytest.raises(ServiceError, match=r"failed: No space left on device$"):
        install(SPEC, Systemd(is_system), force=True)
    (unit,) = units.iterdir()
    assert (unit.read_text() == f"{MARK}\nof before") == (program == "install")
    assert unit.name == "edgecnn-door.service" and unit.read_text().startswith(MARK)


def test_a_unit_of_the_user_that_cannot_be_written_is_a_sentence(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OutputError, match=r"cannot write .*edgecnn-door\.service: No space left on device$"):
        install(SPEC, Systemd(is_system=False))
    assert not list(units.iterdir())


def write_manager(folder: Path, state: str) -> Path:
    """A systemctl that keeps what it is told, and says so of a unit; the file of what it was told."""
    log = folder / "told.txt"
    write_program(folder, "systemctl", f'echo "$*" >>"{log}"; [ "$2" != show ] || echo ActiveState={state}')
    return log


def test_a_service_is_removed_with_what_systemd_keeps_of_it(units: Path, tmp_path: Path) -> None:
    unit, log = units / "edgecnn-door.service", write_manager(tmp_path, "inactive")
    unit.write_text(f"{MARK}\n[Unit]")
    (units / "edgecnn-gate.service").write_text(f"{MARK}\n[Unit]")
    remove("door", Systemd(is_system=False))
    assert [path.name for path in units.iterdir()] == ["edgecnn-gate.service"]
    told = [line.split("--user ")[1].split(" edgecnn-")[0] for line in log.read_text().splitlines()]
    assert told == [
        *("show --property Version", "daemon-reload", "disable", "stop", "clean --what state,runtime"),
        *("daemon-reload", "reset-failed", "show"),
    ]
    with pytest.raises(
        ServiceError, match=r"there is no service edgecnn-door\.service: .* does not exist; name another"
    ):
        remove("door", Systemd(is_system=False))


def test_a_service_that_still_runs_and_a_unit_of_somebody_else_are_told(units: Path, tmp_path: Path) -> None:
    write_manager(tmp_path, "active")
    unit = units / "edgecnn-door.service"
    unit.write_text(f"{MARK}\n[Unit]")
    words = r"is removed, but still runs: systemctl --user kill edgecnn-door\.service ends it"
    with pytest.raises(ServiceError, match=words):
        remove("door", Systemd(is_system=False))
    unit.write_text("[Unit]")
    with pytest.raises(OutputError, match="was not written by edgecnn service install, and stays"):
        remove("door", Systemd(is_system=False))
    assert unit.read_text() == "[Unit]"


def write_answers(folder: Path, **known: object) -> None:
    """A systemd that knows this of every unit, and of no user whose services start with the machine."""
    (folder / "known.txt").write_text("".join(f"{name}={value}\n" for name, value in known.items()))
    write_program(folder, "systemctl", f'cat "{folder / "known.txt"}"')
    write_program(folder, "loginctl", "echo no")


@pytest.mark.parametrize("is_system", [True, False])
def test_how_a_service_is_doing_is_what_systemd_knows(is_system: bool, units: Path, tmp_path: Path) -> None:
    fed = int((time.monotonic() - 2) * 1e6)
    states = {"LoadState": "loaded", "UnitFileState": "enabled", "ActiveState": "active", "SubState": "running"}
    rest = {"Result": "success", "NRestarts": 3, "WatchdogTimestampMonotonic": fed, "StatusText": "it says = this"}
    write_answers(tmp_path, **states, **rest)
    found = service_status("door", Systemd(is_system))
    assert found.last_frame_s is not None and 2 <= found.last_frame_s < 100
    assert found == ServiceStatus(
        "edgecnn-door.service", is_system, installed=True, enabled=True, at_boot=is_system, active=True,
        state="running", result="success", restarts=3, last_frame_s=found.last_frame_s, message="it says = this",
    )  # fmt: skip


def test_a_service_that_is_not_there_or_has_ended_has_no_last_frame(units: Path, tmp_path: Path) -> None:
    write_answers(tmp_path, LoadState="not-found", ActiveState="inactive", SubState="dead", Result="success")
    gone = service_status("door", Systemd(is_system=True))
    assert (gone.installed, gone.enabled, gone.at_boot, gone.active, gone.last_frame_s) == (*4 * [False], None)
    write_answers(tmp_path, LoadState="loaded", ActiveState="failed", Result="watchdog", WatchdogTimestampMonotonic=1)
    ended = service_status("door", Systemd(is_system=True))
    assert ended.installed and (ended.state, ended.result, ended.last_frame_s) == ("unknown", "watchdog", None)
