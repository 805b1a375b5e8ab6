"""Options that say how an MQTT broker is reached, of `edgecnn live` and `edgecnn fleet`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from . import printing, wrong_usage

if TYPE_CHECKING:
    from edgecnn.device.live.outlets.broker import Broker

PASSWORD = "EDGECNN_MQTT_PASSWORD"  # noqa: S105 - the name of a variable
_HERE = ("localhost", "127.0.0.1", "::1")


class BrokerFiles(NamedTuple):  # making a frozen dataclass takes two milliseconds more, at every start
    """Files that a connection to a broker needs.

    Attributes:
        ca: certificates of authorities.
        certificate: what the broker is shown.
        key: its key.
        password_file: the broker's password.
    """

    ca: Path | None
    certificate: Path | None
    key: Path | None
    password_file: Path | None

    def complete(self, broker: "Broker") -> "Broker":
        """The broker with password and certificates.

        Raises:
            InputError: they do not fit.
        """
        from edgecnn.device.live.outlets.broker import read_password

        self.refuse_contradictions(broker)
        password = read_password(self.password_file) if self.password_file else os.environ.get(PASSWORD, "")
        if password:
            broker = broker.with_password(password)
        if broker.is_secure:
            broker = broker.with_tls(self.ca, self.certificate, self.key)
        elif password and broker.host not in _HERE:
            printing.note("Note: on the way to the broker others can read the password; mqtts:// encrypts it")
        return broker

    def refuse_contradictions(self, broker: "Broker") -> None:
        """Refuse files that mean nothing together, or to this broker.

        Raises:
            InputError: there are such.
        """
        from edgecnn.errors import InputError

        if self.key and not self.certificate:
            raise InputError("--mqtt-key goes with --mqtt-cert")
        if self.ca or self.certificate:
            broker.require_tls()


def parse(_: click.Context, __: click.Parameter, value: str | None) -> "Broker | None":
    """The broker that an option's URL names.

    Raises:
        click.BadParameter: it is none.
    """
    if value is None:
        return None
    from edgecnn.device.live.outlets.broker import parse_broker

    with wrong_usage.bad_value():
        return parse_broker(value)


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

# In reverse: click lists last what is added first.
FILES = (
    click.option(
        "--mqtt-password-file",
        type=_FILE,
        help=f"File with the broker's password.  [default: what the environment variable {PASSWORD} says]",
    ),
    click.option("--mqtt-key", type=_FILE, help="Key of --mqtt-cert, where it is in another file; PEM."),
    click.option("--mqtt-cert", type=_FILE, help="Certificate that is shown to the broker, PEM, without a password."),
    click.option(
        "--mqtt-ca",
        type=_FILE,
        help="Authorities that the broker's certificate must be of, PEM.  [default: those of this system]",
    ),
)
