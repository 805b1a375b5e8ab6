"""Films, devices and streams by way of PyAV: each frame an upright JPEG, in order, whatever is damaged on the way."""

import contextlib
import functools
import io
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn import MissingExtraError, SourceError
from edgecnn.device.live.sources import video
from edgecnn.device.live.sources.opening import open_source
from edgecnn.device.live.sources.source import SourceSettings
from tests.support.cameras import first, garment

pytest.importorskip("av")
from tests.support import films

AT_ONCE = SourceSettings(paced=False, timeout=2, retry=0.02)


def picture(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))


def levels(frames: list[bytes]) -> list[int]:
    """The gray of each frame as a number of `films.grays`."""
    return [round(float(picture(data).mean()) / 20) for data in frames]


@pytest.mark.parametrize(("name", "codec"), [("film.mp4", "mpeg4"), ("film.avi", "mjpeg")])
def test_a_film_gives_every_frame_in_order_and_ends(name: str, codec: str, tmp_path: Path) -> None:
    path = films.write_film(tmp_path / name, films.grays(12), codec)
    source = video.open_film(str(path), AT_ONCE, pytest.fail)
    assert levels([frame.data for frame in source]) == list(range(12)) and source.damaged == 0


def test_frames_that_are_jpegs_are_passed_on_as_they_are(tmp_path: Path) -> None:
    path = films.write_film(tmp_path / "film.avi", films.grays(3), "mjpeg")
    whole = path.read_bytes()
    assert [frame.data in whole for frame in video.open_film(str(path), AT_ONCE, pytest.fail)] == [True] * 3


def test_a_film_of_a_telephone_is_turned_upright(tmp_path: Path) -> None:
    frame = films.grays(1)[0]
    frame[:, : films.SIZE[0] // 2] = 255  # its left half, which is to be at the top
    films.turn_clockwise(films.write_film(tmp_path / "film.mp4", [frame]))
    (found,) = video.open_film(str(tmp_path / "film.mp4"), AT_ONCE, pytest.fail)
    shown = picture(found.data)
    assert shown.shape == films.SIZE and shown[:70].min() > 200 and shown[90:].max() < 50


def test_a_damaged_packet_is_counted_and_those_behind_it_are_shown(tmp_path: Path) -> None:
    path = films.write_film(tmp_path / "film.mp4", films.grays(10))
    films.damage_packet(path, 4)
    source = video.open_film(str(path), AT_ONCE, pytest.fail)
    found = levels([frame.data for frame in source])
    assert source.damaged == 1 and found == [0, 1, 2, 3, 5, 6, 7, 8, 9]


def test_a_paced_film_takes_its_time_and_loops(tmp_path: Path) -> None:
    path = films.write_film(tmp_path / "film.mp4", films.grays(3), rate=20)
    started = time.monotonic()
    frames = first(video.open_film(str(path), SourceSettings(loop=True), pytest.fail), 6)
    assert levels([frame.data for frame in frames]) == [0, 1, 2, 0, 1, 2]
    # Two gaps of 50 ms in each round.
    assert time.monotonic() - started > 0.19 and frames[-1].number == 6


NO_SIZE = b"YUV4MPEG2 W0 H0 F30:1\nFRAME\n"


@pytest.mark.parametrize("content", [b"", b"no film at all", NO_SIZE, None])
def test_what_is_no_film_is_one_sentence(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(films.write_film(path, films.grays(5)).read_bytes()[:300] if content is None else content)
    with pytest.raises(SourceError, match=r"film\.mp4: cannot be read as a film \(\w+.*; give a film"):
        list(video.open_film(str(path), AT_ONCE, pytest.fail))


def test_a_device_gives_frames(tmp_path: Path) -> None:
    source = video.open_device("lavfi:testsrc=size=64x48:rate=30", AT_ONCE, pytest.fail)
    frames = first(source, 3)
    assert source.is_live and [picture(frame.data).shape for frame in frames] == [(48, 64)] * 3


def test_what_is_closed_gives_no_more(tmp_path: Path) -> None:
    film = str(films.write_film(tmp_path / "film.mp4", films.grays(3)))
    looped = SourceSettings(paced=False, loop=True)
    for source in (
        video.open_film(film, looped, pytest.fail),
        video.open_device("lavfi:testsrc=size=64x48:rate=30", AT_ONCE, pytest.fail),
    ):
        frames = iter(source)
        assert next(frames).number == 1
        source.close()
        assert list(itertools.islice(frames, 9)) == []


def test_a_device_that_is_not_there_is_one_sentence() -> None:
    told: list[str] = []
    with pytest.raises(SourceError, match="/dev/video99: No such file"):
        first(video.open_device("/dev/video99", AT_ONCE, told.append), 1)
    assert len(told) == 2


class MjpegServer(BaseHTTPRequestHandler):
    """Sends three JPEGs to each who asks, and goes."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for number in range(3):
            self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + garment(number) + b"\r\n")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), MjpegServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_stream_that_ends_is_opened_anew_and_its_password_is_never_said(address: str) -> None:
    told: list[str] = []
    source = video.open_stream(f"http://eve:secret@{address}/camera?token=hidden", AT_ONCE, told.append)
    frames = first(source, 5)
    assert {frame.data for frame in frames} <= {garment(number) for number in range(3)}
    assert told[0].startswith(f"http://{address}/camera") and told[0].endswith("; opening it again in 0.02 s")
    assert "secret" not in told[0] and "hidden" not in told[0]


@pytest.mark.parametrize(
    ("url", "title"),
    [
        ("rtsp://admin:p@ssw0rd@192.168.1.7:554/1", "rtsp://192.168.1.7:554/1"),
        ("rtsp://admin:a@b@c@cam/1", "rtsp://cam/1"),
        ("rtsp://admin:p/ssw0rd@cam:554/1", "rtsp://cam:554/1"),
        ("rtsp://admin:p?ss#w0rd@cam/1", "rtsp://cam/1"),
        ("rtsp://admin@cam/1", "rtsp://cam/1"),
        ("rtsp://eve@mail.com:pass/w@cam/1", "rtsp://cam/1"),
        ("http://eve@cam:8080/@low/1", "http://cam:8080/@low/1"),
        ("http://cam/@low/1?user=a@b", "http://cam/@low/1"),
        ("http://cam:8080/@low/1", "http://cam:8080/@low/1"),
        ("http://eve:secret@cam:8080/@low/1", "http://cam:8080/@low/1"),
        ("http://[fd00::1]:80/@low", "http://[fd00::1]:80/@low"),
        ("http://cam?token=a:b@c", "http://cam"),
    ],
)
def test_neither_user_nor_password_is_in_the_title(url: str, title: str) -> None:
    assert video.open_stream(url, AT_ONCE, pytest.fail).title == title


def test_a_film_of_the_network_begins_again_where_it_is_to_loop(tmp_path: Path) -> None:
    films.write_film(tmp_path / "film.avi", films.grays(3), "mjpeg")
    handler = functools.partial(QuietFiles, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/film.avi"
        once = list(video.open_stream(address, AT_ONCE, pytest.fail))
        looped = first(video.open_stream(address, replace(AT_ONCE, loop=True), pytest.fail), 7)
        server.shutdown()
    assert len(once) == 3 and [frame.data for frame in looped] == [frame.data for frame in (*once, *once, once[0])]
    assert looped[-1].number == 7


class QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize("name", ["12:30:00.avi", "http:film.avi", "pipe:0.avi", "concat:a|b.avi", "a%03d.avi"])
def test_a_film_may_have_any_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    films.write_film(tmp_path / "film.avi", films.grays(3), "mjpeg").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    source = open_source(name, AT_ONCE, pytest.fail)
    assert len(list(source)) == 3 and source.title == name


def test_a_camera_of_few_frames_a_second_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    patience: list[float] = []

    def refuse(*_: object, timeout: float, **__: object) -> None:
        patience.append(timeout)
        raise OSError

    monkeypatch.setattr("av.open", refuse)
    for name, settings in (
        ("/dev/video0", SourceSettings(fps=0.1, retry=0.01)),
        ("/dev/video0", SourceSettings(fps=0.1, timeout=60, retry=0.01)),
        ("rtsp://cam/1", SourceSettings(fps=0.1, retry=0.01)),
    ):
        with pytest.raises(SourceError):
            first(open_source(name, settings), 1)
    assert list(dict.fromkeys(patience)) == [20, 60, 5]


def test_a_stream_that_is_silent_is_given_up() -> None:
    told: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:  # takes connections, and says nothing
        address = f"http://127.0.0.1:{server.getsockname()[1]}/camera"
        source = video.open_stream(address, SourceSettings(timeout=0.2, retry=0.02), told.append)
        with pytest.raises(SourceError, match=r"camera gave no frame for 0\.2 s"):
            first(source, 1)
    assert len(told) == 2


def test_a_stream_of_empty_parts_is_given_up() -> None:
    def send(link: socket.socket) -> None:
        head = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=q\r\n\r\n"
        with link, contextlib.suppress(OSError):
            link.sendall(head)
            for _ in range(8000):
                link.sendall(b"--q\r\nContent-Type: image/jpeg\r\nContent-Length: 0\r\n\r\n\r\n")
                time.sleep(0.001)

    def serve(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=send, args=(server.accept()[0],), daemon=True).start()

    told: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/camera"
        source = video.open_stream(address, SourceSettings(timeout=1, retry=0.02), told.append)
        with pytest.raises(SourceError, match=r"camera (sends what holds|gave) no frame,? for 1 s"):
            first(source, 1)
    assert len(told) == 2


def test_without_pyav_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"edgecnn\[live\]"):
        video.open_stream("rtsp://camera/1", AT_ONCE, pytest.fail)
