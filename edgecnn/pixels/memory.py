"""Free memory, and decoding side by side only as far as it goes."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")
# Where the system does not say what is free.
_USUAL_BYTES = 512 << 20
# Of what is free: the rest is for the runtime, and for what else runs.
_SHARE = 0.5
# Pillow holds RGB in four bytes a pixel, and the conversion of a PNG or a CMYK image makes a second picture.
BYTES_PER_PIXEL = 8


def free_bytes() -> int:
    """What this process may still take, by the system and by the limit of its control group."""
    free = _USUAL_BYTES
    with contextlib.suppress(OSError, ValueError, IndexError, StopIteration):
        lines = _MEMINFO.read_text().splitlines()
        free = 1024 * int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1])
    with contextlib.suppress(OSError, ValueError):
        limit, used = (int((_CGROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        free = min(free, max(0, limit - used))
    return free


class MemoryGate:
    """Lets images through as long as all that are being decoded fit a budget; one always, whatever its size."""

    def __init__(self, budget: int | None = None) -> None:
        """Take `budget` in bytes; by default half of what is free now."""
        self._budget = int(_SHARE * free_bytes()) if budget is None else budget
        self._used, self._changed = 0, threading.Condition()

    @contextlib.contextmanager
    def holding(self, pixels: int) -> Iterator[None]:
        """Wait until an image of so many pixels may be decoded; it is done with when the block ends."""
        needed = pixels * BYTES_PER_PIXEL
        with self._changed:
            self._changed.wait_for(lambda: not self._used or self._used + needed <= self._budget)
            self._used += needed
        try:
            yield
        finally:
            with self._changed:
                self._used -= needed
                self._changed.notify_all()
