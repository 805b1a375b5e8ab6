"""Frames that are kept: those a person names the class of, and those the model was in doubt about."""

import os
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgecnn.atomic_files import write_bytes
from edgecnn.errors import EdgecnnError, InputError, OutputError
from edgecnn.pixels.image_files import SUFFIXES
from edgecnn.pixels.skipped_files import is_clutter
from edgecnn.printable import is_printable

from .frame_pictures import cut_png
from .observation import Observation
from .slot import Slot

KINDS = ("chosen", "doubtful")
DEFAULT_BYTES = 500 * 10**6
_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9}
_ALMOST_A_SIZE = re.compile(r",([\s+-]*\.?\d[\w.+-]*\s*[A-Za-z]*\s*)$")
_BETWEEN = 1.0  # seconds: thirty pictures of one second teach little more than one
_DOUBTFUL = re.compile(r"\d{8}T\d{9}Z-\d{8,}-.*")  # what is chosen has nothing behind its number


@dataclass(frozen=True)
class KeepRule:
    """What `--keep` says.

    Attributes:
        kind: one of `KINDS`.
        folder: where the frames go.
        most_bytes: of all its images together.
    """

    kind: str
    folder: Path
    most_bytes: int

    def words(self) -> str:
        """What the page says of it."""
        size = f"at most {_size(self.most_bytes)}"
        if self.kind == "chosen":
            return f"Frames that you choose are kept in {self.folder}, {size}."
        return f"Frames that the model doubts are kept in {self.folder}, {size}, the oldest make way."

    def require_folder(self) -> None:
        """Make sure that the folder is there or can be made, before the first frame comes, which may be hours away.

        Raises:
            OutputError: it cannot, or nothing can be written there.
        """
        there = next(folder for folder in (self.folder, *self.folder.absolute().parents) if folder.exists())
        if not there.is_dir():
            raise OutputError(f"frames cannot be kept in {self.folder}: {there} is no folder")
        if not os.access(there, os.W_OK | os.X_OK):
            raise OutputError(f"frames cannot be kept in {self.folder}: no permission to write in {there}")


def _size(count: int) -> str:
    return f"{count / 10**6:,.0f} MB" if count >= 10**6 else f"{count / 1000:,.0f} KB"


def parse_keep(text: str) -> KeepRule:
    """The rule that `KIND=DIR[,SIZE]` says, such as doubtful=unsure,500MB.

    Raises:
        InputError: `text` is something else.
    """
    kind, _, rest = text.partition("=")
    match = re.fullmatch(r"(.+?)(?:,(\d{1,12})(KB|MB|GB))?", rest)
    if kind not in KINDS or not match:
        raise InputError(f"{text} is no rule; write {' or '.join(f'{one}=DIR' for one in KINDS)}, and ,500MB behind it")
    folder, number, unit = match.groups()
    if size := _ALMOST_A_SIZE.search(folder):  # a folder of that name is hardly meant
        raise InputError(
            f"{text}: {size[1]!r} is no size; write a whole number of KB, MB or GB, as in ,500MB; a folder of that "
            f"name has a slash behind it: {folder}/"
        )
    most = int(number) * _UNITS[unit] if number else DEFAULT_BYTES
    if not most:
        raise InputError(f"{text} leaves no room; give a size above 0")
    return KeepRule(kind, Path(folder), most)


def folder_names(labels: Sequence[str]) -> tuple[str, ...]:
    """A folder for each class, called as the label is, where a folder can be: `T-shirt/top` is `T-shirt-top`."""
    names: list[str] = []
    for index, label in enumerate(labels):
        name = "".join(one if is_printable(one) and one not in '/\\:*?"<>|' else "-" for one in label).strip(" .")
        while len(name.encode()) > 200:
            name = name[:-1]
        taken = {one.lower() for one in names}  # some file systems know no case
        while not name or is_clutter(name) or name.lower() in taken:
            name = f"{name}-{index}"
        names.append(name)
    return tuple(names)


class Keeper:
    """Writes frames of one rule."""

    def __init__(self, rule: KeepRule) -> None:
        """Into a folder that is made when the first frame comes."""
        self.rule = rule
        self._lock = threading.Lock()

    def keep(self, seen: Observation, folder: str = "", remark: str = "") -> Path:
        """Keep what the model was shown of a frame: the file as it came, or of a crop a PNG without loss.

        Args:
            seen: the frame.
            folder: within the rule's.
            remark: for the file's name.

        Returns:
            Where it lies.

        Raises:
            InputError: the frame cannot be read.
            OutputError: it cannot be written, or there is no room and the frames there are somebody's choice.
        """
        frame, crop = seen.frame, seen.prepared.crop
        suffix = Path(frame.name).suffix.lower()
        data = frame.data if crop is None else cut_png(frame, crop)
        suffix = ".png" if crop is not None else suffix if suffix in SUFFIXES else ".jpg"
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(frame.time)) + f"{int(frame.time * 1000) % 1000:03}Z"
        path = self.rule.folder / folder / f"{stamp}-{frame.number:08}{remark and '-'}{remark}{suffix}"
        with self._lock:
            self._make_room(len(data))
            write_bytes(path, data)
        return path

    def _make_room(self, needed: int) -> None:
        """Remove the oldest doubtful frames until there is room, where that helps.

        What a person chose, or has put into a folder since, is never removed.

        Raises:
            OutputError: there is none.
        """
        rule = self.rule
        try:
            files = sorted((path.name, path.stat().st_size, path) for path in rule.folder.rglob("*") if path.is_file())
        except OSError as error:
            raise OutputError(f"{rule.folder} cannot be read ({error.strerror})") from None
        over = sum(size for _, size, _ in files) + needed - rule.most_bytes
        ours = [] if rule.kind == "chosen" else [one for one in files if self._may_go(one[2])]
        if over > sum(size for _, size, _ in ours):
            raise OutputError(f"{rule.folder} is full ({_size(rule.most_bytes)}); move images, or allow more")
        for _, size, path in ours:
            if over <= 0:
                break
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise OutputError(f"{path} cannot be removed to make room ({error.strerror})") from None
            over -= size

    def _may_go(self, path: Path) -> bool:
        return path.parent == self.rule.folder and _DOUBTFUL.fullmatch(path.name) is not None


class DoubtKeeper:
    """Keeps frames whose best class is below the threshold: a listener of a watcher, which never waits for a disk.

    Attributes:
        kept: how many.
    """

    def __init__(self, keeper: Keeper, threshold: float, tell: Callable[[str], None]) -> None:
        """Begin.

        Args:
            keeper: writes them.
            threshold: the lowest score without doubt.
            tell: hears why none can be kept, of each reason once until one is kept again.
        """
        self._keeper, self._threshold, self._tell = keeper, threshold, tell
        self._slot: Slot[Observation] = Slot()
        self._next, self.kept = 0.0, 0
        self._thread = threading.Thread(target=self._write, name="edgecnn doubtful", daemon=True)
        self._thread.start()

    def __call__(self, seen: Observation) -> None:
        """Have a frame kept, at most one a second."""
        if seen.predictions[0].score < self._threshold and seen.ready >= self._next:
            self._next = seen.ready + _BETWEEN
            self._slot.put(seen)

    def _write(self) -> None:
        said = ""
        while not self._slot.is_finished:
            seen = self._slot.take()
            if seen is None:
                continue
            best = seen.predictions[0]
            remark = f"{folder_names([best.label])[0].replace(' ', '-')}-{best.score:.2f}"
            try:
                self._keeper.keep(seen, remark=remark)
                self.kept, said = self.kept + 1, ""
            except EdgecnnError as error:
                reason = str(error).rpartition(": ")[2]  # what stands before it names a frame, each time another
                if reason != said:
                    said = reason
                    self._tell(f"doubtful frames are not kept: {error}")

    def close(self) -> None:
        """Write what waits, and end."""
        self._slot.close()
        self._thread.join(10)
