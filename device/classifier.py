"""Classify images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from edgecnn.card import InputSpec, ModelCard
from edgecnn.images import open_image
from edgecnn.preprocessing import Invert, Pixels, Prepared, apply_table, prepare, prepare_array

from .model import load_model

Source = str | Path | Image.Image | npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Prediction:
    """A class and its probability (0 to 1); `index` is its place in the model's output."""

    label: str
    score: float
    index: int


class Classifier:
    """A classifier that runs a .tflite file on this machine.

        classifier = Classifier("fashion-mnist")
        classifier.classify("shoe.png")[0].label

    Attributes:
        labels: class names in output order.
        input: how images are turned into its input.
        card: the model's card; None for a file without one.
        runtime: name and version of what runs it.
    """

    def __init__(self, model: str | Path, *, threads: int = 1) -> None:
        """Load `model`: a .tflite file, or the name of a bundled model.

        Raises:
            ModelFileError: missing, damaged, or refused by the runtime.
            DelegateError: no runtime is installed.
        """
        loaded = load_model(model, threads)
        self._session, self._output = loaded.session, loaded.probabilities
        self._table = self._session.table(loaded.input)
        self.labels: tuple[str, ...] = loaded.labels
        self.input: InputSpec = loaded.input
        self.card: ModelCard | None = loaded.card
        self.runtime: str = self._session.runtime

    def prepare(self, image: Source, invert: Invert = "no") -> Prepared:
        """Turn an image into the pixels that the model sees.

        Args:
            image: a path, `-` for standard input, a Pillow image, or a uint8 array (height, width[, channels]).

        Raises:
            InputError: the image cannot be read or used.
        """
        if isinstance(image, np.ndarray):
            return prepare_array(image, self.input, invert)
        if not isinstance(image, Image.Image):
            image = open_image(str(image))
        return prepare(image, self.input, invert)

    def probabilities(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        """Class probabilities, float32 (classes,), of prepared pixels: uint8 (height, width, channels)."""
        self._session.run(apply_table(self._table, pixels)[None])
        return self._output.dequantize(self._session.output(self._output))

    def rank(self, pixels: Pixels, top: int = 1) -> tuple[Prediction, ...]:
        """The `top` most probable classes of prepared pixels, best first; ties in label order."""
        scores = self.probabilities(pixels)
        order = np.argsort(-scores, kind="stable")[:top]
        return tuple(Prediction(self.labels[i], float(scores[i]), int(i)) for i in order)

    def classify(self, image: Source, *, top: int = 1, invert: Invert = "no") -> tuple[Prediction, ...]:
        """Classify one image; see `prepare` for what it may be.

        An array that has the model's input size already is taken as it is.

        Raises:
            InputError: the image cannot be read or used.
        """
        if isinstance(image, np.ndarray) and image.shape == self.input.shape and image.dtype == np.uint8:
            if invert == "no":
                return self.rank(image, top)
        return self.rank(self.prepare(image, invert).pixels, top)

    def predict_all(self, images: Pixels) -> npt.NDArray[np.float32]:
        """Probabilities, float32 (count, classes), of uint8 images (count, height, width, channels)."""
        return self._output.dequantize(self._session.run_all(images, self._table, self._output))
