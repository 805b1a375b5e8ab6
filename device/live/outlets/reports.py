"""What a station says of itself over MQTT, topic by topic; docs/reference/schemas has a schema of each.

    PREFIX/DEVICE/availability  online or offline
    PREFIX/DEVICE/state         who it is, what it runs, how it is doing
    PREFIX/DEVICE/result        the steady answer
    PREFIX/DEVICE/counters      totals, which only grow

Never pictures.
"""

from dataclasses import asdict
from typing import Any

from edgecnn.throttling import temperature_c, throttling
from edgecnn.utc import utc, utc_now

from ...prediction import UNKNOWN
from ..proof import Proof
from ..station import Station
from ..tally import Tally
from ..watcher import Watcher
from .counter_file import CounterFile


class Reports:
    """Describes a watcher.

    Attributes:
        device: what it is called.
        station: what runs on it.
        interval: seconds between two reports.
    """

    def __init__(
        self,
        device: str,
        station: Station,
        watcher: Watcher,
        tally: Tally,
        counter_file: CounterFile,
        *,
        proof: Proof,
        interval: float = 30.0,
    ) -> None:
        """Begin.

        Args:
            device: what it is called.
            station: what runs on it.
            watcher: is described.
            tally: counts what `watcher` sees.
            counter_file: keeps the totals.
            proof: what the golden probes said at the start.
            interval: seconds between two reports.
        """
        self.device, self.station, self.interval, self._proof = device, station, interval, proof
        self._watcher, self._tally, self._counter_file = watcher, tally, counter_file
        self._started = utc_now()

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
        moment, status, throttled = self._tally.moment(), self._watcher.status, throttling()
        shadow = self._watcher.shadow
        return {
            "time": utc_now(),
            "started": self._started,
            "device": self.device,
            "model": self.station.model,
            "model_sha256": self.station.model_sha256,
            "network_sha256": self.station.network_sha256,
            "release": self.station.release,
            "verified": {**asdict(self._proof), "time": utc(self._proof.time)},
            "edgecnn": self.station.edgecnn,
            "runtime": self.station.runtime,
            "source": status.source,
            "trouble": status.trouble,
            "last_frame": None if moment.last_frame is None else utc(moment.last_frame),
            "last_frame_age": None if moment.age is None else round(moment.age, 3),
            "frames_per_second": round(moment.rate, 2),
            "drift": [{"layer": one.layer, "kind": one.kind, "deviation": one.deviation} for one in moment.drift],
            "temperature": temperature_c(),
            "throttled": None if throttled is None else asdict(throttled),
            "interval": self.interval,
            **({"shadow": shadow.report().row()} if shadow else {}),
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
