"""From what `--source` says to a source of frames."""

import glob
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from edgecnn.errors import InputError
from edgecnn.pixels.image_files import HEIF_SUFFIXES, SUFFIXES

from .source import DEVICE_FORMATS, FrameSource, SourceSettings, Tell


class SourceKind(NamedTuple):
    """A kind of source.

    Attributes:
        metavar: how `--source` has it, for the help.
        takes: whether a text is meant for it.
        open: opens it; imports what it needs.
        ignores: those of size, fps and loop that mean nothing to it, and are refused with it.
        extra: the extra of edgecnn that has that; None where none is needed.
        is_file: whether it lies on this machine: what another has under that name is not known here.
    """

    metavar: str
    takes: Callable[[str], bool]
    open: Callable[[str, SourceSettings, Tell], FrameSource]
    ignores: tuple[str, ...] = ()
    extra: str | None = None
    is_file: bool = False


def _camera(_: str, settings: SourceSettings, tell: Tell) -> FrameSource:
    from .camera import Camera

    return Camera(settings, tell)


def _samples(text: str, settings: SourceSettings, tell: Tell) -> FrameSource:
    from .folder import open_samples

    return open_samples(text, settings, tell)


def _stream(text: str, settings: SourceSettings, tell: Tell) -> FrameSource:
    from .video import open_stream

    return open_stream(text, settings, tell)


def _device(text: str, settings: SourceSettings, tell: Tell) -> FrameSource:
    from .video import open_device

    return open_device(text, settings, tell)


def _images(text: str, settings: SourceSettings, tell: Tell) -> FrameSource:
    from .folder import open_images

    return open_images(text, settings, tell)


def _film(text: str, settings: SourceSettings, tell: Tell) -> FrameSource:
    from .video import open_film

    return open_film(text, settings, tell)


def _is_device(text: str) -> bool:
    return text.startswith(("/dev/video", *(f"{one}:" for one in DEVICE_FORMATS)))


def _is_images(text: str) -> bool:
    path = Path(text)
    is_pattern = glob.has_magic(text) and not path.exists()
    return (bool(text) and (path.is_dir() or is_pattern)) or (path.is_file() and path.suffix.lower() in SUFFIXES)


# The first that takes the text opens it.
SOURCES = (
    SourceKind("camera", lambda text: text == "camera", _camera, ("loop",)),
    SourceKind("samples", lambda text: text == "samples", _samples, ("size",)),
    SourceKind("URL", lambda text: "://" in text, _stream, ("size", "fps"), "live"),
    SourceKind("/dev/video0", _is_device, _device, ("loop",), "live"),
    SourceKind("FOLDER", _is_images, _images, ("size",), is_file=True),
    SourceKind("FILE", lambda text: Path(text).is_file(), _film, ("size", "fps"), "live", is_file=True),
)
METAVAR = "|".join(kind.metavar for kind in SOURCES)


def kind_of(text: str, *, elsewhere: bool = False) -> SourceKind | None:
    """The kind of source that `text` means; None where there is no such.

    Args:
        text: as `--source` has it.
        elsewhere: on another machine, of whose files nothing is known here.
    """
    return next((kind for kind in SOURCES if not (elsewhere and kind.is_file) and kind.takes(text)), None)


def extra_of(text: str) -> str | None:
    """The extra of edgecnn that a source of another machine needs there; of files there only the names are known."""
    kind = kind_of(text, elsewhere=True)
    if kind is not None:
        return kind.extra
    suffix = Path(text).suffix.lower()
    if suffix in HEIF_SUFFIXES:
        return "heic"
    return None if suffix in ("", *SUFFIXES) else "live"


def open_source(text: str, settings: SourceSettings | None = None, tell: Tell = lambda _: None) -> FrameSource:
    """The source that `text` means.

    Args:
        text: `camera` (a Raspberry Pi's), `samples` (of edgecnn), a URL, a device such as /dev/video0, a folder of
            images, a pattern, an image or a film.
        settings: how it is opened.
        tell: hears what a person should know while it runs, a sentence each.

    Raises:
        InputError: there is no such source, or it holds no images.
        MissingExtraError: it needs PyAV, which is not installed.
    """
    if kind := kind_of(text):
        return kind.open(text, settings or SourceSettings(), tell)
    raise InputError(
        f"there is no source {text or 'without a name'}: neither a file nor a folder, nor one of {METAVAR}"
    )
