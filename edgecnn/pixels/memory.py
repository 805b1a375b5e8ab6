"""Free memory: an image that does not fit is refused before it is decoded, and many are decoded as far as they fit."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from ..errors import InputError

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")
_GROUPS_HERE = Path("/proc/self/cgroup")
# By version of control groups: the limit, what is used, and the line of memory.stat with what would be given back.
_FILES = {1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
          2: ("memory.max", "memory.current", "inactive_file")}  # fmt: skip
# Where the system does not say what is free: for decoding side by side, and for one image.
_USUAL_BYTES = 512 << 20
_MOST_BYTES = 1 << 30
# Of what is free: the rest is for the runtime, and for what else runs.
_SHARE = 0.5
# Less than this is not asked for: looking takes longer than it is worth.
_SMALL_BYTES = 32 << 20
# Measured at the peak, bytes a pixel beyond the file itself: Pillow holds colours in four bytes a pixel, and what is
# converted is there twice; of these decoders more.
_TRANSPARENT, _COLOURS, _PROFILE = 16, {"CMYK": 9, "I": 12, "I;16": 8, "I;16B": 8, "I;16L": 8}, 7
_OF_FORMAT = {"WEBP": 16, "AVIF": 10, "HEIF": 12, "JPEG2000": 20}


def free_bytes() -> int:
    """What this process may still take, by the system and by the limits of its control groups."""
    return min(_free_by_system() or _USUAL_BYTES, *_free_by_groups(), 1 << 62)


def _free_by_system() -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError, StopIteration):
        lines = _MEMINFO.read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1])
    return None


def _free_by_groups() -> Iterator[int]:
    """What each group leaves that this process is in; without those that have no limit."""
    for folder, version in _groups():
        limit, used, given_back = _FILES[version]
        with contextlib.suppress(OSError, ValueError):  # `max` is no number
            free = int((folder / limit).read_text()) - int((folder / used).read_text())
            # Files that were read are kept while there is room: their memory is given back.
            with contextlib.suppress(OSError, ValueError, StopIteration):
                lines = (folder / "memory.stat").read_text().splitlines()
                free += int(next(line for line in lines if line.split()[0] == given_back).split()[1])
            yield max(0, free)


def _groups() -> Iterator[tuple[Path, int]]:
    """The folders of this process' groups and of those around them, each with its version; in a container, its root."""
    yield _CGROUP, 2
    with contextlib.suppress(OSError):
        for line in _GROUPS_HERE.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "memory" not in controllers.split(","):
                continue
            base, version = (_CGROUP / "memory", 1) if controllers else (_CGROUP, 2)
            folder = base / path.lstrip("/")
            while folder != base:
                yield folder, version
                folder = folder.parent
            yield base, version


def needed_bytes(image: Image.Image, channels: int, full_pixels: int) -> int:
    """What decoding and preparing an image takes at its peak, beyond its file.

    Args:
        image: opened, not loaded; a JPEG that will be reduced has its reduced size.
        channels: of the model's input, 1 or 3.
        full_pixels: before it was reduced.
    """
    per_pixel = _COLOURS.get(image.mode, 6)
    if image.mode in ("1", "L") and channels == 1:
        per_pixel = 3
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        per_pixel = _TRANSPARENT
    if image.info.get("icc_profile"):
        per_pixel += _PROFILE
    needed = image.width * image.height * max(per_pixel, _OF_FORMAT.get(image.format or "", 0))
    if image.info.get("progressive"):  # all coefficients lie in memory, two bytes each, of whatever size is wanted
        needed += full_pixels * 2 * len(image.getbands())
    return needed


def require_memory(needed: int, what: str, purpose: str = "to be decoded") -> None:
    """Make sure that there is memory for an image.

    Args:
        needed: in bytes.
        what: begins the sentence.
        purpose: what the image needs it for.

    Raises:
        InputError: there is not.
    """
    if needed < _SMALL_BYTES:
        return
    system = _free_by_system()
    free = min(system or _MOST_BYTES, *_free_by_groups(), 1 << 62)
    if needed > free:
        found = f"{_mebibytes(free)} are {'free' if system else 'allowed where the system does not say what is free'}"
        raise InputError(
            f"{what} needs {_mebibytes(needed)} of memory {purpose}, {found}; scale the image down first, or close "
            "other programs"
        )


def _mebibytes(count: int) -> str:
    return f"{count / (1 << 20):,.0f} MiB"


class MemoryGate:
    """Lets images through as long as all that are being decoded fit a budget; one always, whatever its size."""

    def __init__(self, budget: int | None = None) -> None:
        """Take `budget` in bytes; by default half of what is free now."""
        self._budget = int(_SHARE * free_bytes()) if budget is None else budget
        self._used, self._changed = 0, threading.Condition()

    @contextlib.contextmanager
    def holding(self, needed: int) -> Iterator[None]:
        """Wait until an image that takes so many bytes may be decoded; it is done with when the block ends."""
        with self._changed:
            self._changed.wait_for(lambda: not self._used or self._used + needed <= self._budget)
            self._used += needed
        try:
            yield
        finally:
            with self._changed:
                self._used -= needed
                self._changed.notify_all()
