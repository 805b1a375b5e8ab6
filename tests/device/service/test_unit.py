"""The unit file: what systemd makes of it, however odd the names in it are."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from edgecnn.device.service.unit import (
    ServiceSpec,
    escaped,
    start_seconds,
    unit_name,
    unit_text,
    uses_temporary_folders,
    watchdog_seconds,
)
from edgecnn.errors import InputError

SPEC = ServiceSpec("door", ("/bin/true", "live", "100% \"$HOME\" 'é'\n\udce9\\"), "/opt/a b%c", 60)
SYSTEM = replace(SPEC, user="games", groups=("video",), writable=("/opt/kept",))
LINES = dict(line.split("=", 1) for line in unit_text(SPEC).splitlines() if "=" in line and line[0] != "#")

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")


def analyze(folder: Path, spec: ServiceSpec, *arguments: str) -> "subprocess.CompletedProcess[str]":
    unit = folder / unit_name(spec.name)
    unit.write_text(unit_text(spec))
    (folder / "run").mkdir(exist_ok=True)
    scope = "--system" if spec.user else "--user"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "run")}
    command = ["systemd-analyze", arguments[0], scope, *arguments[1:], str(unit)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)


@needs_systemd
@pytest.mark.parametrize("spec", [SPEC, SYSTEM], ids=["of a user", "of the system"])
def test_systemd_finds_nothing_to_say_of_it(spec: ServiceSpec, tmp_path: Path) -> None:
    found = analyze(tmp_path, spec, "verify", "--man=no")
    assert (found.returncode, found.stderr) == (0, "")  # an unknown value is a warning with exit code 0


@needs_systemd
def test_systemd_does_find_what_is_wrong(tmp_path: Path) -> None:
    assert "not executable" in analyze(tmp_path, replace(SPEC, command=("/opt/none",)), "verify", "--man=no").stderr


@needs_systemd
def test_what_a_service_of_the_system_may_do_stays_little(tmp_path: Path) -> None:
    found = analyze(tmp_path, SYSTEM, "security", "--offline=true", "--threshold=30")
    assert "Overall exposure level" in found.stdout and found.returncode == 0, found.stdout[-100:]


def test_a_station_that_nobody_visits_is_started_again_for_ever() -> None:
    assert (LINES["Type"], LINES["Restart"], LINES["StartLimitIntervalSec"]) == ("notify", "always", "0")
    assert int(LINES["RestartSec"]) >= 3 and LINES["WatchdogSec"] == "60"
    assert int(LINES["TimeoutStartSec"]) > 60 and LINES["WantedBy"] == "default.target"


def test_only_a_service_of_the_system_has_what_needs_root() -> None:
    system = unit_text(SYSTEM)
    for line in ("User=games", "SupplementaryGroups=video", "CapabilityBoundingSet=", "WantedBy=multi-user.target"):
        assert f"\n{line}\n" in system and line not in unit_text(SPEC)
    assert "SupplementaryGroups" not in unit_text(replace(SYSTEM, groups=()))


@pytest.mark.parametrize(
    ("fps", "timeout", "seconds"), [(30, 5, 60), (1000, 0.1, 60), (0.01, 5, 400), (30, 100.2, 401), (0.5, 20, 80)]
)
def test_a_slow_source_has_its_time(fps: float, timeout: float, seconds: int) -> None:
    assert watchdog_seconds(fps, timeout) == seconds


def test_a_model_that_takes_long_to_load_has_that_time_before_systemd_gives_up() -> None:
    assert start_seconds(replace(SPEC, loading=900)) == start_seconds(SPEC) + 900
    assert f"TimeoutStartSec={start_seconds(SPEC) + 900}\n" in unit_text(replace(SPEC, loading=900))


@pytest.mark.parametrize("name", ["", "a/b", "../x", "-x", "a b", "a@b", "a\n", "é", "x" * 65, "door.service", "%i"])
def test_a_name_that_no_unit_can_have_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="a service cannot be called"):
        unit_name(name)


@pytest.mark.parametrize("folder", ["/a\nExecStartPre=/bin/evil", "/a\udce9", "/a\u2028b", "/a\x7f"])
def test_a_folder_that_systemd_cannot_name_is_not_written_to(folder: str) -> None:
    with pytest.raises(InputError, match="rename it"):
        unit_text(replace(SPEC, writable=(folder,)))


@pytest.mark.parametrize("text", ["a\nExecStartPre=/bin/evil", "\\\n[Install]", "a\rb", "\x85", "\udcff"])
def test_no_argument_ends_its_line(text: str) -> None:
    unit = unit_text(replace(SPEC, command=("/bin/true", text), folder=f"/{text}"))
    assert len(unit.splitlines()) == len(unit_text(SPEC).splitlines()) and re.fullmatch(r'".*"', escaped(text))
    assert unit.encode()


@pytest.mark.parametrize(
    ("word", "is_needed"),
    [
        ("/tmp/a", True),  # noqa: S108
        ("kept=/var/tmp/x", True),
        ("/home/tmp/a", False),
        ("/tmpfs/a", False),  # noqa: S108
        ("tmp", False),
        ("../../../tmp/a.avi", True),
        ("doubtful=/opt/../tmp/x,5MB", True),
        ("file:///tmp/a.avi", True),
        ("file:/var/tmp/a.avi", True),
        ("http://door/tmp/a.avi", False),
        ("/opt/a/../tmp", False),
        ("//tmp/a", True),
    ],
)
def test_what_lies_in_tmp_is_seen_by_the_service_too(word: str, is_needed: bool) -> None:
    spec = replace(SPEC, command=("/bin/true", word))
    assert uses_temporary_folders(spec) == is_needed
    assert f"PrivateTmp={'no' if is_needed else 'yes'}\n" in unit_text(spec)
