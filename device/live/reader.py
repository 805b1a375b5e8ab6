"""A thread that reads a source ahead by one frame: of what is live, whoever takes frames gets the newest."""

import threading

from edgecnn.errors import EdgecnnError, SourceError

from .frames import Frame
from .slot import Slot
from .sources.source import FrameSource


class FrameReader:
    """Reads a source into a slot.

    Attributes:
        source: what is read.
    """

    def __init__(self, source: FrameSource) -> None:
        """Begin to read."""
        self.source = source
        self._slot: Slot[Frame] = Slot()
        self._error: Exception | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._read, name="edgecnn frames", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Frames that made way for newer ones."""
        return self._slot.dropped

    def _read(self) -> None:
        try:
            for frame in self.source:
                if self._stopped:
                    return
                self._slot.put(frame, in_turn=not self.source.is_live)
        except Exception as error:  # whoever takes frames raises it
            self._error = error
        finally:
            self._slot.close()

    def take(self, timeout: float) -> Frame | None:
        """The newest frame that nobody has taken; None if none came within `timeout` seconds, or there are no more."""
        return self._slot.take(timeout)

    @property
    def is_finished(self) -> bool:
        """Whether there will be no more frames."""
        return self._slot.is_finished

    def raise_failure(self) -> None:
        """To be called when it has finished.

        Raises:
            EdgecnnError: because the source failed.
        """
        if self._error is None or self._stopped:
            return
        if isinstance(self._error, EdgecnnError):
            raise self._error
        raise SourceError(f"{self.source.title} failed: {type(self._error).__name__}: {self._error}") from self._error

    def close(self) -> None:
        """Stop reading; the thread ends within a second, or with the process if a library does not return."""
        self._stopped = True
        self.source.close()
        self._slot.close()
        self._thread.join(1)
