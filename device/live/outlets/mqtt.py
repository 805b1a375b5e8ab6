"""What a station tells an MQTT broker, from a thread of its own: a broker that is away never holds up the camera."""

import json
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from ..observation import Change
from .broker import Broker
from .broker_connection import BrokerError
from .broker_session import BrokerSession
from .home_assistant import discovery
from .reports import Reports

_ROOM = 100  # changes that wait for a broker that is away
_LONGEST_WAIT = 60.0  # seconds between two tries
_TICK = 0.1  # seconds in which a change is noticed
_MANY = 4  # connections that are lost within a minute, each
_TWINS = ", as often before; has another station the same name? --mqtt-device gives each its own"
_BETWEEN_DISCOVERIES = 5.0  # seconds: whoever may write that Home Assistant has started need not keep us busy


class Mqtt:
    """Publishes state and totals every few seconds, and each change of the answer: a listener of changes.

    All is retained. A change that the broker has not confirmed waits and is sent again, in order: it may come twice, as
    MQTT's QoS 1 says, never after a newer one.

    Attributes:
        lost: changes for which there was no room while the broker was away.
    """

    def __init__(
        self,
        broker: Broker,
        reports: Reports,
        tell: Callable[[str], None],
        *,
        announce: bool = True,
        retry: float = 1.0,
    ) -> None:
        """Begin to connect, and go on with it until that succeeds.

        Args:
            broker: to connect to.
            reports: what is told.
            tell: hears when the broker is away, and when it is there again.
            announce: whether Home Assistant is told what there is.
            retry: seconds before the second try to connect; twice as long before each that follows, to one minute.
        """
        self.lost = 0
        self._broker, self._reports, self._tell = broker, reports, tell
        self._interval, self._retry = reports.interval, retry
        self._base = f"{broker.prefix}/{reports.device}"
        self._discovery = discovery(reports.device, self._base, reports.station) if announce else {}
        self._lock = threading.Lock()
        self._pending: deque[dict[str, Any]] = deque()
        self._last = reports.first_result()
        self._next_save, self._is_due, self._trouble = 0.0, False, ""
        self._reasons: set[str] = set()
        self._is_told = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="edgecnn mqtt", daemon=True)
        self._thread.start()

    def __call__(self, change: Change) -> None:
        """Have one sent, soon; where no more may wait, the oldest makes way."""
        with self._lock:
            self._last = change.row()
            self._pending.append(self._last)
            if len(self._pending) > _ROOM:
                self._pending.popleft()
                self.lost += 1

    @property
    def waiting(self) -> int:
        """Changes that the broker does not have yet."""
        return len(self._pending)

    def close(self, timeout: float = 2.0) -> None:
        """Tell what is to be told, and that the station is away now, for `timeout` seconds at most."""
        self._closing.set()
        self._thread.join(timeout)
        self._reports.save()

    def _work(self) -> None:
        wait, short = self._retry, 0
        refused: dict[str, str] = {}
        will = f"{self._base}/availability", "offline"
        while not self._closing.is_set():
            session = BrokerSession(self._broker, f"edgecnn-{self._reports.device}", will, self._tell, refused)
            began = time.monotonic()
            try:
                session.open()
                self._announce(session)
                self._say_well()
                self._serve(session)
                session.close()
                return
            except BrokerError as error:
                session.abandon()
                reason = str(error)
            if time.monotonic() - began > _LONGEST_WAIT:
                wait, short = self._retry, 0
                self._reasons.clear()
            short += session.is_open
            self._say_trouble(reason + _TWINS * (short == _MANY))
            # A hundred stations must not all come back in the same moment.
            self._pause(wait * random.uniform(0.75, 1.25))  # noqa: S311
            wait = min(2 * wait, _LONGEST_WAIT)

    def _announce(self, session: BrokerSession) -> None:
        """Say everything anew: a broker that was killed may have lost what it retained."""
        self._save_if_due()
        self._discover(session)
        self._report(session)
        if not self._send_changes(session):
            self._send(session, "result", self._last)
        session.send(f"{self._base}/availability", "online")

    def _serve(self, session: BrokerSession) -> None:
        """Until the end is near; then the last that is to be said."""
        next_discovery = 0.0
        while not self._closing.is_set():
            session.idle(_TICK)
            self._send_changes(session)
            self._save_if_due()
            if self._is_due or self._reports.trouble != self._trouble:
                self._report(session)
            if session.is_home_assistant_new and time.monotonic() >= next_discovery:
                session.is_home_assistant_new = False
                next_discovery = time.monotonic() + _BETWEEN_DISCOVERIES
                self._discover(session)
        self._send_changes(session)
        self._reports.save()
        self._report(session)
        session.send(f"{self._base}/availability", "offline")

    def _discover(self, session: BrokerSession) -> None:
        for topic, configuration in self._discovery.items():
            session.send(topic, json.dumps(configuration))

    def _report(self, session: BrokerSession) -> None:
        self._is_due, self._trouble = False, self._reports.trouble
        self._send(session, "state", self._reports.state())
        self._send(session, "counters", self._reports.counters())

    def _send_changes(self, session: BrokerSession) -> bool:
        """Send those that wait now; what comes meanwhile has its turn after all else. Whether there were any."""
        waiting = len(self._pending)
        for _ in range(waiting):
            first = self._pending[0]
            self._send(session, "result", first)
            with self._lock:
                if self._pending[0] is first:  # else it made way meanwhile
                    self._pending.popleft()
        return waiting > 0

    def _send(self, session: BrokerSession, topic: str, report: dict[str, Any]) -> None:
        session.send(f"{self._base}/{topic}", json.dumps(report))

    def _save_if_due(self) -> None:
        now = time.monotonic()
        if now >= self._next_save:
            self._next_save, self._is_due = now + self._interval, True
            self._reports.save()

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self._closing.wait(min(_TICK, left)):
            self._save_if_due()

    def _say_trouble(self, reason: str) -> None:
        """Each reason once, until the broker was there for a while."""
        if reason not in self._reasons:
            self._reasons.add(reason)
            self._tell(f"the MQTT broker at {self._broker.title} cannot be used: {reason}; trying again")
            self._is_told = False

    def _say_well(self) -> None:
        if not self._is_told:
            self._is_told = True
            self._tell(f"the MQTT broker at {self._broker.title} is told, in topics {self._base}/...")
