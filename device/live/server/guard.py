"""Who may see the page: checked before anything else hears of a request."""

import hashlib
import hmac
import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_STRANGER = (
    "This page is for those who have its link, with the token in it. Open the link that edgecnn live printed when it "
    "started; without it nothing is shown.\n"
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches what listens on `host`, a name or an address."""
    if host == "localhost":
        return True
    address = _address(host)
    return address is not None and address.is_loopback


@dataclass(frozen=True)
class Admission:
    """Whom a server lets in.

    Attributes:
        host: the name or address that it listens on.
        allowed: further names that it may be called by.
        token: what a stranger must know; empty where nobody but this machine reaches it, by no proxy either.
    """

    host: str
    allowed: Collection[str] = ()
    token: str = ""

    @property
    def cookie(self) -> str:
        """Name of the cookie that holds the token; of its own, for a browser sends it to every port of a machine."""
        return f"edgecnn_live_{hashlib.sha256(self.token.encode()).hexdigest()[:8]}"

    def is_name(self, name: str) -> bool:
        """Whether the server goes by `name`; other names in a request are of pages that had theirs changed to ours.

        Such a name is one of the DNS: an address is nobody's to change.
        """
        name = name.lower().rstrip(".")
        if name in {self.host.lower(), *(one.lower() for one in self.allowed)}:
            return True
        if is_loopback(self.host):
            return is_loopback(name)
        own = socket.gethostname().lower()
        return _address(name) is not None or name in {own, own.partition(".")[0] + ".local", "localhost"}

    def knows(self, token: str) -> bool:
        """Whether this is the token; in a time that does not tell how much of it is right."""
        return hmac.compare_digest(token.encode(), self.token.encode())


class Guard:
    """Passes on what `admission` lets in, with headers that let a browser do no more than the page needs."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        """In front of `app`."""
        self._app, self._admission = app, admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None and scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # before it was accepted: 403
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        host = hosts[0] if len(hosts) == 1 else ""
        if not self._admission.is_name(_name_of(host)):
            words = "This server does not go by that name; edgecnn live takes further ones with --allow-host.\n"
            return PlainTextResponse(words, 421)
        origins = headers.getlist("origin")
        if any(not _is_same(origin, host) for origin in origins):
            return PlainTextResponse("Other pages may not read this one.\n", 403)
        if not self._admission.token:
            return None
        return self._check_token(scope, headers)

    def _check_token(self, scope: Scope, headers: Headers) -> Response | None:
        given = _token_in(scope["query_string"].decode("latin-1"))
        if scope["type"] == "http" and scope["path"] == "/" and self._admission.knows(given):
            answer = RedirectResponse("/", 303)  # the token leaves the address bar
            answer.set_cookie(self._admission.cookie, given, max_age=400 * 24 * 3600, httponly=True, samesite="strict")
            return answer
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        cookie = cookie_parser(headers.get("cookie", "")).get(self._admission.cookie, "")
        if self._admission.knows(cookie) or (kind.lower() == "bearer" and self._admission.knows(bearer.strip())):
            return None
        return PlainTextResponse(_STRANGER, 403)


def _token_in(query: str) -> str:
    """The token that a link has behind its `?`; empty where there is none, or far too much else."""
    try:
        return parse_qs(query, max_num_fields=20).get("token", [""])[0]
    except ValueError:
        return ""


def _name_of(host: str) -> str:
    """The name in a Host header, without the port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_same(origin: str, host: str) -> bool:
    """Whether a page of `origin` came from `host`, both with their ports: other ports are other people's."""
    scheme, _, place = origin.partition("://")
    return scheme in ("http", "https") and place.lower() == host.lower()


def _address(host: str) -> "ipaddress.IPv4Address | ipaddress.IPv6Address | None":
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
