"""A thread that serves the page beside the watcher: nobody who looks, or attacks, holds the camera up."""

import asyncio
import contextlib
import errno
import logging
import os
import shlex
import socket
import threading
from collections.abc import Sequence
from pathlib import Path

import uvicorn
from starlette.routing import BaseRoute
from uvicorn.protocols.http.h11_impl import H11Protocol

from edgecnn.errors import OutputError

from ...map_tensors import where_maps_are
from ..keeping import Keeper
from ..observation import Observation
from ..watcher import Watcher
from .app import PageTexts, make_app
from .guard import Admission
from .requests import MOST_BYTES
from .viewers import Hub

_MOST_CONNECTIONS = 64  # of which a browser takes six; each costs a descriptor, and the camera needs some
_LIFETIME = 20.0  # seconds that a connection may stay without becoming a viewer's
_CLOSING = 2  # seconds that viewers have to hear that the end has come


class _BoundedConnection(H11Protocol):
    """uvicorn's HTTP, of which only so many connections live, and none for long: idle ones must not use them up."""

    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        if len(self.connections) >= _MOST_CONNECTIONS:
            self._refused = True
            transport.abort()
            return
        super().connection_made(transport)
        self._end = self.loop.call_later(_LIFETIME, self._expire)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._refused:
            self._end.cancel()
            super().connection_lost(exc)

    def _expire(self) -> None:
        if self in self.connections:  # else it is a viewer's by now
            self.transport.abort()


class LiveServer:
    """Serves the page of a watcher until it is closed.

    Attributes:
        port: on which it listens.
        hub: what its viewers share.
    """

    def __init__(
        self,
        watcher: Watcher,
        texts: PageTexts,
        admission: Admission,
        port: int,
        *,
        keeper: Keeper | None = None,
        routes: Sequence[BaseRoute] = (),
    ) -> None:
        """Listen, and answer from now on.

        Args:
            watcher: whose observations are shown; its listeners gain one.
            texts: what else the page says.
            admission: who is let in; its host is listened on.
            port: 0 for a free one.
            keeper: keeps frames that a viewer chooses; None: none are.
            routes: what else is served.

        Raises:
            OutputError: nothing can listen there.
        """
        self._watcher = watcher
        self._sockets = [listen(admission.host, port)]
        self.port: int = self._sockets[0].getsockname()[1]
        self.hub = Hub(watcher, keeper)
        app = make_app(self.hub, admission, texts, routes)
        config = uvicorn.Config(
            app,
            http=_BoundedConnection,
            ws_max_size=MOST_BYTES,
            ws_per_message_deflate=False,  # frames are compressed once, not for each viewer
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_CLOSING,
        )
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # of clients that misbehave
        self._server = uvicorn.Server(config)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="edgecnn page", daemon=True)
        self._thread.start()
        watcher.listeners.append(self._show)
        watcher.notes.append(self._note)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._server.serve(self._sockets))
        finally:
            self._loop.run_until_complete(self.hub.reasons.close())
            self._loop.close()

    def _show(self, seen: Observation) -> None:
        """In the watcher's thread: it goes on at once."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self.hub.publish, seen)

    def _note(self, sentence: str) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.hub.tell, sentence)

    def close(self) -> None:
        """Tell the viewers that it is over, and listen no more."""
        self._watcher.listeners.remove(self._show)
        self._watcher.notes.remove(self._note)
        self._server.should_exit = True
        self._thread.join(_CLOSING + 3)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        OutputError: there is no such name here, or the port is taken or not for this user.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError):
        raise OutputError(f"the page cannot be served: {host} is no name or address of this machine") from None
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it would let two programs have the port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(64)
    except OSError as error:
        listening.close()
        advice = (
            "choose another with --port, or --no-page"
            if error.errno != errno.EADDRNOTAVAIL
            else "choose another --host"
        )
        raise OutputError(f"the page cannot be served on {host}, port {port} ({error.strerror}); {advice}") from None
    return listening


def advice_on_maps(model: str, watcher: Watcher) -> str:
    """Why `model` gives no feature maps, and which file does; empty if it gives some."""
    if watcher.layers:
        return ""
    place, variant = where_maps_are(model, watcher.classifier.loaded)
    if place == "nowhere":
        return "This network has no convolution and pooling layers: there are no feature maps to show."
    advice = {
        "other": f"{Path(variant).name} is of another network: convert the run again.",
        "here": f"Its activations variant does: edgecnn live {shlex.quote(variant)}",
        "unwritten": f"{Path(variant).name}, which edgecnn convert writes beside it, does."
        if variant
        else "The one that edgecnn convert writes as .activations.tflite does.",
        "keras": "edgecnn convert, of the Keras model that it was made of, writes a variant that does.",
    }[place]
    return f"This model gives no feature maps. {advice}"
