"""What systemd is told of a watcher: that it is ready, that it goes on, that it ends. See sd_notify(3)."""

import os
import socket
import time
from types import TracebackType

from edgecnn.errors import EdgecnnError, InputError
from edgecnn.printable import printable

from .observation import Observation
from .watcher import Watcher

_BETWEEN_STATUS = 1.0  # seconds
_MOST_CHARACTERS = 200  # of a status


class ServiceManager:
    """Tells the service manager of a watcher: ready with the first classified frame, alive with each one.

    Only a classified frame counts. A program whose camera hangs says nothing more, and the manager starts it anew.
    """

    def __init__(self, watcher: Watcher, address: str) -> None:
        """Listen to `watcher` from now on.

        Args:
            watcher: whose frames count.
            address: of the manager's datagram socket; `@` at its start stands for the abstract name space.

        Raises:
            InputError: there is no such socket.
        """
        self._watcher, self._is_ready, self._next_status = watcher, False, 0.0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)  # a manager that is stuck does not hold the camera up
        name = os.fsencode(address)
        try:
            self._socket.connect(b"\0" + name[1:] if name.startswith(b"@") else name)
        except OSError as error:
            self._socket.close()
            raise InputError(
                f"NOTIFY_SOCKET is {address}, where no service manager listens ({error.strerror or error}); unset it"
            ) from None
        watcher.listeners.append(self._see)
        watcher.notes.append(self._hear)

    def __enter__(self) -> "ServiceManager":
        """For a block in which the watcher is set up and runs."""
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        """Say that the end has come, and why where that is a failure."""
        self._watcher.listeners.remove(self._see)
        self._watcher.notes.remove(self._hear)
        self._send(*([_status(str(error))] if isinstance(error, EdgecnnError) else []), "STOPPING=1")
        self._socket.close()

    def _see(self, seen: Observation) -> None:
        parts = [] if self._is_ready else ["READY=1"]
        now = time.monotonic()
        if now >= self._next_status:
            self._next_status = now + _BETWEEN_STATUS
            best, status = seen.predictions[0], self._watcher.status
            counts = f"{status.frames:,} {'frame' if status.frames == 1 else 'frames'}, {status.dropped:,} dropped"
            shadow = f"; {status.shadow}" if status.shadow else ""
            parts.append(_status(f"{best.label} {best.score:.1%}, {counts}{shadow}"))
        if self._send(*parts, "WATCHDOG=1"):
            self._is_ready = True

    def _hear(self, sentence: str) -> None:
        self._next_status = time.monotonic() + _BETWEEN_STATUS
        self._send(_status(sentence))

    def _send(self, *assignments: str) -> bool:
        """Whether it was taken. A manager that went away or is stuck hears the next one, or not: the camera goes on."""
        try:
            self._socket.send("\n".join(assignments).encode())
        except OSError:
            return False
        return True


def _status(text: str) -> str:
    """One line: what does not show is escaped."""
    return f"STATUS={printable(text)[:_MOST_CHARACTERS]}"


def tell_service_manager(watcher: Watcher) -> ServiceManager | None:
    """Tell the service manager that started this process, if one did; children are not to tell it anything.

    Raises:
        InputError: it wants to be told, and cannot be reached.
    """
    address = os.environ.pop("NOTIFY_SOCKET", "")
    return ServiceManager(watcher, address) if address else None
