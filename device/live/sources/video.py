"""What PyAV opens: a USB camera, a film, a stream of the network."""

import io
import os
import re
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from PIL import Image

from edgecnn.errors import InputError, SourceError
from edgecnn.optional_packages import require_package

from ..frames import Frame
from .retrying import keep_open
from .source import DEVICE_FORMATS, Numbering, Pace, SourceSettings, Tell

if TYPE_CHECKING:
    from av.container import InputContainer

_QUALITY = 90  # of the JPEG that a frame becomes which is none, as of the Raspberry Pi's camera
_TURNS = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}
# Whose cameras each kind of device has, and how one of them is named.
_CAMERAS = {
    "v4l2": ("Linux", "/dev/video0"),
    "avfoundation": ("a Mac", "avfoundation:0"),
    "dshow": ("Windows", "dshow:video=NAME"),
}
# To the last @ before the path, as libav reads it; to the very last where what is before it can be no host and port.
_USER = re.compile(r"//(?:(?:[^/?#]*|[^:/?#@\[]*:(?!\d*(?:[/?#]|$)).*)@)+")
_QUERY = re.compile(r"\?.*")


class Video:
    """A film, a device or a stream; see `edgecnn.device.live.sources.source.FrameSource`.

    A film ends; a device or a stream that does is opened anew.
    """

    def __init__(
        self, place: str, settings: SourceSettings, tell: Tell, *, is_film: bool, device_format: str | None = None
    ) -> None:
        """Make sure that it can be opened; that is done when frames are asked for.

        Args:
            place: a path, a URL or a device's name.
            settings: `fps` and size are for devices, `paced` and `loop` for films.
            tell: hears when it is opened anew.
            is_film: whether it ends for good.
            device_format: one of `DEVICE_FORMATS`; None for films and streams.

        Raises:
            MissingExtraError: PyAV is not installed.
        """
        require_package("a film, a USB camera or a stream", "av", "live")
        self.title = _QUERY.sub("", _USER.sub("//", place)) if "://" in place else place  # neither name nor password
        self.is_live, self.damaged = settings.paced or not is_film, 0
        self._is_film = is_film
        # Whole, a path is no URL, whatever colons are in it.
        self._place, self._format = os.path.abspath(place) if is_film else place, device_format
        self._settings, self._tell = settings, tell
        self._patience = settings.patience if device_format else settings.timeout
        self._stopped = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        """Each frame: a JPEG as it came, others encoded as one."""
        numbering, passes = Numbering(), self._passes
        frames = passes() if self._is_film else keep_open(passes, self._stopped, self._tell, self._settings.retry)
        for data in frames:
            yield numbering.frame(data)

    def close(self) -> None:
        """Give no more."""
        self._stopped.set()

    def _passes(self) -> Iterator[bytes]:
        """The frames of one run; of a film that is to begin again, here or of the network, of one after another."""
        while True:
            count = 0
            for data in self._run():
                count += 1
                yield data
            if self._stopped.is_set() or (count and not self._settings.loop):
                return
            if not count:
                raise SourceError(f"{self.title} holds no frame that can be decoded")

    def _run(self) -> Iterator[bytes]:
        """The frames from opening it until it ends; SourceError when it fails."""
        import av.error

        try:
            with self._open() as container:
                ends = bool(container.duration)  # a film of the network, too
                yield from self._frames(container, Pace(self._stopped) if self._settings.paced and ends else None)
        except av.error.ExitError:
            raise SourceError(f"{self.title} gave no frame for {self._patience:g} s") from None
        except (av.error.FFmpegError, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            words = f"cannot be read as a film ({reason}); give a film or an image" if self._is_film else reason
            raise SourceError(f"{self.title}: {words}") from None
        if not (self._is_film or ends or self._stopped.is_set()):
            raise SourceError(f"{self.title} ended")

    def _open(self) -> "InputContainer":
        import av.error
        import av.logging

        av.logging.set_level(av.logging.PANIC)  # what fails is raised, too
        options = {"rtsp_transport": "tcp"} if self._place.startswith("rtsp") else {}
        if self._format not in (None, "lavfi"):
            settings = self._settings
            options = {"video_size": f"{settings.width}x{settings.height}", "framerate": f"{settings.fps:g}"}
            # Over USB 2, only JPEGs are small enough for 30 frames/s; a camera without them has another line to take.
            if self._format == "v4l2":
                try:
                    return self._open_with({**options, "input_format": "mjpeg"})
                except av.error.FileNotFoundError:
                    raise
                except av.error.FFmpegError:
                    pass
        return self._open_with(options)

    def _open_with(self, options: dict[str, str]) -> "InputContainer":
        import av

        return av.open(self._place, format=self._format, options=options, timeout=self._patience)

    def _frames(self, container: "InputContainer", pace: Pace | None) -> Iterator[bytes]:
        import av.error

        if not container.streams.video:
            raise SourceError(f"{self.title} holds no pictures; give a source that has some")
        stream = container.streams.video[0]
        stream.thread_type = "NONE"  # threads would hold frames back
        # What telephones write, in degrees; PyAV before 14 says it of the stream, later ones of each frame.
        rotation: float = getattr(stream, "side_data", {}).get("DISPLAYMATRIX", 0)
        as_it_came = stream.codec_context.name == "mjpeg"
        given = time.monotonic()
        for packet in container.demux(stream):
            if self._stopped.is_set():
                return
            if not self._is_film and time.monotonic() > given + self._patience:
                raise SourceError(f"{self.title} sends what holds no frame, for {self._patience:g} s now")
            if as_it_came:
                data = bytes(packet)
                pieces = [(data, packet.pts)] if data else []
            else:
                try:
                    pieces = [(_encode(frame, rotation), frame.pts) for frame in packet.decode()]
                except av.error.FFmpegError:  # of one packet; those behind it may be whole
                    self.damaged += 1
                    continue
            for data, pts in pieces:
                if pace and pts is not None and packet.time_base:
                    pace.wait_until(float(pts * packet.time_base))
                if self._stopped.is_set():
                    return
                yield data
                given = time.monotonic()


def _encode(frame: Any, rotation: float) -> bytes:
    """A decoded frame, upright, as a JPEG."""
    image = Image.fromarray(frame.to_ndarray(format="rgb24"))
    turn = _TURNS.get(round(getattr(frame, "rotation", rotation)) % 360)
    buffer = io.BytesIO()
    (image.transpose(turn) if turn is not None else image).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def open_film(text: str, settings: SourceSettings, tell: Tell) -> Video:
    """A video file."""
    return Video(text, settings, tell, is_film=True)


def open_stream(text: str, settings: SourceSettings, tell: Tell) -> Video:
    """A URL: RTSP, MJPEG over HTTP, and whatever else PyAV knows."""
    return Video(text, settings, tell, is_film=False)


def open_device(text: str, settings: SourceSettings, tell: Tell) -> Video:
    """A USB camera: `/dev/video0`, or `FORMAT:NAME` with one of `DEVICE_FORMATS`.

    Raises:
        InputError: it has no name, or PyAV opens no such devices on this system.
    """
    kind, _, name = text.partition(":")
    if kind not in DEVICE_FORMATS:
        kind, name = "v4l2", text
    if not name:
        raise InputError(f"{text} names no camera; write its name behind the colon")
    video = Video(name, settings, tell, is_film=False, device_format=kind)
    if kind in _CAMERAS and not _is_opened_here(kind):
        there = [example for one, (_, example) in _CAMERAS.items() if _is_opened_here(one)]
        advice = f"here a camera is called {' or '.join(there)}" if there else "give a film or images"
        raise InputError(f"{text} is a camera of {_CAMERAS[kind][0]}, which PyAV does not open here; {advice}")
    return video


def _is_opened_here(kind: str) -> bool:
    from av.format import ContainerFormat

    try:
        return ContainerFormat(kind, "r").is_input
    except ValueError:  # PyAV was built without it
        return False
