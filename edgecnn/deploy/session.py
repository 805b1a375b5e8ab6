"""A conversation with the shell on a device: a call of one of its functions, and its answer."""

import contextlib
import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO

from edgecnn.errors import DeployError

from .refusals import device_refusal, ssh_refusal
from .ssh import Ssh

_LONGEST_LINE = 1 << 16
_LAST_LINES = 40
_GREETING = b"@hello 0"

Reply = dict[str, list[str]]  # the sections of an answer by name, in their order


class Session:
    """An ssh connection that lasts for all calls, for use in a `with` block."""

    def __init__(self, ssh: Ssh, tell: Callable[[str], None]) -> None:
        """Connect.

        Args:
            ssh: the device.
            tell: hears what the device does.

        Raises:
            DeployError: it cannot be reached, or its host key cannot be checked.
            MissingExtraError: there is no ssh.
        """
        self.destination, self._tell = ssh.destination, tell
        self._said: list[str] = []
        self._is_connected = False
        self._process = subprocess.Popen(
            ssh.command(tell), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        program = Path(__file__).with_name("on_the_pi.sh").read_text(encoding="utf-8")
        try:
            # Before it comes whatever the user's own shell prints, with an end of its last line or without.
            self._send(f"{program}\necho\nemit hello ''\nfinish")
            while (line := self._line()) != _GREETING:
                if not line:
                    raise self._lost()
            self._line()
            self._section()  # that it is done
            self._is_connected = True
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Session":
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        """Hang up; what the device has not been told to switch is left as it was."""
        self.close()

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self._pipe(self._process.stdin).close()
        self._hang_up()
        self._listener.join(1)
        with contextlib.suppress(OSError, ValueError):
            self._pipe(self._process.stdout).close()

    def call(self, function: str, *arguments: object, payload: IO[bytes] | None = None) -> Reply:
        """Call a function on the device.

        Args:
            function: of on_the_pi.sh.
            arguments: of any text.
            payload: what it reads.

        Returns:
            Its answer.

        Raises:
            DeployError: it refuses, or the connection is lost.
        """
        self._send(shlex.join([function, *map(str, arguments)]))
        sender = None
        if payload is not None:
            sender = threading.Thread(target=self._copy, args=(payload,), daemon=True)
            sender.start()
        try:
            reply = self._reply()
        except BaseException:
            if sender is not None:  # it reads what the caller will close
                self._hang_up()
                sender.join()
            raise
        if sender is not None:
            sender.join()
        return reply

    def _reply(self) -> Reply:
        reply: Reply = {}
        while True:
            name, text = self._section()
            if name == "done":
                return reply
            if name == "note":
                self._tell(f"{self.destination}: {text}")
            elif name.startswith("error."):
                raise DeployError(device_refusal(self.destination, name.removeprefix("error."), text))
            else:
                reply.setdefault(name, []).append(text)

    def _hang_up(self) -> None:
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _copy(self, payload: IO[bytes]) -> None:
        with contextlib.suppress(OSError):  # the device has hung up: its answer says why
            stream = self._pipe(self._process.stdin)
            shutil.copyfileobj(payload, stream, 1 << 18)
            stream.flush()

    def _send(self, program: str) -> None:
        data = program.encode(errors="surrogateescape")
        with contextlib.suppress(OSError):
            stream = self._pipe(self._process.stdin)
            stream.write(b"%d\n%s" % (len(data), data))
            stream.flush()

    def _section(self) -> tuple[str, str]:
        """Name and text of the next section."""
        head = self._line().split()
        if len(head) != 2 or not head[0].startswith(b"@") or not head[1].isdigit():
            raise self._lost()
        stream, size = self._pipe(self._process.stdout), int(head[1])
        data = stream.read(size)
        if len(data) != size or stream.read(1) != b"\n":
            raise self._lost()
        return head[0][1:].decode(errors="replace"), data.decode(errors="surrogateescape")

    def _line(self) -> bytes:
        """The next line without its end; empty where the connection has ended."""
        line = self._pipe(self._process.stdout).readline(_LONGEST_LINE)
        return line.rstrip(b"\r\n") or (b" " if line else b"")

    def _listen(self) -> None:
        # It closes what it reads, which another thread could not do while something that ssh left behind holds it.
        with self._pipe(self._process.stderr) as stream:
            for line in stream:
                self._said = [*self._said[-_LAST_LINES:], line.decode(errors="replace").strip()]

    def _lost(self) -> DeployError:
        self._hang_up()
        self._listener.join(1)
        return DeployError(ssh_refusal(self.destination, [line for line in self._said if line], self._is_connected))

    @staticmethod
    def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
        assert stream is not None  # noqa: S101 - all three are pipes
        return stream
