"""Cut a stream of JPEGs, one behind the other, into single ones."""

from collections.abc import Iterator

from edgecnn.errors import SourceError

_START, _END = b"\xff\xd8\xff", b"\xff\xd9"
MAX_FRAME_BYTES = 64 << 20


class JpegSplitter:
    """Finds where frames begin and end. In a JPEG without EXIF, FF D9 stands at its end and nowhere else.

    Attributes:
        damaged: how many pieces were no whole frame: of a frame whose end or beginning never came.
    """

    def __init__(self) -> None:
        """Nothing has come yet."""
        self.damaged = 0
        self._rest = bytearray()

    def add(self, chunk: bytes) -> Iterator[bytes]:
        """Each frame that `chunk` completes.

        Raises:
            SourceError: what comes is no JPEG.
        """
        searched = max(0, len(self._rest) - 1)  # the end may be split in two
        self._rest += chunk
        while (end := self._rest.find(_END, searched)) >= 0:
            piece, searched = bytes(self._rest[: end + 2]), 0
            del self._rest[: end + 2]
            start = piece.rfind(_START)  # of a frame that was cut short, the next one's
            self.damaged += start != 0
            if start >= 0:
                yield piece[start:]
        if len(self._rest) > MAX_FRAME_BYTES:
            self._rest.clear()
            raise SourceError(f"what comes is no MJPEG: no end of a frame within {MAX_FRAME_BYTES >> 20} MiB")

    def forget(self) -> None:
        """Begin anew; a frame that was begun is damaged."""
        self.damaged += bool(self._rest)
        self._rest.clear()
