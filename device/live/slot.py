"""Room for one thing: the newest. What nobody took in time makes way, and is counted."""

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Slot(Generic[T]):
    """Between a thread that makes things and one that takes the newest of them; never a queue.

    Attributes:
        dropped: how many made way for a newer one.
    """

    def __init__(self) -> None:
        """Empty."""
        self._changed = threading.Condition()
        self._item: T | None = None
        self._closed = False
        self.dropped = 0

    def put(self, item: T, *, in_turn: bool = False) -> None:
        """Lay `item` down: in place of what is there, or `in_turn`, when that was taken, unless it is closed."""
        with self._changed:
            if in_turn:
                self._changed.wait_for(lambda: self._item is None or self._closed)
                if self._closed:
                    return
            self.dropped += self._item is not None
            self._item = item
            self._changed.notify_all()

    def take(self, timeout: float | None = None) -> T | None:
        """The newest, as soon as there is one; None after `timeout` seconds, or when it is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._closed, timeout)
            item, self._item = self._item, None
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Nothing more will come; what is there may still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def is_finished(self) -> bool:
        """Whether it is closed and empty."""
        with self._changed:
            return self._closed and self._item is None
