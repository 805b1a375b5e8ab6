"""Each change as a POST to a URL, from a thread of its own: a server that is slow or gone never holds up the camera."""

import json
import queue
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from edgecnn.errors import InputError

from ..observation import Change

_ROOM = 100  # changes that wait
_TRIES = 4
_TIMEOUT = 5.0  # seconds, for an answer


class Webhook:
    """Posts each change as JSON; one that the server does not take is tried again, then given up.

    Attributes:
        sent: changes that the server took.
        lost: changes that it did not take, or for which there was no room.
    """

    def __init__(self, url: str, tell: Callable[[str], None] = lambda _: None, retry: float = 1.0) -> None:
        """Begin to wait for changes.

        Args:
            url: http or https.
            tell: hears when the server does not take changes, and when it does again.
            retry: seconds before the second try; twice as long before each that follows.

        Raises:
            InputError: nothing can be sent there, see `host_of`.
        """
        self._host = host_of(url)
        self.sent = self.lost = 0
        self._url, self._tell, self._retry = url, tell, retry
        self._waiting: queue.Queue[Change] = queue.Queue(_ROOM)
        self._closed = threading.Event()
        self._was_well = True
        self._thread = threading.Thread(target=self._work, name="edgecnn webhook", daemon=True)
        self._thread.start()

    def __call__(self, change: Change) -> None:
        """Have one sent, soon; where no more may wait, the oldest makes way."""
        while True:
            try:
                self._waiting.put_nowait(change)
                return
            except queue.Full:
                try:
                    self._waiting.get_nowait()
                    self._waiting.task_done()
                    self.lost += 1
                except queue.Empty:
                    pass

    @property
    def waiting(self) -> int:
        """Changes of which it is not known yet whether the server takes them."""
        return self._waiting.unfinished_tasks

    def close(self, timeout: float = 1.0) -> None:
        """Send what waits, for `timeout` seconds at most."""
        deadline = time.monotonic() + timeout
        while self.waiting and self._was_well and time.monotonic() < deadline:
            time.sleep(0.01)
        self._closed.set()
        self._thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        while not self._closed.is_set():
            try:
                change = self._waiting.get(timeout=0.1)
            except queue.Empty:
                continue
            self._send(json.dumps(change.row()).encode())
            self._waiting.task_done()

    def _send(self, body: bytes) -> None:
        wait = self._retry
        for attempt in range(_TRIES):
            if attempt:
                self._closed.wait(wait)
                wait *= 2
            if self._closed.is_set():
                break
            reason = _post(self._url, body)
            if not reason:
                self.sent += 1
                if not self._was_well:
                    self._tell(f"the webhook at {self._host} takes changes again")
                self._was_well = True
                return
            if self._was_well:
                self._tell(f"the webhook at {self._host} did not take a change ({reason}); trying again")
            self._was_well = False
        self.lost += 1


def _post(url: str, body: bytes) -> str:
    """Send `body`; why the server did not take it, or an empty text."""
    request = urllib.request.Request(  # noqa: S310  # http or https, which was checked
        url, body, {"Content-Type": "application/json", "User-Agent": "edgecnn"}, method="POST"
    )
    try:
        with _OPENER.open(request, timeout=_TIMEOUT):
            return ""
    except urllib.error.HTTPError as error:
        error.close()
        return f"it answered {error.code} {error.reason}"
    except urllib.error.URLError as error:
        return str(getattr(error.reason, "strerror", None) or error.reason)
    except (OSError, HTTPException, ValueError) as error:
        return str(error) or type(error).__name__


def host_of(url: str) -> str:
    """The host of a webhook's URL, with its port where it names one.

    Raises:
        InputError: `url` is none of http or https, or one that nothing can be sent to.
    """
    if odd := re.search(r"[^!-~]", url):
        raise InputError(
            f"the webhook's URL holds {odd[0]!r}, which no server is sent; write it percent-encoded, as in %20, "
            "and a host's name as xn--..."
        )
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
        host = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    except ValueError:  # which quotes a part of the URL, of a password too
        raise InputError("the webhook's URL cannot be read: behind // are no host and port") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise InputError(
            "the webhook must be a URL such as http://192.168.1.5:8080/doorbell, http or https, without a name and "
            "password before the host"
        )
    return host


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A POST that is sent elsewhere would arrive as a GET, without its body."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Refuse: the answer is an error then."""
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)
