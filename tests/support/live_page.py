"""A real server beside a real watcher, and how tests talk to it."""

import contextlib
import http.client
import json
import struct
import threading
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from edgecnn.device import Classifier
from edgecnn.device.live.sources.source import SourceSettings
from edgecnn.device.live.steady import Steady
from edgecnn.device.live.watcher import Watcher

pytest.importorskip("starlette", reason="the page needs edgecnn[live]")
client = pytest.importorskip("websockets.sync.client", reason="the page needs edgecnn[live]")

from edgecnn.device.live.keeping import Keeper  # noqa: E402
from edgecnn.device.live.server.app import PageTexts  # noqa: E402
from edgecnn.device.live.server.guard import Admission  # noqa: E402
from edgecnn.device.live.server.serving import LiveServer, advice_on_maps  # noqa: E402
from tests.support.waiting import until  # noqa: E402

LOOPBACK = Admission("127.0.0.1")
SETTINGS = SourceSettings(fps=50, loop=True, timeout=0.5, retry=0.05)


@dataclass(frozen=True)
class Page:
    """A page that is served."""

    watcher: Watcher
    server: LiveServer

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of a GET; a header `Host` takes the place of the usual one."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest("GET", path, skip_host="Host" in headers)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def connect(self, **options: Any) -> Any:
        """A WebSocket, as a program opens one."""
        return client.connect(f"ws://{self.address}/api/frames", proxy=None, max_size=None, **options)

    def goes_on(self) -> bool:
        """Whether new frames are classified and a new viewer gets one."""
        before = self.watcher.status.frames
        with self.connect() as viewer:
            ask(viewer, [])
            assert frame_of(viewer)["frame"] > 0
        return until(lambda: self.watcher.status.frames > before)


def ask(viewer: Any, maps: list[list[int]]) -> None:
    viewer.send(json.dumps({"ask": "next", "maps": maps}))


def frame_of(viewer: Any) -> dict[str, Any]:
    """The next frame, read by what the docstring of `messages` says of it."""
    while isinstance(message := viewer.recv(timeout=30), str):
        pass
    age_ms, length = struct.unpack(">II", message[:8])
    head: dict[str, Any] = json.loads(message[8 : 8 + length])
    end = 8 + length + head["picture"]["bytes"]
    values = np.frombuffer(zlib.decompress(message[end:]), np.uint8)
    arrays, at = [], 0
    for shape in (head["input"], *(one["shape"] for one in head["maps"])):
        arrays.append(values[at : at + int(np.prod(shape))].reshape(shape))
        at += arrays[-1].size
    assert at == values.size
    return {**head, "age_ms": age_ms, "jpeg": message[8 + length : end], "pixels": arrays[0], "values": arrays[1:]}


def text_of(viewer: Any, key: str) -> Any:
    """What the next text with this key says."""
    while True:
        message = viewer.recv(timeout=30)
        if isinstance(message, str) and key in (found := json.loads(message)):
            return found[key]


@contextlib.contextmanager
def served(
    model: str = "fashion-mnist.activations",
    source: str = "samples",
    *,
    settings: SourceSettings = SETTINGS,
    steady: Steady | None = None,
    admission: Admission = LOOPBACK,
    keeper: Keeper | None = None,
    port: int = 0,
    routes: Sequence[Any] = (),
) -> Iterator[Page]:
    """A watcher that runs, and its page."""
    watcher = Watcher(Classifier(model), source, settings, steady=steady)
    kept = (keeper.rule.words(),) if keeper else ()
    texts = PageTexts(model, advice_on_maps(model, watcher), kept)
    server = LiveServer(watcher, texts, admission, port, keeper=keeper, routes=routes)
    thread = threading.Thread(target=watcher.run, name="watcher of a test", daemon=True)
    thread.start()
    try:
        yield Page(watcher, server)
    finally:
        watcher.stop()
        thread.join(5)
        server.close()


def states() -> list[dict[str, Any]]:
    """What `/api/state` answers before the first frame, and after it."""
    with served(settings=SourceSettings(fps=0.01)) as page:  # the second frame would come after 100 s
        assert until(lambda: page.server.hub.newest is not None)
        after = json.loads(page.get("/api/state")[2])
        page.server.hub.newest = None
        return [json.loads(page.get("/api/state")[2]), after]


def refused(page: Page, **headers: str) -> int:
    """The status with which a viewer with these headers is not let in."""
    from websockets.exceptions import InvalidStatus

    with pytest.raises(InvalidStatus) as caught, page.connect(additional_headers=headers):
        pass
    return int(caught.value.response.status_code)
