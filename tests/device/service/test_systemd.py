"""systemd is driven by its own programs: what each line is, and what is made of a program that fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgecnn.device.service.systemd import Systemd, last_line
from edgecnn.errors import ServiceError

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
