"""URL, password and certificates, read strictly; and what a real broker makes of wrong ones."""

import gc
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edgecnn import InputError
from edgecnn.device.live.outlets.broker import Broker, parse_broker, read_password
from edgecnn.device.live.outlets.broker_connection import BrokerError
from edgecnn.device.live.outlets.broker_session import BrokerSession
from edgecnn.device.live.outlets.webhook import Webhook
from tests.support.brokers import RealBroker, broker, listening, make_certificates, needs_mosquitto
from tests.support.waiting import until

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl to make certificates")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://broker", Broker("broker", 1883, "edgecnn")),
        ("mqtts://broker/", Broker("broker", 8883, "edgecnn", is_secure=True)),
        ("mqtt://me@[::1]:99/a/b/", Broker("::1", 99, "a/b", "me")),
        ("MQTT://a%40b@10.0.0.1/caf%C3%A9", Broker("10.0.0.1", 1883, "café", "a@b")),
    ],
)
def test_what_a_url_says(url: str, expected: Broker) -> None:
    assert parse_broker(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "", "broker", "broker:1883", "http://broker", "mqtt://", "mqtt://:1883", "mqtt://h:0", "mqtt://h:65536",
        "mqtt://h:x", "mqtt://[x", "mqtt://u:p@h", "mqtt://u:@h", "mqtt://h/a+b", "mqtt://h/a/%23", "mqtt://h/a#b",
        "mqtt://h/?q", "mqtt://h/$SYS", "mqtt://h/a//b", "mqtt://h/%00", "mqtt://h/%ff", "mqtt://h/" + "x" * 300,
    ],
)  # fmt: skip
def test_what_is_no_url_of_a_broker_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(InputError) as raised:
        parse_broker(url)
    assert "mqtt://USER@192.168.1.5" in str(raised.value) or "leave it out" in str(raised.value)
    assert ":p@" not in str(raised.value)


@pytest.mark.parametrize("password", ["xyx/zyz", "xyx?zyz", "xyx#zyz", "xyx@zyz", "xyx\u2100zyz"])
def test_no_part_of_a_password_is_said_of_a_url_that_cannot_be_read(password: str) -> None:
    for scheme, parse in (("mqtt", parse_broker), ("http", Webhook)):
        with pytest.raises(InputError) as raised:
            parse(f"{scheme}://u:{password}@h")
        assert "xyx" not in str(raised.value) and "zyz" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines", b"\xff\xfe", b"\xef\xbb\xbf", b"x" * 5000])
def test_a_password_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(content)
    with pytest.raises(InputError, match="one line of text"):
        read_password(tmp_path / "p")
    for end in (b"", b"\n", b"\r\n"):
        (tmp_path / "p").write_bytes("pass wörd".encode() + end)
        assert read_password(tmp_path / "p") == "pass wörd"
    (tmp_path / "p").write_text("pass wörd\n", encoding="utf-8-sig")  # as editors on Windows do
    assert read_password(tmp_path / "p") == "pass wörd"


def test_a_password_without_a_user_and_certificates_without_tls_are_refused() -> None:
    with pytest.raises(InputError, match="a password goes with a user"):
        parse_broker("mqtt://h").with_password("x")
    with pytest.raises(InputError, match="mqtts://"):
        parse_broker("mqtt://h").with_tls(None, None, None)


def reason(target: Broker) -> str:
    """Why a session cannot be opened; empty if it can."""
    session = BrokerSession(target, "edgecnn-test", ("a", "b"), lambda _: None)
    try:
        session.open()
        session.send("test/topic", "x")
        session.close()
    except BrokerError as error:
        session.abandon()
        return str(error)
    return ""


@needs_mosquitto
def test_a_wrong_password_is_said_and_what_may_not_be_written(tmp_path: Path) -> None:
    subprocess.run(["mosquitto_passwd", "-b", "-c", tmp_path / "users", "pi", "right"], check=True, capture_output=True)
    (tmp_path / "acl").write_text("pattern write lab/%u/#\npattern read lab/#\n")
    lines = ("allow_anonymous false", f"password_file {tmp_path}/users", f"acl_file {tmp_path}/acl")
    with broker(tmp_path, *lines) as one:
        target = parse_broker(f"mqtt://pi@127.0.0.1:{one.port}")
        assert reason(target.with_password("wrong")) == "it does not let pi in (not authorized)"
        assert "does not let a client without a user in" in reason(parse_broker(f"mqtt://127.0.0.1:{one.port}"))
        told: list[str] = []
        with listening(one.port, "lab/#", user="pi", password="right") as listener:  # noqa: S106
            session = BrokerSession(target.with_password("right"), "edgecnn-pi", ("lab/pi/w", "gone"), told.append)
            session.open()
            session.send("lab/pi/state", "mine")
            session.send("lab/other/state", "forged")
            assert until(lambda: listener.heard)
            session.close()
        assert told == ["the MQTT broker does not let pi write to lab/other/state"]
        assert [topic for topic, _, _ in listener.heard] == ["lab/pi/state"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


@pytest.fixture(scope="module")
def secure(certificates: Path) -> Iterator[RealBroker]:
    """A broker that wants a certificate of its clients."""
    names = {"cafile": "ca.pem", "certfile": "server.pem", "keyfile": "server.key"}
    lines = [f"{key} {certificates / name}" for key, name in names.items()]
    with broker(certificates, *lines, "require_certificate true", "use_identity_as_username true") as one:
        yield one


@needs_openssl
@needs_mosquitto
# paho leaves the socket of a handshake that failed to Python.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
def test_tls_with_the_right_certificates_and_with_wrong_ones(secure: RealBroker, certificates: Path) -> None:
    ca, certificate, key = (certificates / name for name in ("ca.pem", "client.pem", "client.key"))
    target = parse_broker(f"mqtts://127.0.0.1:{secure.port}")
    assert reason(target.with_tls(ca, certificate, key)) == ""
    wrong = reason(target.with_tls(certificates / "other.pem", certificate, key))
    assert wrong.startswith("its certificate is not to be trusted (") and "--mqtt-ca" in wrong
    named = replace(parse_broker(f"mqtts://localhost:{secure.port}"), host="localhost")
    assert "localhost" in reason(named.with_tls(ca, certificate, key))
    assert "--mqtt-cert" in reason(target.with_tls(ca, None, None))
    assert "mqtts://" in reason(parse_broker(f"mqtt://127.0.0.1:{secure.port}"))
    gc.collect()  # here, where the sockets are expected


@needs_openssl
def test_files_that_are_no_certificates_are_said_before_anything_connects(certificates: Path, tmp_path: Path) -> None:
    target = parse_broker("mqtts://127.0.0.1:1")
    (tmp_path / "text").write_text("no certificate")
    command: list[str | Path] = [
        "openssl",
        "ec",
        "-in",
        certificates / "client.key",
        "-out",
        tmp_path / "locked.key",
        "-aes128",
    ]
    subprocess.run([*command, "-passout", "pass:secret"], check=True, capture_output=True, timeout=30)
    with pytest.raises(InputError, match="text holds no certificate of an authority"):
        target.with_tls(tmp_path / "text", None, None)
    for key in (certificates / "server.key", tmp_path / "text", tmp_path / "locked.key"):
        with pytest.raises(InputError, match="are no certificate with its key"):
            target.with_tls(certificates / "ca.pem", certificates / "client.pem", key)
    assert isinstance(target.with_tls(None, None, None).tls, ssl.SSLContext)
