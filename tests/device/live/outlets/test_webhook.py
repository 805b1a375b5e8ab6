"""Each change is posted, by a thread that never holds up frames, whatever the server does."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from edgecnn import InputError
from edgecnn.device.live.observation import Change
from edgecnn.device.live.outlets.webhook import Webhook
from edgecnn.device.live.steady import Verdict
from tests.support.waiting import until


def change(frame: int) -> Change:
    return Change(Verdict("Bag", 8, 0.9, 1_764_000_000.25, frame, "class"), "Coat", ("image: saturated",))


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted; answers with the codes that it was given, then with 200.

    Attributes:
        bodies: of what it answered with 200.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.codes: list[int] = []
        self.bodies: list[dict[str, Any]] = []
        self.goes_on = threading.Event()  # no answer comes before
        self.goes_on.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?key=secret"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver = self.server
        assert isinstance(receiver, Receiver)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver.goes_on.wait()
        code = receiver.codes.pop(0) if receiver.codes else 200
        if code == 200:
            receiver.bodies.append(json.loads(body))
        self.send_response(code)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.goes_on.set()
    server.shutdown()
    server.server_close()


def test_changes_arrive_in_order_as_json(receiver: Receiver) -> None:
    hook = Webhook(receiver.url, pytest.fail)
    for number in range(5):
        hook(change(number))
    hook.close(timeout=10)
    assert [body["frame"] for body in receiver.bodies] == [0, 1, 2, 3, 4] and (hook.sent, hook.lost) == (5, 0)
    assert receiver.bodies[0] == {
        "time": "2025-11-24T16:00:00.250Z", "label": "Bag", "index": 8, "score": 0.9, "frame": 0, "reason": "class",
        "previous": "Coat", "drift": ["image: saturated"],
    }  # fmt: skip


@pytest.mark.parametrize("code", [500, 404, 302])
def test_what_is_refused_is_sent_again_and_both_are_said_without_the_key(code: int, receiver: Receiver) -> None:
    told: list[str] = []
    receiver.codes = [code, code]
    hook = Webhook(receiver.url, told.append, retry=0.01)
    hook(change(1))
    assert until(lambda: hook.sent == 1)
    hook.close()
    assert len(receiver.bodies) == 1 and hook.lost == 0
    assert f"answered {code}" in told[0] and told[1].endswith("takes changes again") and "secret" not in "".join(told)


def test_a_server_that_is_not_there_costs_the_caller_no_time(receiver: Receiver) -> None:
    url = receiver.url
    receiver.shutdown()
    receiver.server_close()
    told: list[str] = []
    hook = Webhook(url, told.append, retry=0.01)
    for number in range(300):
        hook(change(number))
    assert until(lambda: hook.lost > 200)
    hook.close()
    assert hook.sent == 0 and len([sentence for sentence in told if "did not take" in sentence]) == 1


def test_neither_a_change_nor_the_end_waits_for_a_server_that_gives_no_answer(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgecnn.device.live.outlets.webhook._TIMEOUT", 60.0)
    receiver.goes_on.clear()
    hook = Webhook(receiver.url, lambda _: None)
    started = time.monotonic()
    for number in range(300):
        hook(change(number))
    hook.close(timeout=0.2)
    assert time.monotonic() - started < 30  # half of what the first answer alone would take
    assert hook.sent == 0 and receiver.bodies == []


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "host:80", "http://", "file:///etc/passwd", "http://a:b@host/", "http://[x"]
)
def test_what_is_no_url_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="the webhook"):
        Webhook(url)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/t\u00fcrklingel", "http://t\u00fcr.local:8123/x", "http://127.0.0.1:9/a b", "http://127.0.0.1:9/a\tb",
     " http://127.0.0.1:9/", "http://127.0.0.1:9/\n", "http://127.0.0.1:9/\x7f", "http://a..b/", f"http://{'a' * 64}/"],
)  # fmt: skip
def test_what_can_never_be_sent_is_refused_before_the_first_change(url: str) -> None:
    with pytest.raises(InputError, match=r"the webhook's URL (holds .*; write it percent-encoded|cannot be read)"):
        Webhook(url)


def test_what_is_percent_encoded_is_sent(receiver: Receiver) -> None:
    hook = Webhook(receiver.url.replace("hook?", "t%C3%BCr%20klingel?a=~!$&'()*+,;=:@[]|&"), pytest.fail)
    hook(change(7))
    assert until(lambda: hook.sent == 1)
    hook.close()
