"""Classify images."""

import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from edgecnn.arguments import require_count
from edgecnn.arrays import Array, Pixels
from edgecnn.errors import EdgecnnWarning
from edgecnn.model_file.card import ModelCard
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.pixels.preprocessing import Invert, Prepared, Source, check_pixels, prepare_source

from .best_answer import BestAnswer
from .prediction import Prediction, reject_below
from .ranking import Ranking
from .runtime.loading import open_model
from .runtime.run_options import RunOptions
from .runtime.score_reader import ScoreReader
from .runtime.scores import require_numbers

if TYPE_CHECKING:
    from edgecnn.metrics import Evaluation
    from edgecnn.pixels.camera_arrays import Order
    from edgecnn.pixels.crop import Crop
    from edgecnn.pixels.dataset import Images, Split

    from .drift import DriftWatch
    from .min_score import MinScore
    from .runtime.audit import Audit
    from .runtime.delegates import Delegate
    from .runtime.description import Description
    from .runtime.reloading import Reduced

_UINT8 = np.dtype(np.uint8)


class Classifier:
    """A classifier that runs a .tflite file on this machine.

        classifier = Classifier("fashion-mnist")
        classifier.classify("shoe.png")[0].label

    Threads may share it: the model runs for one after another, images are decoded side by side. After `fork` the child
    process loads the model again, and so does the process that unpickles a copy.

    Attributes:
        labels: class names in output order.
        input: how images are turned into its input.
        card: the model's card; None for a file without one.
        loaded: the model in its session, whose `delegate` is None where the CPU has taken over.
        audit: computes a share of the images on the CPU too; None without a delegate from elsewhere.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        threads: int = 1,
        delegate: "Delegate | None" = None,
        runtime: str | None = None,
        trust: bool = False,
        description: "Description | None" = None,
        require_signature: str | Path | None = None,
    ) -> None:
        """Load `model`: a .tflite file, or the name of a bundled model.

        Args:
            model: path of a file, or name of a bundled model.
            threads: of the runtime, 1 to 256.
            delegate: what computes it instead of the runtime's own choice.
            runtime: `litert`, `tflite-runtime` or `tensorflow`; None for the first that is installed.
            trust: open a file at once, not in a child process first.
            description: what you know of a file without a card; it goes before what the file says.
            require_signature: a file of allowed signers (ssh-keygen(1)), one of whom must have signed the model.

        Raises:
            ModelFileError: missing, damaged, refused by the runtime, or not signed as it must be.
            DelegateError: no runtime is installed, or the delegate does not do what is asked for, or computes wrongly.
            InputError: `threads` is out of range, there is no such delegate or runtime, `description` does not fit, or
                `require_signature` does not read.
            MissingExtraError: OpenSSH, which checks signatures, is not installed.
        """
        self._open(model, RunOptions(threads, "default", delegate, runtime, trust, description, require_signature))

    @classmethod
    def with_options(cls, model: str | Path, options: RunOptions) -> "Classifier":
        """Load `model` as `options` say, which are what `__init__` takes one by one; raises as that does."""
        classifier = cls.__new__(cls)
        classifier._open(model, options)
        return classifier

    def _open(self, model: str | Path, options: RunOptions) -> None:
        loaded = open_model(model, options)
        self.loaded, self._session, self._output = loaded, loaded.session, loaded.probabilities
        self._scores, self._best_answer = ScoreReader(loaded), BestAnswer(loaded)
        self._model, self._options, self._shape = model, options, loaded.input.shape
        self._gather, self._ranking = self._session.gather(loaded.input), Ranking(loaded)
        self.audit: Audit | None = None
        if options.delegate is not None:
            from .runtime.audit import open_audit

            self.audit = open_audit(loaded, options)
        self.labels: tuple[str, ...] = loaded.labels
        self.input: InputSpec = loaded.input
        self.card: ModelCard | None = loaded.card

    def __reduce__(self) -> "Reduced[Classifier]":
        """For pickles and copies: the file is opened again."""
        from .runtime.reloading import reduce_loaded

        return reduce_loaded(type(self).with_options, self._model, self._options, self.loaded)

    @property
    def runtime(self) -> str:
        """Name and version of what runs the model."""
        return self._session.runtime

    def prepare(
        self, image: Source, invert: Invert = "no", *, order: "Order | None" = None, crop: "Crop | None" = None
    ) -> Prepared:
        """Turn an image into the pixels that the model sees; see `edgecnn.pixels.preprocessing.prepare_source`.

        Raises:
            InputError: the image cannot be read or used.
        """
        return prepare_source(image, self.input, invert, order=order, crop=crop)

    def probabilities(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        """Calibrated class probabilities, float32 (classes,), of prepared pixels: uint8 (height, width, channels).

        Raises:
            InputError: `pixels` are of another shape or type.
            ModelFileError: the model gives scores that are no numbers.
            ContradictionError: an audit finds that the delegate lies.
        """
        check_pixels(pixels, self.input)
        return self._scores.probabilities(self._run(pixels))

    def _run(self, pixels: Pixels) -> Array:
        with self._session.lock:
            self._session.run(self._gather(pixels))
            raw = self._session.output(self._output)
        if self.audit is not None:
            self.audit.look(pixels, raw)
        return raw

    def rank(self, pixels: Pixels, top: int = 1) -> tuple[Prediction, ...]:
        """The `top` most probable classes of prepared pixels, best first; ties in label order.

        Raises:
            InputError: `top` is below 1, or `pixels` are of another shape or type.
            ModelFileError: the model gives scores that are no numbers.
            ContradictionError: an audit finds that the delegate lies.
        """
        return self._ranking.of(self.probabilities(pixels), require_count(top, "top"))

    def classify(
        self,
        image: Source,
        *,
        top: int = 1,
        invert: Invert = "no",
        order: "Order | None" = None,
        crop: "Crop | None" = None,
        min_score: "MinScore | None" = None,
    ) -> tuple[Prediction, ...]:
        """Classify one image: a path, `-`, a Pillow image, or a uint8 array (height, width[, channels]).

        Args:
            image: an array that has the model's input size already is taken as it is.
            top: how many classes to name.
            invert: `yes` swaps light and dark, `auto` does so when the rim contradicts the training images'.
            order: of an array's channels: `rgb` (what three are taken for), `bgr`, `rgba`, `bgra`, `gray` or `yuv420`;
                four channels must be named. `edgecnn.pixels.camera_arrays.image_of_array` says which camera has which.
            crop: what the model is shown: the largest `square` in the middle, or (left, top, width, height); None: all.
            min_score: call the image `unknown` if its best score is lower; `auto` for what the model recommends.

        Raises:
            InputError: the image cannot be read or used, `top` is below 1, or `min_score` is not 0 to 1.
            ModelFileError: `min_score` is `auto`, and the model recommends none; or its scores are no numbers.
            ContradictionError: an audit finds that the delegate lies.
        """
        if min_score is not None:
            from .min_score import resolve_min_score

            least = resolve_min_score(min_score, self.card, self.loaded.packed.name)
            return reject_below(self.classify(image, top=top, invert=invert, order=order, crop=crop), least)
        as_it_is = type(invert) is str and invert == "no" and order is None and crop is None
        if as_it_is and type(image) is np.ndarray and image.shape == self._shape and image.dtype == _UINT8:
            return self._best(image) if type(top) is int and top == 1 else self.rank(image, top)
        prepared = self.prepare(image, invert, order=order, crop=crop)
        if prepared.is_transparent:
            warnings.warn(prepared.note, EdgecnnWarning, stacklevel=2)
        return self.rank(prepared.pixels, top)

    def _best(self, pixels: Pixels) -> tuple[Prediction, ...]:
        """`rank(pixels)`, with nothing done that one answer does not need."""
        raw = self._run(pixels)
        return self._best_answer.of(raw) or self._ranking.of(self._scores.probabilities(raw), 1)

    def watch(self) -> "DriftWatch":
        """What compares the images that are classified next with those at calibration.

        Raises:
            ModelFileError: the model's card does not say what those were like.
        """
        from .drift import DriftWatch

        return DriftWatch(self.loaded)

    def time_invoke(self, pixels: Pixels) -> float:
        """Seconds that the runtime alone takes for prepared pixels, uint8 (height, width, channels)."""
        check_pixels(pixels, self.input)
        with self._session.lock:
            tensor = self._gather(pixels)
            started = time.perf_counter()
            self._session.run(tensor)
            return time.perf_counter() - started

    def predict_all(self, images: "Images", *, calibrated: bool = True) -> npt.NDArray[np.float32]:
        """Probabilities, float32 (count, classes), of uint8 images (count, height, width, channels); or raw scores.

        Raises:
            InputError: `images` are of another shape or type.
            ModelFileError: the model gives scores that are no numbers.
            ContradictionError: an audit finds that the delegate lies.
        """
        check_pixels(images, self.input, many=True)
        raw = self._session.run_all(images, self.input, self._output, self.audit)
        if calibrated:
            return self._scores.probabilities(raw)
        return require_numbers(self._output.dequantize(raw), self.loaded.packed.name)

    def evaluate(self, split: "Split") -> "Evaluation":
        """Accuracy, loss and confusion on labelled images.

        Raises:
            InputError: no images, of another shape, or with labels that are none of the model's; or `split` is none.
            ModelFileError: the model gives scores that are no numbers.
            ContradictionError: an audit finds that the delegate lies.
        """
        from edgecnn.metrics import evaluate_probabilities, require_labelled

        require_labelled(split, self.input, len(self.labels))
        return evaluate_probabilities(self.predict_all(split.images), split.labels)
