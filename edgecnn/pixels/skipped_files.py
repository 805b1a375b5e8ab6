"""What lies in people's folders beside images: passed over where a system put it there, else counted and said."""

from collections import Counter
from pathlib import PurePath

_CLUTTER = frozenset(
    ("__macosx", "thumbs.db", "desktop.ini", "ehthumbs.db", "$recycle.bin", "system volume information")
)
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")
_FEW = 5
# What reads them; of other suffixes nothing is said, for what would help is not known.
_ADVICE = {
    "photographs as the sensor took them; save them as JPEG with darktable or RawTherapee": (
        *(".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".raf", ".rw2"),
    ),
    "films; ffmpeg takes pictures out of them": (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v"),
    "drawings; save them as PNG": (".svg", ".psd", ".xcf"),
    "JPEG XL; save them as PNG": (".jxl",),
    "archives; unpack them": ARCHIVES,
}
_OF_SUFFIX = {suffix: words for words, suffixes in _ADVICE.items() for suffix in suffixes}


def is_clutter(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or what a system, an archive or a notebook leaves behind."""
    return name.startswith(".") or name.lower() in _CLUTTER


class Skipped:
    """How many files of which suffix were no images."""

    def __init__(self) -> None:
        """None yet."""
        self._suffixes: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self._suffixes)

    def count(self, name: str) -> None:
        """Count one file."""
        self._suffixes[PurePath(name).suffix.lower()] += 1

    def add(self, other: "Skipped") -> None:
        """Count the files of `other` too."""
        self._suffixes.update(other._suffixes)

    def words(self) -> str:
        """How many of which suffix, the most frequent first, and what reads them where it is known."""
        ordered = sorted(self._suffixes.items(), key=lambda item: (-item[1], item[0]))
        parts = [f"{count:,} {suffix or 'without a suffix'}" for suffix, count in ordered[:_FEW]]
        if len(ordered) > _FEW:
            parts.append(f"{sum(count for _, count in ordered[_FEW:]):,} others")
        advice = {_OF_SUFFIX[suffix]: suffix for suffix, _ in reversed(ordered[:_FEW]) if suffix in _OF_SUFFIX}
        reading = "; ".join(f"{suffix} are {words}" for words, suffix in reversed(advice.items()))
        return ", ".join(parts) + (f" ({reading})" if reading else "")
