"""MediaPipe's ImageClassifier, for phones and browsers: RGB images, and standard TFLite metadata."""

import dataclasses
from typing import TYPE_CHECKING

from edgecnn.errors import InputError
from edgecnn.model_file.schemes import SCHEMES

from .target import ExportSettings, Target

if TYPE_CHECKING:
    from edgecnn.model_file.card import ModelCard
    from edgecnn.pixels.input_spec import InputSpec


class MediaPipe(Target):
    """MediaPipe's ImageClassifier."""

    name = "mediapipe"
    package = "mediapipe"
    stores_members = True  # MediaPipe reads no other zip

    def settings(self, requested: ExportSettings, spec: "InputSpec") -> ExportSettings:
        """An int8 input becomes uint8, which is the pixel itself; see `Target.settings`."""
        row = SCHEMES[requested.scheme]
        if spec.channels != 3:
            raise InputError(
                "MediaPipe's ImageClassifier takes RGB images, this model grayscale ones; train it on RGB images "
                "(--color rgb), or use another target"
            )
        if row.input_type not in ("uint8", "float32") and "uint8" not in row.io_types:
            raise InputError(
                f"MediaPipe's ImageClassifier takes uint8 or float32 input, not {requested.scheme}'s; use --int8"
            )
        io = "uint8" if requested.io == "int8" else requested.io
        return dataclasses.replace(requested, io=io, pixels_in=io == "uint8" and "uint8" in row.io_types)

    def finish_flatbuffer(self, flatbuffer: bytes, card: "ModelCard") -> bytes:
        """Adds standard metadata; see `Target.finish_flatbuffer`."""
        from ..tflite.metadata import with_metadata

        return with_metadata(flatbuffer, card)


TARGET = MediaPipe()
