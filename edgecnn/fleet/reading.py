"""Read what a broker keeps of a fleet: whole, though brokers drop what a reader does not take at once.

Mosquitto, as it comes, keeps a thousand messages for a reader whose line is full and drops the rest without a word: of
a thousand stations' 4,000 messages 1,020 arrive with QoS 1. So: all at once first, with QoS 0, and what is lacking of
the stations that were named is asked for by name, in parts that fit.
"""

import secrets
import time
from collections.abc import Iterable
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edgecnn.device.live.outlets.broker import Broker
from edgecnn.device.live.outlets.broker_connection import BrokerConnection, BrokerError
from edgecnn.errors import EdgecnnError

from .fleet import MESSAGE_KINDS, Fleet, Gathering
from .message_fields import MOST_BYTES

QUIET = 1.0  # seconds without a retained message, after which no more is expected
_AT_ONCE = 300  # messages that are asked for and have not come: brokers keep a thousand
_ROUNDS = 20  # in which the list of stations is asked for again, while that brings new ones
_MOST_NAMES = 200_000
_ADVICE = "check that it runs, and what --mqtt says of it"


def read_fleet(broker: Broker, *, timeout: float = 60.0, quiet: float | None = None) -> Fleet:
    """What the stations of a broker told last.

    Args:
        broker: with password and certificates.
        timeout: seconds after which what has not come is done without.
        quiet: seconds without a message, after which no more is expected; None for `QUIET`.

    Raises:
        EdgecnnError: the broker cannot be used.
    """
    reader = _Reader(broker)
    try:
        reader.open()
        complete = reader.read(time.monotonic() + timeout, QUIET if quiet is None else quiet)
        reader.close()
    except BrokerError as error:
        reader.abandon()
        raise EdgecnnError(f"the MQTT broker at {broker.title} cannot be used: {error}; {_ADVICE}") from None
    return reader.gathering.fleet(f"{broker.title}, {broker.prefix}/...", time.time(), complete)


class _Reader(BrokerConnection):
    """A connection that only hears."""

    def __init__(self, broker: Broker) -> None:
        super().__init__(broker, f"edgecnn-fleet-{secrets.token_hex(6)}", 16 * MOST_BYTES)
        self.gathering = Gathering()
        self._client.on_subscribe = self._hear_subscription
        self._waiting = 0  # subscriptions that the broker has not confirmed
        self._wanted: set[tuple[str, str]] = set()  # what was asked for by name and has not come
        self._asked: dict[int | None, list[str]] = {}  # topics by the number of the message that asked for them
        self._refused: list[str] = []
        self._is_full = False
        self._newest = time.monotonic()  # when the newest retained message came

    def read(self, end: float, quiet: float) -> bool:
        """Hear all that is retained; whether the broker came to its end before `end`, of `time.monotonic`."""
        prefix, gathering = self._broker.prefix, self.gathering
        self._subscribe(f"{prefix}/+/{kind}" for kind in MESSAGE_KINDS)
        self._settle(end, quiet)
        if self._refused:
            who = self._broker.user or "this client"
            raise BrokerError(f"it does not let {who} read {' and '.join(self._refused)}")
        lacking = gathering.lacking()
        self._ask(lacking, end, quiet)
        was_cut = len(gathering.lacking()) < len(lacking)
        for _ in range(_ROUNDS if was_cut else 0):
            before = len(gathering.devices)
            self._subscribe([f"{prefix}/+/{MESSAGE_KINDS[0]}"])
            self._settle(end, quiet)
            if len(gathering.devices) == before:
                break
            self._ask(gathering.lacking(), end, quiet)
        return time.monotonic() < end and not self._is_full

    def _ask(self, lacking: list[tuple[str, str]], end: float, quiet: float) -> None:
        """Ask for topics by name; never so many that a broker would have to drop some."""
        for first in range(0, len(lacking), _AT_ONCE):
            part = lacking[first : first + _AT_ONCE]
            topics = [f"{self._broker.prefix}/{name}/{kind}" for name, kind in part]
            self._wanted = set(part)
            self._subscribe(topics)
            self._settle(end, quiet)
            self._wanted.clear()
            self._client.unsubscribe(topics)
            if time.monotonic() > end:
                return

    def _subscribe(self, topics: Iterable[str]) -> None:
        options, topics = SubscribeOptions(qos=0), list(topics)
        self._waiting += 1
        _, number = self._client.subscribe([(topic, options) for topic in topics])
        self._asked[number] = topics

    def _settle(self, end: float, quiet: float) -> None:
        """Until all that was asked for by name is there, or nothing retained has come for a while."""
        self._newest, by_name = time.monotonic(), bool(self._wanted)
        while time.monotonic() < end and (self._waiting or time.monotonic() < self._newest + quiet):
            self.idle(0.02)
            if by_name and not self._wanted and not self._waiting:
                return

    def _hear_subscription(
        self, _: Client, __: Any, number: int, reasons: list[ReasonCode], ___: Properties | None
    ) -> None:
        self._waiting -= 1
        topics = self._asked.pop(number, [])
        self._refused += [topic for topic, reason in zip(topics, reasons, strict=False) if reason.is_failure]
        self._newest = time.monotonic()

    def _hear_message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        try:
            *_prefix, name, kind = message.topic.split("/")
        except (UnicodeDecodeError, ValueError):
            return
        gathering = self.gathering
        if name not in gathering.devices and len(gathering.devices) + len(gathering.strangers) >= _MOST_NAMES:
            self._is_full = True
            return
        # Live ones come without end from a large fleet.
        if message.retain:
            self._newest = time.monotonic()
        self._wanted.discard((name, kind))
        gathering.add(name, kind, bytes(message.payload))
