"""A connection to an MQTT broker, in the thread that uses it: what fails raises with a reason.

paho's own thread would connect again by itself, but says not why it could not, and sends after a break in another order
than before.
"""

import select
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from .broker import Broker

_KEEPALIVE = 15  # seconds; a broker counts a client that froze as gone after 1.5 times as long
_PATIENCE = 10.0  # seconds, for an answer
_TAKEN_OVER = 0x8E
_NO_MQTT = "it sends what is no MQTT"
_NO_SUCH_HOST = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None))


class BrokerError(Exception):
    """There is no connection, or no more; the message is a part of a sentence that says why."""


class BrokerConnection:
    """A connection; what is done with it is its subclasses' matter.

    Attributes:
        is_open: whether the broker has let us in.
    """

    def __init__(self, broker: Broker, client_id: str, most_bytes: int) -> None:
        """Nothing is connected yet.

        Args:
            broker: to connect to.
            client_id: the broker knows one client of a name.
            most_bytes: the largest message that the broker is to send.
        """
        self.is_open = False
        self._broker, self._client_id, self._most_bytes = broker, client_id, most_bytes
        self._answer: ReasonCode | None = None
        self._end: ReasonCode | None = None
        self._has_sent = self._has_sent_nonsense = False
        self._client = client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5)
        client.connect_timeout = _PATIENCE / 2
        if broker.user:
            client.username_pw_set(broker.user, broker.password or None)
        if broker.tls is not None:
            client.tls_set_context(broker.tls)
        client.on_connect, client.on_disconnect = self._hear_answer, self._hear_end
        client.on_message = self._hear_message

    def open(self) -> None:
        """Connect, and be let in.

        Raises:
            BrokerError: that fails.
        """
        limits = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        limits.MaximumPacketSize = self._most_bytes
        try:
            self._client.connect(self._broker.host, self._broker.port, _KEEPALIVE, clean_start=True, properties=limits)
        except (OSError, ValueError) as error:  # UnicodeError, of odd names of hosts, is a ValueError
            raise BrokerError(_reason(error)) from None
        self._wait(lambda: self._answer is not None, "it takes the connection and does not answer")
        if self._answer is not None and self._answer.is_failure:
            raise BrokerError(self._farewell())
        self.is_open = True

    def idle(self, seconds: float) -> None:
        """Be there for what comes from the broker.

        Raises:
            BrokerError: the connection is lost.
        """
        try:
            failed = self._loop(seconds)
        except OSError as error:
            raise BrokerError(_reason(error)) from None
        except Exception as error:  # what paho raises at bytes that are no MQTT is of many kinds
            if self._answer is not None:
                raise BrokerError(f"{_NO_MQTT}: {error or type(error).__name__}") from None
            self._has_sent_nonsense = True
            raise BrokerError(self._farewell()) from None
        if failed:
            raise BrokerError(self._farewell())

    def _loop(self, seconds: float) -> bool:
        """What came, and what waits to be written; whether the connection is lost."""
        client, connection = self._client, self._client.socket()
        if connection is None:
            return True
        has_bytes = isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
        wants = [connection] if client.want_write() else []
        readable, writable, _ = select.select([connection], wants, [], 0 if has_bytes else seconds)
        self._has_sent = self._has_sent or (bool(readable) and _has_bytes(connection))
        failed = client.loop_read() if readable or has_bytes else MQTTErrorCode.MQTT_ERR_SUCCESS
        self._has_sent_nonsense |= failed == MQTTErrorCode.MQTT_ERR_PROTOCOL
        if writable and not failed:
            failed = client.loop_write()
        return bool(failed or client.loop_misc())

    def close(self) -> None:
        """Take leave; the broker does not publish the will then. What does not connect any more is closed as well."""
        with suppress(OSError, ValueError, BrokerError):
            self._client.disconnect()
            self.idle(0.1)

    def abandon(self) -> None:
        """Close without leave."""
        with suppress(OSError):
            connection = self._client.socket()
            if connection is not None:
                connection.close()

    def _wait(self, is_so: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not is_so():
            if time.monotonic() > deadline:
                raise BrokerError(self._farewell() if self._is_no_broker else otherwise)
            self.idle(0.05)

    @property
    def _is_no_broker(self) -> bool:
        """Whether what came was no answer of a broker."""
        return self._answer is None and (self._has_sent or self._has_sent_nonsense)

    def _farewell(self) -> str:
        """Why the broker ended the connection."""
        if self._answer is not None and self._answer.is_failure:
            return _refusal(str(self._answer), self._broker)
        if self._end is not None and self._end.value == _TAKEN_OVER:
            return f"a client called {self._client_id} has taken its place; --mqtt-device gives each a name of its own"
        if self._is_no_broker:
            tls = "" if self._broker.is_secure else ", or does it want TLS, mqtts://"
            return f"{_NO_MQTT}; is this the port of another program{tls}?"
        if self._has_sent_nonsense:
            return _NO_MQTT
        if self._answer is not None:
            return str(self._end).lower() if self._end is not None and self._end.is_failure else "it is gone"
        if not self._broker.is_secure:
            return "it ended the connection without an answer; does it want TLS, mqtts://?"
        if self._broker.has_certificate:
            return "it ended the connection without an answer; does it not take the certificate of --mqtt-cert?"
        return "it ended the connection without an answer; does it want a certificate, --mqtt-cert?"

    def _hear_answer(self, _: Client, __: Any, ___: ConnectFlags, reason: ReasonCode, ____: Properties | None) -> None:
        self._answer = reason

    def _hear_end(
        self, _: Client, __: Any, flags: DisconnectFlags, reason: ReasonCode, ____: Properties | None
    ) -> None:
        if flags.is_disconnect_packet_from_server:  # paho calls this once more when it has closed the socket
            self._end = reason

    def _hear_message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        """Something came from the broker."""


def _has_bytes(connection: object) -> bool:
    """Whether more has come than the end; of TLS nothing says so before it is read."""
    if not isinstance(connection, socket.socket) or isinstance(connection, ssl.SSLSocket):
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK) != b""
    except OSError:
        return False


def _refusal(answer: str, broker: Broker) -> str:
    if answer in ("Bad user name or password", "Not authorized"):
        return f"it does not let {broker.user or 'a client without a user'} in ({answer.lower()})"
    return f"it refuses ({answer.lower()})"


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted ({error.verify_message}); --mqtt-ca names those that are"
    if isinstance(error, ssl.SSLError):
        return f"TLS fails ({(error.reason or str(error)).replace('_', ' ').lower()})"
    if isinstance(error, socket.gaierror) and error.errno not in _NO_SUCH_HOST:
        return f"its name cannot be looked up now ({str(error.strerror).lower()})"
    if isinstance(error, socket.gaierror | UnicodeError):
        return "there is no host of this name"
    if isinstance(error, TimeoutError):
        return "it does not answer"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
