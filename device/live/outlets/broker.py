"""Which MQTT broker, read strictly from a URL and files: what is wrong with them is said before the camera starts."""

import contextlib
import re
import ssl
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from edgecnn.errors import InputError

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_MOST_PASSWORD_BYTES = 4096
_EXAMPLE = "write it as mqtt://USER@192.168.1.5:1883/edgecnn; user, port and prefix may be left out"


@dataclass(frozen=True)
class Broker:
    """Where messages go, and how.

    Attributes:
        host: its name or address.
        port: likewise.
        prefix: what all topics begin with.
        user: empty for none.
        password: empty for none.
        tls: how it is checked, and what it is shown; None for a connection that others can read.
        is_secure: whether the URL asks for TLS.
        has_certificate: whether it is shown one.
    """

    host: str
    port: int
    prefix: str
    user: str = ""
    password: str = ""
    tls: ssl.SSLContext | None = None
    is_secure: bool = False
    has_certificate: bool = False

    @property
    def title(self) -> str:
        """For sentences."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def with_password(self, password: str) -> "Broker":
        """The same with a password.

        Raises:
            InputError: the URL names no user.
        """
        if not self.user:
            raise InputError(f"a password goes with a user; {_EXAMPLE}")
        return replace(self, password=password)

    def require_tls(self) -> None:
        """Make sure that the connection has TLS: certificates mean nothing without.

        Raises:
            InputError: the URL asks for none.
        """
        if not self.is_secure:
            raise InputError("certificates go with a URL that begins with mqtts://")

    def with_tls(self, ca: Path | None, certificate: Path | None, key: Path | None) -> "Broker":
        """The same with TLS.

        Args:
            ca: certificates of the authorities that the broker's must be of; None for those of this system.
            certificate: what the broker is shown; None for nothing.
            key: that of `certificate`; None where the same file holds it.

        Raises:
            InputError: the URL asks for none, or a file holds something else.
        """
        self.require_tls()
        try:
            context = ssl.create_default_context(cafile=ca)
        except OSError as error:  # of which ssl.SSLError is one
            raise InputError(f"{ca} holds no certificate of an authority in PEM ({_reason(error)})") from None
        if certificate is not None:
            try:
                # Without a password OpenSSL would ask for one on the terminal, which a service has not.
                context.load_cert_chain(certificate, key, password=lambda: "")
            except OSError as error:
                raise InputError(
                    f"{certificate} and {key or certificate} are no certificate with its key in PEM, without a "
                    f"password ({_reason(error)})"
                ) from None
        return replace(self, tls=context, has_certificate=certificate is not None)


def parse_broker(url: str) -> Broker:
    """The broker of a URL, without password and certificates.

    Raises:
        InputError: it is none of a broker, or holds a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # which quotes a part of the URL, of a password too
        raise InputError(f"the broker's URL cannot be read: behind // are no host and port; {_EXAMPLE}") from None
    if parts.password is not None:
        raise InputError("the broker's URL holds a password, which everybody on this machine can see; leave it out")
    # An empty query or fragment counts too: in topics # and ? may have been meant.
    if parts.scheme not in _PORTS or not parts.hostname or port == 0 or re.search(r"[?#]", url):
        raise InputError(f"this is no URL of a broker; {_EXAMPLE}, or mqtts:// with TLS")
    prefix = unquote(parts.path).strip("/") or "edgecnn"
    levels = prefix.split("/")
    if (
        not all(levels)
        or prefix.startswith("$")
        or re.search(r"[+#\x00-\x1f\x7f-\x9f\ufffd]", prefix)
        or len(prefix) > 200
    ):
        raise InputError(f"{prefix!r} cannot begin topics: neither +, # nor empty parts may be in it; {_EXAMPLE}")
    user = unquote(parts.username or "")
    return Broker(parts.hostname, port or _PORTS[parts.scheme], prefix, user, is_secure=parts.scheme == "mqtts")


def read_password(path: Path) -> str:
    """The one line of a file.

    Raises:
        InputError: it cannot be read, or holds something else than one line of text.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_PASSWORD_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: the broker's password cannot be read ({error.strerror})") from None
    with contextlib.suppress(UnicodeDecodeError):
        lines = data.decode("utf-8-sig").splitlines()
        if len(lines) == 1 and lines[0] and len(data) <= _MOST_PASSWORD_BYTES:
            return lines[0]
    raise InputError(f"{path} must hold the broker's password, one line of text, and nothing else")


def _reason(error: OSError) -> str:
    return str(getattr(error, "reason", None) or error.strerror or error).replace("_", " ").lower()
