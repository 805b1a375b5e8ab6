"""A page that other machines reach: its link, the cookie that the link becomes, and strangers."""

import hashlib
import socket
from collections.abc import Iterator

import pytest

from tests.support.live_page import Page, ask, frame_of, refused, served
from tests.support.waiting import until

from edgecnn.device.live.server.guard import Admission  # isort: skip - after what skips without the extra

TOKEN = "b" * 22
COOKIE = "edgecnn_live_" + hashlib.sha256(TOKEN.encode()).hexdigest()[:8]


@pytest.fixture(scope="module")
def guarded() -> Iterator[Page]:
    with served(admission=Admission("0.0.0.0", ("pi.example",), TOKEN)) as page:  # noqa: S104
        assert until(lambda: page.server.hub.newest is not None)
        yield page


def test_without_the_token_nothing_is_shown(guarded: Page) -> None:
    for path in ("/", "/live.js", "/api/state", "/api/frame.jpg", "/api/frames", "/nothing", "/?token=" + "c" * 22):
        status, _, body = guarded.get(path)
        assert status == 403 and (b"Open the link" in body or b"class" not in body), path
    assert guarded.get("/api/state", Cookie=f"{COOKIE}={TOKEN[:-1]}")[0] == 403
    assert guarded.get(f"/api/state?token={TOKEN}")[0] == 403  # an address is the page's alone
    assert guarded.get("/", Cookie=f"{COOKIE}=é".encode().decode("latin-1"))[0] == 403
    assert refused(guarded) == 403 == refused(guarded, Cookie=f"{COOKIE}=")


def test_the_link_becomes_a_cookie_that_opens_everything(guarded: Page) -> None:
    status, headers, _ = guarded.get(f"/?token={TOKEN}")
    assert status == 303 and headers["location"] == "/"
    cookie, *attributes = (part.strip().lower() for part in headers["set-cookie"].split(";"))
    assert cookie == f"{COOKIE}={TOKEN}" and {"httponly", "samesite=strict"} <= set(attributes)
    for path in ("/", "/live.js", "/api/state", "/api/frame.jpg"):
        assert guarded.get(path, Cookie=cookie)[0] == 200
        assert guarded.get(path, Authorization=f"Bearer {TOKEN}")[0] == 200
    with guarded.connect(additional_headers={"Cookie": cookie}) as viewer:
        ask(viewer, [])
        assert frame_of(viewer)["predictions"]


def test_two_pages_of_one_machine_do_not_log_each_others_viewers_out(guarded: Page) -> None:
    """A browser knows cookies by machine, not by port: one of the same name would take the other's place."""
    with served(admission=Admission("0.0.0.0", (), "d" * 22)) as other:  # noqa: S104
        jar: dict[str, str] = {}
        for page, token in ((guarded, TOKEN), (other, "d" * 22)):
            name, _, value = page.get(f"/?token={token}")[1]["set-cookie"].partition(";")[0].partition("=")
            jar[name] = value
        cookies = "; ".join(f"{name}={value}" for name, value in jar.items())
        assert [page.get("/api/state", Cookie=cookies)[0] for page in (guarded, other)] == [200, 200]


@pytest.mark.parametrize(
    "query", ["&".join(f"a{n}=1" for n in range(30)) + f"&token={TOKEN}", "token=" + "%" * 90, ";=&="]
)
def test_a_link_with_far_too_much_in_it_is_a_strangers(query: str, guarded: Page) -> None:
    assert guarded.get(f"/?{query}")[0] == 403


def test_beyond_loopback_addresses_and_named_hosts_are_its_own(guarded: Page) -> None:
    for host, status in (("192.168.1.9:8765", 200), ("pi.example", 200), (f"{socket.gethostname()}:1", 200)):
        assert guarded.get("/api/state", Host=host, Authorization=f"Bearer {TOKEN}")[0] == status
    assert guarded.get("/api/state", Host="rebound.example", Authorization=f"Bearer {TOKEN}")[0] == 421
