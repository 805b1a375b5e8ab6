"""What every source gives: an encoded image and when it came."""

from dataclasses import dataclass

from edgecnn.pixels.image_files import EncodedImage


@dataclass(frozen=True)
class Frame:
    """An image of a source, encoded as it came: kept in a file, it is classified again to the same bit.

    Attributes:
        data: the bytes of a JPEG, or of the image file that it was.
        number: 1 for the first of its source; those that were dropped count too.
        name: of its file, or `frame-00000012`.
        monotonic: when it came, seconds of `time.monotonic`.
        time: when it came, seconds since 1970.
    """

    data: bytes
    number: int
    name: str
    monotonic: float
    time: float

    @property
    def image(self) -> EncodedImage:
        """What `edgecnn.pixels.preprocessing.prepare_source` and `Classifier.classify` take."""
        return EncodedImage(self.data, self.name)


def frame_name(number: int) -> str:
    """What a frame without a file is called."""
    return f"frame-{number:08}"
