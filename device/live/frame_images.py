"""A source's frames as images with names: for `edgecnn.device.bulk.classify_many`."""

from collections.abc import Iterator
from itertools import islice

from edgecnn.pixels.image_files import EncodedImage

from .frames import Frame
from .reader import FrameReader
from .sources.source import FrameSource

_PATIENCE = 0.2  # seconds in which a stop is noticed where no frame comes


class FrameImages:
    """Frames, one after another: of what is live the newest each time, of films and folders every one.

    Attributes:
        count: None: an image is asked for when the one before is done.
    """

    count = None

    def __init__(self, source: FrameSource, frames: int | None = None) -> None:
        """At most `frames` of `source`."""
        self._source, self._frames = source, frames

    @property
    def unreadable(self) -> int:
        """How many files or frames gave no image; of what is live none is missed, for the next one comes."""
        return 0 if self._source.is_live else self._source.damaged

    def __iter__(self) -> Iterator[tuple[str, EncodedImage]]:
        """Each frame's name and image.

        Raises:
            EdgecnnError: the source failed.
        """
        frames = _newest(self._source) if self._source.is_live else iter(self._source)
        for frame in islice(frames, self._frames):
            yield frame.name, frame.image


def _newest(source: FrameSource) -> Iterator[Frame]:
    reader = FrameReader(source)
    try:
        while True:
            frame = reader.take(_PATIENCE)
            if frame is not None:
                yield frame
            elif reader.is_finished:
                reader.raise_failure()
                return
    finally:
        reader.close()
