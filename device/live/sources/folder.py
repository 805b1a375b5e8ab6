"""Image files as frames: of a folder, a pattern or one file; and the samples that come with edgecnn."""

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from edgecnn.errors import InputError, SourceError
from edgecnn.model_file.bundled import sample_images
from edgecnn.pixels.file_bytes import read_image_file
from edgecnn.pixels.image_files import find_images

from ..frames import Frame
from .source import Numbering, Pace, SourceSettings, Tell

_SECONDS_A_SLIDE = 2.0


class ImageFolder:
    """Image files, each as it lies on the disk; see `edgecnn.device.live.sources.source.FrameSource`."""

    is_live = False

    def __init__(
        self, find: Callable[[], Sequence[str | Path]], title: str, settings: SourceSettings, tell: Tell
    ) -> None:
        """From files that are found, in a loop each time anew: what is put into a folder meanwhile is shown too.

        Args:
            find: gives their paths, at least one, or raises an InputError.
            title: what they are, in words.
            settings: `fps`, `paced` and `loop` count.
            tell: hears of a file that cannot be read.

        Raises:
            InputError: that of `find`.
        """
        self.title, self.damaged = title, 0
        self._find, self._settings, self._tell = find, settings, tell
        self._paths = find()
        self._stopped = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        """Each file's bytes; one that cannot be read is passed over, and said once."""
        numbering, pace, shown, said = Numbering(), Pace(self._stopped), 0, set[str]()
        while True:
            before = shown
            for path in self._paths:
                try:
                    data = read_image_file(path)
                except (OSError, InputError) as error:
                    self.damaged += 1
                    if str(path) not in said:
                        said.add(str(path))
                        why = f"{path}: cannot be read ({error.strerror})" if isinstance(error, OSError) else str(error)
                        self._tell(why)
                    continue
                if self._settings.paced:
                    pace.wait_until(shown / self._settings.fps)
                if self._stopped.is_set():
                    return
                shown += 1
                yield numbering.frame(data, str(path))
            if not self._settings.loop:
                return
            if shown == before:
                raise SourceError(f"{self.title}: none of its files can be read any more")
            with contextlib.suppress(InputError):  # there are none now: nor could those of before be read
                self._paths = self._find()

    def close(self) -> None:
        """Give no more."""
        self._stopped.set()


def open_samples(_: str, settings: SourceSettings, tell: Tell) -> ImageFolder:
    """The sample images that come with edgecnn; where they are watched, as slides, again and again."""
    paths = sample_images()
    if settings.paced:
        settings = dataclasses.replace(settings, loop=True)
        paths = [path for path in paths for _ in range(max(1, round(_SECONDS_A_SLIDE * settings.fps)))]
    return ImageFolder(lambda: paths, "the samples of edgecnn", settings, tell)


def open_images(text: str, settings: SourceSettings, tell: Tell) -> ImageFolder:
    """A folder, a glob pattern or one image file.

    Raises:
        InputError: there are no images.
    """
    return ImageFolder(lambda: find_images([text]), text, settings, tell)
