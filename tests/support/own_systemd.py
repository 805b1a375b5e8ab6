"""A real systemd for tests: the manager of a user, in name spaces of its own, where the machine was not started by it.

It has no capabilities, as that of a user who is not root.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

SYSTEMD = Path("/lib/systemd/systemd")
# A group of processes that is its own from top to bottom, as login gives one to each user.
_SETUP = """
mount --make-rprivate / && mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/system &&
umount -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 1
group=/sys/fs/cgroup/edgecnn-test-$$-$2
mkdir $group && echo $$ >$group/cgroup.procs || exit 1
unshare --cgroup --mount sh -c "$1" "$0"
echo $$ >/sys/fs/cgroup/cgroup.procs
find $group -depth -type d -exec rmdir {} +
"""
_START = """
umount /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 1
setpriv --bounding-set=-all --inh-caps=-all "$0" --user --log-target=console &
trap 'kill $!' TERM
wait; wait
"""


class OwnSystemd:
    """One that runs.

    Attributes:
        home: of its user.
        environment: for what is run with it.
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        """In a folder with a short name: those of sockets have their limit."""
        self.home = folder / "home"
        (folder / "run").mkdir(mode=0o700)
        self.home.mkdir()
        self.environment = {**os.environ, "HOME": str(self.home), "XDG_RUNTIME_DIR": str(folder / "run"), **environment}
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "DBUS_SESSION_BUS_ADDRESS", "NOTIFY_SOCKET"):
            self.environment.pop(name, None)
        self.log = folder / "log"
        spaces = ["--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                ["unshare", *spaces, "sh", "-c", _SETUP, str(SYSTEMD), _START, folder.name],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def run(self, *command: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """What a user of it runs."""
        return subprocess.run(
            [*self.enter(cwd), *command], env=self.environment, capture_output=True, text=True, timeout=60
        )

    def enter(self, cwd: Path | None = None) -> tuple[str, ...]:
        """What starts a program where it is."""
        spaces = ("--mount", "--pid", "--cgroup", f"--wd={cwd or '/'}")
        return ("nsenter", "--target", str(self._inside()), *spaces, "--")

    def _inside(self) -> int:
        """The process that waits for the manager."""
        number = self._process.pid
        for _ in range(2):
            number = int(Path(f"/proc/{number}/task/{number}/children").read_text().split()[0])
        return number

    def is_up(self) -> bool:
        """Whether it answers, after waiting for that; False where this machine does not let it."""
        for _ in range(100):
            if self._process.poll() is not None:
                return False
            with contextlib.suppress(OSError, IndexError):
                if self.run("systemctl", "--user", "is-system-running").stdout.strip() in ("running", "degraded"):
                    return True
            time.sleep(0.1)
        return False

    def close(self) -> None:
        """End it, and all that it started."""
        with contextlib.suppress(OSError, IndexError, subprocess.TimeoutExpired):
            os.kill(self._inside(), signal.SIGTERM)
            self._process.wait(10)
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def own_systemd(folder: Path, **environment: str) -> Iterator[OwnSystemd | None]:
    """One for the block; None where there is none."""
    needed = ("unshare", "nsenter", "setpriv", "systemctl")
    if os.name != "posix" or not SYSTEMD.exists() or not all(map(shutil.which, needed)):
        yield None
        return
    manager = OwnSystemd(folder, **environment)
    try:
        yield manager if manager.is_up() else None
    finally:
        manager.close()
