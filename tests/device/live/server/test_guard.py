"""Nobody gets in: strangers, other pages, other names; and whoever attacks, the camera goes on."""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.live_page import Page, ask, frame_of, refused, served, text_of
from tests.support.waiting import PATIENCE, until


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with served() as page:
        assert until(lambda: page.server.hub.newest is not None)
        yield page


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "192.168.1.9", "a@b", "[::1", "x:y:z"])
def test_to_other_names_a_loopback_page_does_not_answer(host: str, page: Page) -> None:
    status, _, body = page.get("/api/state", Host=host)
    assert status in (400, 421) and b"class" not in body


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9000", "127.0.0.1:1", "[::1]:80"])
def test_through_a_tunnel_it_goes_by_its_own_names(host: str, page: Page) -> None:
    assert page.get("/api/state", Host=host)[0] == 200


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:1", "http://localhost", "null", "https://evil.example", "file://"]
)
def test_other_pages_are_refused_though_they_are_on_the_same_machine(origin: str, page: Page) -> None:
    assert refused(page, Origin=origin) == 403
    assert page.get("/api/state", Origin=origin)[0] == 403
    with page.connect(additional_headers={"Origin": f"http://{page.address}"}) as viewer:
        assert text_of(viewer, "hello")["model"] == "fashion-mnist.activations"


def test_a_browser_may_do_no_more_than_the_page_needs(page: Page) -> None:
    for path in ("/", "/live.js", "/api/state", "/nothing"):
        _, headers, _ = page.get(path)
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-store" and headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin" and "server" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/static/..%2f..%2fapp.py",
        "//etc/passwd",
        "/live.js/../app.py",
    ],
)
def test_no_path_leads_to_other_files(path: str, page: Page) -> None:
    assert page.get(path)[0] in (400, 404)


def test_a_message_of_a_gigabyte_ends_its_sender_not_the_server(page: Page) -> None:
    before = resident_bytes()
    with page.connect() as viewer:
        raw = viewer.socket
        raw.sendall(b"\x82\xff" + (1 << 30).to_bytes(8, "big") + b"\0\0\0\0")  # the beginning of a frame of 1 GiB
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 1 << 30:
                raw.sendall(bytes(1 << 20))
                sent += 1 << 20
    assert sent < 1 << 26 and resident_bytes() - before < 1 << 26 and page.goes_on()


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_thousand_connections_leave_room_for_the_camera(page: Page) -> None:
    open_before, held = descriptors(), list[socket.socket]()
    with contextlib.ExitStack() as closed:
        for _ in range(1000):
            held.append(closed.enter_context(socket.create_connection(("127.0.0.1", page.port), timeout=30)))
            if len(held) == 100:  # those that were refused need not use up descriptors of this process
                assert until(partial(at_least_closed, held, 36))
                for one in filter(is_closed, held):
                    one.close()
                held = [one for one in held if one.fileno() >= 0]
                assert len(held) <= 64
        assert page.watcher.status.running and not page.watcher.status.trouble
    assert until(lambda: descriptors() <= open_before + 4) and page.goes_on()


def at_least_closed(held: list[socket.socket], count: int) -> bool:
    return sum(map(is_closed, held)) >= count


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def is_closed(one: socket.socket) -> bool:
    one.setblocking(False)
    try:
        return one.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_one_viewer_too_many_is_told_so(page: Page) -> None:
    from websockets.exceptions import ConnectionClosed

    assert until(lambda: not page.server.hub.viewers)
    with contextlib.ExitStack() as viewers:
        for _ in range(16):
            viewer = viewers.enter_context(page.connect())
            ask(viewer, [])
            frame_of(viewer)
        with page.connect() as further, pytest.raises(ConnectionClosed) as caught:
            further.recv(timeout=30)
        assert caught.value.rcvd is not None and caught.value.rcvd.code == 1013
    assert until(lambda: not page.server.hub.viewers) and page.goes_on()


@pytest.fixture
def noise(tmp_path: Path) -> Iterator[Page]:
    """A page of frames that are large in any format: few of them fit between two programs."""
    pixels = np.random.default_rng(0).integers(0, 256, (350, 360, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    with served(source=str(tmp_path)) as page:
        yield page


@contextlib.contextmanager
def one_that_takes_nothing(page: Page) -> Iterator[Callable[[], None]]:
    """A viewer that reads nothing (the sync client of websockets reads by itself); how it asks for a frame."""
    with socket.socket() as tight:
        tight.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        tight.connect(("127.0.0.1", page.port))
        lines = [f"GET /api/frames HTTP/1.1\r\nHost: {page.address}", "Connection: Upgrade", "Upgrade: websocket"]
        lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]
        tight.sendall("\r\n".join([*lines, "", ""]).encode())
        assert until(lambda: bool(page.server.hub.viewers))
        question = b'{"ask":"next","maps":[]}'
        yield lambda: tight.sendall(bytes([0x81, 0x80 | len(question), 0, 0, 0, 0]) + question)


def test_who_never_reads_is_not_waited_for(noise: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgecnn.device.live.server.viewers._SLOWEST", 10 * PATIENCE)  # it is there to the end
    with one_that_takes_nothing(noise) as asks:
        (slow,) = noise.server.hub.viewers

        def is_stuck() -> bool:
            """Whether a frame that it asks for is not sent while 25 others come."""
            asks()
            end = noise.watcher.status.frames + 25
            assert until(lambda: noise.watcher.status.frames > end)
            return slow._asked > 0

        assert until(is_stuck)
        assert noise.goes_on() and slow._asked and slow in noise.server.hub.viewers


def test_who_takes_nothing_makes_room_for_others(noise: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgecnn.device.live.server.viewers._SLOWEST", 0.3)
    viewers = noise.server.hub.viewers
    with one_that_takes_nothing(noise) as asks:
        for _ in range(8):
            with contextlib.suppress(OSError):
                asks()
            until(lambda: not viewers, 0.1)
        assert until(lambda: not viewers) and noise.goes_on()


@pytest.mark.parametrize(
    "message", ["", "[]", "{}", '{"ask":"next"}', '{"ask":"next","maps":[[0,0,-1]]}', "[" * 900, '{"ask":"keep"}', "\0"]
)
def test_what_the_page_never_sends_ends_the_connection(message: str, page: Page) -> None:
    from websockets.exceptions import ConnectionClosed

    with page.connect() as viewer:
        viewer.send(message)
        with pytest.raises(ConnectionClosed) as caught:
            drain(viewer)
        assert caught.value.rcvd is not None and caught.value.rcvd.code == 1008


def drain(viewer: Any, messages: Sequence[str | bytes] = ()) -> None:
    """Say all `messages`, then read until it is over."""
    for message in messages:
        viewer.send(message)
    while True:
        viewer.recv(timeout=30)


def test_bytes_for_text_and_too_many_questions_end_it_too(page: Page) -> None:
    from websockets.exceptions import ConnectionClosed

    for messages in ([b"\xff\xfe"], ['{"ask":"next","maps":[]}'] * 500):
        with page.connect() as viewer, pytest.raises(ConnectionClosed):
            drain(viewer, messages)
    assert page.goes_on()


def test_who_leaves_in_the_middle_of_waiting_is_gone(page: Page) -> None:
    for _ in range(30):
        with page.connect() as viewer:
            ask(viewer, [[0, 0, 8]])
            frame_of(viewer)
            ask(viewer, [])
    assert until(lambda: not page.server.hub.viewers and not page.watcher.wanted_maps)
