"""The shape of a source of frames, and what all of them may be told."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from ..frames import Frame, frame_name

Tell = Callable[[str], None]

# Devices, by what libav calls their kind: `avfoundation:0` is the first camera of a Mac.
DEVICE_FORMATS = ("v4l2", "avfoundation", "dshow", "lavfi")


@dataclass(frozen=True)
class SourceSettings:
    """How a source is to be opened; each takes what means something to it.

    Attributes:
        width: pixels that a camera is asked for.
        height: likewise.
        fps: frames a second that a camera is asked for, and at which images of a folder follow one another.
        timeout: seconds without a frame, after which a camera or a stream is closed and opened anew.
        retry: seconds before it is opened anew; twice as long after each time in vain, up to 30.
        paced: whether a film or a folder gives its frames at their time; else as fast as they are taken.
        loop: whether a film or a folder begins again when it has ended.
    """

    width: int = 640
    height: int = 480
    fps: float = 30.0
    timeout: float = 5.0
    retry: float = 1.0
    paced: bool = True
    loop: bool = False

    @property
    def patience(self) -> float:
        """Seconds without a frame, after which a camera is opened anew: `timeout`, or the time of two frames."""
        return max(self.timeout, 2 / self.fps)


class FrameSource(Protocol):
    """Frames, one after another.

    A new source is a class of this shape in a file of its own, and a row in `opening.SOURCES`.

    Attributes:
        title: what it is, in words.
        is_live: whether time goes on in it, so that of frames that nobody took only the newest counts; of a folder's
            images each does.
    """

    title: str
    is_live: bool

    @property
    def damaged(self) -> int:
        """How many frames came in a state that no image can be made of."""
        ...

    def __iter__(self) -> Iterator[Frame]:
        """Open it, and give each frame when it comes.

        Raises:
            SourceError: it gives none, and opening it anew does not help.
        """
        ...

    def close(self) -> None:
        """From another thread: the iteration ends soon, without an error."""
        ...


class Numbering:
    """Numbers the frames of one source, whichever way it was opened."""

    def __init__(self) -> None:
        """None yet."""
        self._number = 0

    def frame(self, data: bytes, name: str = "") -> Frame:
        """The next frame, which came now."""
        self._number += 1
        return Frame(data, self._number, name or frame_name(self._number), time.monotonic(), time.time())


class Pace:
    """Waits until it is time for the next frame; a stop ends the wait."""

    def __init__(self, stopped: threading.Event) -> None:
        """Time begins with the first frame."""
        self._stopped = stopped
        self._started: float | None = None

    def wait_until(self, seconds: float) -> None:
        """Wait until so many seconds after the first frame have passed."""
        now = time.monotonic()
        if self._started is None:
            self._started = now - seconds
        self._stopped.wait(max(0.0, self._started + seconds - now))
