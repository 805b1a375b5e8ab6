"""A Raspberry Pi's camera: `rpicam-vid` as a child process that writes JPEGs. One that hangs can be killed."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator

from edgecnn.errors import InputError, SourceError

from ...camera_program import PACKAGE, PROGRAMS, find_camera_program
from ..frames import Frame
from .jpeg_stream import JpegSplitter
from .retrying import keep_open
from .source import Numbering, SourceSettings, Tell

_CHUNK = 1 << 16
_LINES = 20  # of what the child says, the last


class Camera:
    """The Raspberry Pi's camera; see `edgecnn.device.live.sources.source.FrameSource`."""

    is_live = True

    def __init__(self, settings: SourceSettings, tell: Tell) -> None:
        """Find the program; the camera is opened when frames are asked for.

        Raises:
            InputError: the program is not installed.
        """
        self.program = find_camera_program() or ""
        if not self.program:
            raise InputError(f"the Raspberry Pi's camera needs {PROGRAMS[0]}, which is not {_advice(sys.platform)}")
        self.title = f"the camera ({os.path.basename(self.program)})"
        self._settings, self._tell = settings, tell
        self._stopped = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._splitter = JpegSplitter()

    @property
    def damaged(self) -> int:
        """How many frames came in part only."""
        return self._splitter.damaged

    def __iter__(self) -> Iterator[Frame]:
        """Each frame of the camera, whose program is started anew when it hangs or ends."""
        numbering = Numbering()
        for data in keep_open(self._run, self._stopped, self._tell, self._settings.retry):
            yield numbering.frame(data)

    def close(self) -> None:
        """Stop the camera."""
        self._stopped.set()
        if self._child:
            _end(self._child)

    def _command(self) -> list[str]:
        settings = self._settings
        size = ["--width", str(settings.width), "--height", str(settings.height), "--framerate", f"{settings.fps:g}"]
        # --flush: else the end of each frame waits for the next one.
        return [self.program, "-t", "0", "-n", "--codec", "mjpeg", "--quality", "90", "--flush", *size, "-o", "-"]

    def _run(self) -> Iterator[bytes]:
        """The frames of one run of the program; SourceError when it is over."""
        try:
            # In a group of its own: Ctrl-C reaches it through us, and what it started ends with it.
            child = subprocess.Popen(
                self._command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            raise SourceError(f"{self.program} cannot be started ({error.strerror})") from None
        self._child = child
        stderr_lines: deque[str] = deque(maxlen=_LINES)
        watchdog = _Watchdog(child, self._settings.patience)
        listener = threading.Thread(target=_listen, args=(child, stderr_lines), daemon=True)
        listener.start()
        assert child.stdout is not None  # noqa: S101  # it was asked for
        try:
            while not self._stopped.is_set() and (chunk := child.stdout.read1(_CHUNK)):  # type: ignore[attr-defined]
                for frame in self._splitter.add(chunk):
                    watchdog.feed()
                    yield frame
        finally:
            watchdog.close()
            _end(child)
            listener.join(1)
            if not self._stopped.is_set():  # else it is we who did not wait for the rest of a frame
                self._splitter.forget()
            child.stdout.close()
        if watchdog.bit:
            raise SourceError(f"{self.title} gave no frame for {self._settings.patience:g} s and was stopped")
        raise SourceError(f"{self.title} ended with exit code {child.returncode}{_reason(stderr_lines)}")


def _advice(platform: str) -> str:
    """How that sentence ends."""
    others = {"darwin": "avfoundation:0", "win32": "dshow:video=NAME"}
    if platform in others:
        return f"for this system; for its own camera write --source {others[platform]}, to try it --source samples"
    return f"installed: sudo apt install {PACKAGE}; for a USB camera write --source /dev/video0"


def _listen(child: "subprocess.Popen[bytes]", stderr_lines: "deque[str]") -> None:
    """Keep the last of what the child says; unread, it would stand still one day."""
    assert child.stderr is not None  # noqa: S101  # it was asked for
    with child.stderr as stream:  # which no other thread could close while a process that the child left holds it
        for line in stream:
            stderr_lines.append(line.decode(errors="replace").strip())


def _reason(stderr_lines: "deque[str]") -> str:
    """What of the child's last words says why: a line that speaks of an error, or the last."""
    lines = [line for line in stderr_lines if line]
    telling = [line for line in lines if "error" in line.lower() or "no cameras" in line.lower()] or lines[-1:]
    return f": {telling[-1].strip('* ')}" if telling else ""


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End the child and what it started: kindly first, as it gives the camera back then."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if child.poll() is None:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(0.5)
        if os.name == "posix":
            os.killpg(child.pid, signal.SIGKILL)
    if child.poll() is None:
        child.kill()
    child.wait()


class _Watchdog:
    """Ends a child that gives nothing for a while.

    Attributes:
        bit: whether it had to.
    """

    def __init__(self, child: "subprocess.Popen[bytes]", timeout: float) -> None:
        self.bit = False
        self._child, self._timeout = child, timeout
        self._fed = time.monotonic()
        self._closed = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def feed(self) -> None:
        """There was a frame."""
        self._fed = time.monotonic()

    def close(self) -> None:
        """Watch no more."""
        self._closed.set()

    def _watch(self) -> None:
        while not self._closed.wait(max(0.01, self._fed + self._timeout - time.monotonic())):
            if time.monotonic() - self._fed >= self._timeout:
                self.bit = True
                _end(self._child)
                return
