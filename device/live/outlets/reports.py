"""What a station says of itself over MQTT, topic by topic; docs/reference/schemas has a schema of each.

    PREFIX/DEVICE/availability  online or offline
    PREFIX/DEVICE/state         who it is, what it runs, how it is doing
    PREFIX/DEVICE/result        the steady answer
    PREFIX/DEVICE/counters      totals, which only grow

Never pictures.
"""

from typing import Any

from ...prediction import UNKNOWN
from ..observation import Change
from ..station import Station
from ..tally import Tally
from ..watcher import Watcher
from .counter_file import CounterFile, iso, now


class Reports:
    """Describes a watcher.

    Attributes:
        device: what it is called.
        station: what runs on it.
    """

    def __init__(
        self, device: str, station: Station, watcher: Watcher, tally: Tally, counter_file: CounterFile
    ) -> None:
        """Begin.

        Args:
            device: what it is called.
            station: what runs on it.
            watcher: is described.
            tally: counts what `watcher` sees.
            counter_file: keeps the totals.
        """
        self.device, self.station = device, station
        self._watcher, self._tally, self._counter_file = watcher, tally, counter_file
        self._started = now()

    @property
    def trouble(self) -> str:
        """What is wrong with the source now; empty while frames come."""
        return self._watcher.status.trouble

    def save(self) -> None:
        """Write the totals, so that they are there at the next start."""
        status = self._watcher.status
        self._counter_file.save(self._tally.counts(status.dropped, status.damaged))

    def counters(self) -> dict[str, Any]:
        """The totals as they were written last: what is told is never more than what a next start goes on from."""
        return self._counter_file.totals

    def state(self) -> dict[str, Any]:
        """Who it is, and how it is doing now."""
        moment, status = self._tally.moment(), self._watcher.status
        return {
            "time": now(),
            "started": self._started,
            "device": self.device,
            "model": self.station.model,
            "network_sha256": self.station.network_sha256,
            "edgecnn": self.station.edgecnn,
            "runtime": self.station.runtime,
            "source": status.source,
            "trouble": status.trouble,
            "last_frame": None if moment.last_frame is None else iso(moment.last_frame),
            "frames_per_second": round(moment.rate, 2),
            "drift": [{"layer": one.layer, "kind": one.kind, "deviation": one.deviation} for one in moment.drift],
        }

    def first_result(self) -> dict[str, Any]:
        """The result while there is none: an answer of the day before must not stand for what nobody has seen."""
        return {
            "time": self._started,
            "label": UNKNOWN,
            "index": None,
            "score": 0.0,
            "frame": 0,
            "reason": "starting",
            "previous": None,
            "drift": [],
        }

    def result(self, change: Change) -> dict[str, Any]:
        """The steady answer."""
        return change.row()
