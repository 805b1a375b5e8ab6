"""Totals that go on where they were when the program, or the whole machine, starts anew."""

import json
import secrets
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edgecnn.atomic_files import write_bytes
from edgecnn.errors import OutputError
from edgecnn.model_file.container import sha256
from edgecnn.utc import utc_now

from ..station import Station
from ..tally import Counts, no_counts

_MOST_BYTES = 1 << 24
_PLAIN = ("frames", "dropped", "damaged", "doubtful", "changes")
_NEWER = ("compared", "switches")  # which the files of before do not have


def counter_path(folder: Path, device: str, station: Station, labels: Sequence[str]) -> Path:
    """Where the totals of `device` are kept: of each network by themselves, so that they can be compared."""
    what = sha256(json.dumps([station.network_sha256, list(labels)]).encode())
    return folder / f"live-counters-{device}-{what[:16]}.json"


class CounterFile:
    """Adds what this process counts to what those before it did.

    Attributes:
        totals: what was written last, or read at the start: never more than what the next process begins with.
    """

    def __init__(self, path: Path, labels: Sequence[str], tell: Callable[[str], None]) -> None:
        """Read what is there; where nothing is, or something else, counting begins anew under another id.

        Args:
            path: of the file.
            labels: the model's classes.
            tell: hears of a file with something else, and once of each reason why it cannot be written.

        Raises:
            OutputError: the file is there and cannot be read.
        """
        self._path, self._labels, self._tell, self._said = path, labels, tell, ""
        self._lock = threading.Lock()
        self._id, self._since, self._before = secrets.token_hex(8), utc_now(), no_counts(labels)
        try:
            with path.open("rb") as file:
                self._resume(json.loads(file.read(_MOST_BYTES)))
        except FileNotFoundError:
            pass
        except OSError as error:
            raise OutputError(f"{path}: the counters cannot be read ({error.strerror})") from None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            tell(f"{path} holds no counters; counting begins anew")
        self.totals = self._describe(self._before)

    def save(self, counts: Counts) -> bool:
        """Write the totals with what this process has counted; whether that went well."""
        with self._lock:
            totals = self._describe(self._before + counts)
            try:
                write_bytes(self._path, json.dumps(totals).encode())
            except OutputError as error:
                if str(error) != self._said:
                    self._said = str(error)
                    self._tell(f"counters stand still: {self._said}")
                return False
            self.totals, self._said = totals, ""
            return True

    def _describe(self, counts: Counts) -> dict[str, Any]:
        drift: dict[str, dict[str, int]] = {}
        for (layer, kind), count in counts.drift.items():
            drift.setdefault(layer, {})[kind] = count
        return {
            "id": self._id,
            "since": self._since,
            "time": utc_now(),
            **{name: getattr(counts, name) for name in (*_PLAIN, *_NEWER)},
            "classes": dict(counts.classes),
            "scores": list(counts.scores),
            "score_sum": counts.score_sum,
            "drift": drift,
        }

    def _resume(self, found: dict[str, Any]) -> None:
        """Begin with the totals of another process.

        Raises:
            ValueError: they are none of this model. Others too, where the JSON is of another form.
        """
        none = no_counts(self._labels)
        classes, scores, score_sum = found["classes"], tuple(found["scores"]), found["score_sum"]
        drift = {(layer, kind): n for layer, kinds in found["drift"].items() for kind, n in kinds.items()}
        plain = {name: found[name] for name in _PLAIN} | {name: found.get(name, 0) for name in _NEWER}
        counted = [*plain.values(), *classes.values(), *scores, *drift.values()]
        if any(type(one) is not int or not 0 <= one < 1 << 62 for one in counted):
            raise ValueError("counts")
        if list(classes) != list(none.classes) or len(scores) != len(none.scores) or not 0 <= score_sum < 1e18:
            raise ValueError("parts")
        if not isinstance(found["id"], str) or not isinstance(found["since"], str):
            raise ValueError("names")
        self._id, self._since = found["id"], found["since"]
        self._before = Counts(**plain, classes=classes, scores=scores, score_sum=float(score_sum), drift=drift)
