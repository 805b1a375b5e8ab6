"""A station's connection to an MQTT broker: what it says arrives, retained, or is said not to, or raises."""

from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from .broker import Broker
from .broker_connection import BrokerConnection, BrokerError

BIRTH = "homeassistant/status"
_MOST_BYTES = 4096  # of a message that we take: whoever may write to a topic must not fill a small memory
_NOT_AUTHORIZED = "Not authorized"


class BrokerSession(BrokerConnection):
    """A station's connection.

    Attributes:
        is_home_assistant_new: whether Home Assistant has said, since this was set to false, that it has started.
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        will: tuple[str, str],
        tell: Callable[[str], None],
        told: dict[str, str] | None = None,
    ) -> None:
        """Nothing is connected yet.

        Args:
            broker: to connect to.
            client_id: the broker knows one client of a name.
            will: topic and text that the broker publishes, retained, when it hears no more from here.
            tell: hears which topics the broker does not let this client write, or does not take.
            told: what was last said of each topic, by the sessions before too.
        """
        super().__init__(broker, client_id, _MOST_BYTES)
        self.is_home_assistant_new = False
        self._tell, self._refusal = tell, ""
        self._told = {} if told is None else told
        self._client.will_set(*will, qos=1, retain=True)
        self._client.on_publish = self._hear_receipt

    def open(self) -> None:
        """Connect, be let in, and listen for Home Assistant's start: the one topic that a station hears.

        Raises:
            BrokerError: that fails.
        """
        super().open()
        self._client.subscribe(BIRTH, qos=1)

    def send(self, topic: str, text: str) -> None:
        """Publish, retained, and wait until the broker has it; what it refuses is told, of each topic once.

        Raises:
            BrokerError: the connection is lost; the broker may have it, or not.
        """
        self._refusal = ""
        sent = self._client.publish(topic, text.encode(), qos=1, retain=True)
        if sent.rc:  # paho writes at once, into a connection that may have been reset since it was listened to
            raise BrokerError(self._farewell())
        self._wait(sent.is_published, "it does not answer any more")
        words = ""
        if self._refusal == _NOT_AUTHORIZED:
            words = f"the MQTT broker does not let {self._broker.user or 'this client'} write to {topic}"
        elif self._refusal:
            words = f"the MQTT broker does not take what is written to {topic} ({self._refusal.lower()})"
        if words and words != self._told.get(topic):
            self._tell(words)
        self._told[topic] = words

    def _hear_receipt(self, _: Client, __: Any, ___: int, reason: ReasonCode, ____: Properties | None) -> None:
        self._refusal = str(reason) if reason.is_failure else ""

    def _hear_message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        if message.topic == BIRTH and message.payload == b"online" and not message.retain:
            self.is_home_assistant_new = True
