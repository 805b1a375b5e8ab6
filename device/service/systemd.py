"""systemd, by its own programs: of this user, or of the whole system by sudo."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgecnn.errors import ServiceError

_BOOTED = Path("/run/systemd/system")  # see sd_booted(3)
_LONGEST = 600.0  # seconds that a program may take, other than a start, which waits for the first frame
SYSTEM_UNITS = Path("/etc/systemd/system")


@dataclass(frozen=True)
class Systemd:
    """One of the two managers.

    Attributes:
        is_system: whether it is that of the whole system; else that of this user.
        tell: hears each line before it is run as root.
    """

    is_system: bool
    tell: Callable[[str], None] = lambda _: None

    @property
    def unit_folder(self) -> Path:
        """Where its units are.

        Raises:
            ServiceError: the user has no home folder.
        """
        if self.is_system:
            return SYSTEM_UNITS
        try:
            return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config").absolute() / "systemd" / "user"
        except RuntimeError:
            raise ServiceError("there is no home folder for a service of this user; set HOME") from None

    def environment_file(self, name: str) -> Path:
        """Where the service `name` reads what must not stand in its unit, such as passwords.

        Raises:
            ServiceError: the user has no home folder.
        """
        return self.unit_folder.parents[1] / "edgecnn" / f"{name}.env"

    def systemctl(self, *arguments: str) -> tuple[str, ...]:
        """A line that changes something."""
        if self.is_system:
            return self.as_root("systemctl", *arguments)
        return ("systemctl", "--user", *arguments)

    @staticmethod
    def as_root(*command: str) -> tuple[str, ...]:
        """A line that only root may run; sudo never asks for a password, for nobody may be there."""
        return command if os.getuid() == 0 else ("sudo", "-n", *command)

    def journal(self, unit: str) -> str:
        """The line that shows what a service said."""
        scope = () if self.is_system else ("--user",)
        return shlex.join(("journalctl", *scope, "-u", unit, "-n", "20"))

    def require(self) -> None:
        """Make sure that it is there.

        Raises:
            ServiceError: systemd does not run here, or not for this user.
        """
        if not _BOOTED.is_dir() or not shutil.which("systemctl"):
            raise ServiceError(
                "this machine was not started by systemd, which services are for; have what starts programs here start "
                "edgecnn live"
            )
        if not self.is_system:
            answer = run(("systemctl", "--user", "show", "--property", "Version"))
            if answer.returncode:
                raise ServiceError(
                    f"systemd has no session of {user_name()} here ({last_line(answer)}): log in as that user, not by "
                    f"su or sudo; where nobody does, run sudo loginctl enable-linger {user_name()}, or choose --system"
                )

    def require_root(self) -> None:
        """Make sure that lines can be run as root, where they must be.

        Raises:
            ServiceError: they cannot.
        """
        if not self.is_system or os.getuid() == 0:
            return
        if not shutil.which("sudo"):
            raise ServiceError("a service of the whole system is root's, and there is no sudo here; do this as root")
        answer = run(("sudo", "-n", "true"))
        if answer.returncode:
            raise ServiceError(
                f"a service of the whole system is root's, and sudo does not let it be done ({last_line(answer)}): run "
                "sudo -v, which asks for the password, then this again"
            )

    def do(self, command: tuple[str, ...], given: str | None = None) -> None:
        """Run a line that changes something; of the system's it is said before.

        Raises:
            ServiceError: it failed.
        """
        answer = self.attempt(command, given)
        if answer.returncode:
            raise ServiceError(f"{shlex.join(command)} failed: {last_line(answer)}")

    def attempt(
        self, command: tuple[str, ...], given: str | None = None, longest: float = _LONGEST
    ) -> "subprocess.CompletedProcess[str]":
        """The same, where a failure is no surprise; one that takes longer than so many seconds has failed."""
        if self.is_system:
            self.tell(f"+ {shlex.join(command)}")
        return run(command, given, longest)

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """What systemd knows of a unit; nothing needs root for that.

        Raises:
            ServiceError: it cannot be asked.
        """
        scope = () if self.is_system else ("--user",)
        answer = run(("systemctl", *scope, "show", unit, "--property", ",".join(properties)))
        if answer.returncode:
            raise ServiceError(f"systemd does not say how {unit} is: {last_line(answer)}")
        return dict(line.split("=", 1) for line in answer.stdout.splitlines() if "=" in line)

    def lingers(self) -> bool:
        """Whether services of this user start with the machine, and go on when the user logs out."""
        answer = run(("loginctl", "show-user", user_name(), "--property", "Linger", "--value"))
        return answer.returncode == 0 and answer.stdout.strip() == "yes"


def user_name() -> str:
    """Who runs this process."""
    import pwd  # Windows has none, and no systemd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def run(
    command: tuple[str, ...], given: str | None = None, longest: float = _LONGEST
) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end; one that is not there or does not end in time, in seconds, fails like any other."""
    try:
        return subprocess.run(
            command,
            input=given,
            capture_output=True,
            timeout=longest,
            stdin=None if given is not None else subprocess.DEVNULL,
            encoding="utf-8",
            errors="surrogateescape",
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, "", f"{command[0]} is not installed")
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"no end within {longest:g} seconds")


def last_line(answer: "subprocess.CompletedProcess[str]") -> str:
    """What a program that failed said at the end."""
    said = (answer.stderr or answer.stdout).strip().splitlines()
    return said[-1].strip().rstrip(".") if said else f"exit code {answer.returncode}"
