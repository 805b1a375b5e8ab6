"""Explain what a loaded network says of images."""

import difflib
import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from edgecnn.arguments import require_choice, require_kind
from edgecnn.arrays import Array, Pixels
from edgecnn.errors import EdgecnnWarning, InputError
from edgecnn.pixels.preprocessing import Invert, Source, check_pixels, prepare_source

from ..prediction import Prediction
from ..runtime.loaded_model import LoadedModel
from ..runtime.score_reader import ScoreReader
from ..runtime.scores import require_numbers
from . import scoring
from .explanation import Explanation
from .methods import DEFAULT, METHODS, prepare

if TYPE_CHECKING:
    from edgecnn.pixels.camera_arrays import Order
    from edgecnn.pixels.crop import Crop

    from ..classifier import Classifier
    from ..features import FeatureExtractor
    from ..runtime.audit import Audit

_LONG_SECONDS = 1  # what takes longer is announced
_FEW_LABELS = 20  # are all named


def explain(
    classifier: "Classifier | FeatureExtractor",
    image: Source,
    label: str | None = None,
    *,
    method: str = DEFAULT,
    invert: Invert = "no",
    order: "Order | None" = None,
    crop: "Crop | None" = None,
) -> Explanation:
    """Which pixels of an image speak for a class, and how far to trust that.

        explain(Classifier("fashion-mnist"), "shoe.png").heat_map.shape  # (28, 28)

    Args:
        classifier: whose answer is explained; for `cam`, of an activations variant.
        image: a path, `-`, a Pillow image, or a uint8 array; see `Classifier.classify`.
        label: the class, one of the classifier's labels; None for its answer.
        method: `occlusion` covers window after window and runs the network a hundred times; `rise` covers at random,
            slower and smoother; `cam` is exact, for networks that average their last feature map before a dense layer.
        invert: as `Classifier.classify` has it.
        order: likewise.
        crop: likewise.

    Raises:
        InputError: the image cannot be used, there is no such label or method, or `classifier` is none.
        ModelFileError: `method` cannot explain this network, or the scores are no numbers.
        ContradictionError: an audit finds that the delegate lies.
    """
    if not hasattr(classifier, "loaded"):
        raise InputError(f"explain takes a Classifier or a FeatureExtractor first. Received: {classifier!r}")
    return Explainer(classifier.loaded, method, classifier.audit).explain(image, label, invert, order=order, crop=crop)


class Explainer:
    """Finds which pixels speak for a class, without gradients: it only runs the network, on changed images.

    Pixels are changed before the model's input table, in the uint8 space of `prepare`: integers stay exact, and what
    the network is fed is what the card says. Threads may share it; the network is free for others between two invokes.

    Attributes:
        method: a name of `METHODS`.
        input: how images are turned into the network's input.
        invokes: how often the network runs for an image.
    """

    def __init__(self, loaded: LoadedModel, method: str = DEFAULT, audit: "Audit | None" = None) -> None:
        """Make `method` ready for a network.

        Args:
            loaded: the network.
            method: a name of `METHODS`.
            audit: is shown every image that the network is run on, and the last of each explanation at its end.

        Raises:
            InputError: there is no such method.
            ModelFileError: the method cannot explain this network.
        """
        require_choice(method, METHODS, "method")
        self.method, self.input = method, loaded.input
        self._loaded, self._session, self._audit = loaded, loaded.session, audit
        self._gather, self._scores = self._session.gather(loaded.input), ScoreReader(loaded)
        # Pixels are judged by the network's own scores: a temperature would make all of them look weaker or stronger.
        self._output = loaded.probabilities
        self._mapper = prepare(method, loaded)
        self.invokes = self._mapper.invokes + scoring.invokes(loaded.input.height, loaded.input.width) + 1

    def explain(
        self,
        image: Source,
        label: str | None = None,
        invert: Invert = "no",
        *,
        order: "Order | None" = None,
        crop: "Crop | None" = None,
        note: Callable[[str], None] = lambda _: None,
    ) -> Explanation:
        """Explain `label`, or what the network thinks most probable, for an image.

        Args:
            image: a path, `-`, a Pillow image, or a uint8 array; see `Classifier.classify`.
            label: one of the model's.
            invert: as `Classifier.classify` has it.
            order: likewise.
            crop: likewise.
            note: is told what takes longer than a second.

        Raises:
            InputError: the image cannot be used, or there is no such label.
            ModelFileError: the scores are no numbers.
            ContradictionError: an audit finds that the delegate lies.
        """
        prepared = prepare_source(image, self.input, invert, order=order, crop=crop)
        if prepared.is_transparent:
            warnings.warn(prepared.note, EdgecnnWarning, stacklevel=2)
        return self.explain_pixels(prepared.pixels, label, note)

    def explain_pixels(
        self,
        pixels: Pixels,
        label: str | None = None,
        note: Callable[[str], None] = lambda _: None,
        *,
        on_run: Callable[[], None] = lambda: None,
    ) -> Explanation:
        """`explain` for prepared pixels, uint8 (height, width, channels).

        `on_run` is called before each further run, not before the first, and may raise what ends the explanation.

        Raises:
            InputError: `pixels` are of another shape or type, or there is no such label.
            ModelFileError: the scores are no numbers.
            ContradictionError: an audit finds that the delegate lies.
        """
        check_pixels(pixels, self.input)
        index = None if label is None else self.index_of(label)
        started = time.perf_counter()
        scores = self._scores.probabilities(self._run(pixels))
        self._announce(time.perf_counter() - started, note)
        best = int(scores.argmax())
        target, name = best if index is None else index, self._loaded.packed.name

        def ask(image: Pixels) -> float:
            on_run()
            return float(require_numbers(self._output.dequantize(self._run(image)), name)[target])

        heat = self._mapper.heat_map(pixels, target, ask)
        ratings = scoring.score(heat, pixels, ask)
        if self._audit is not None:
            self._audit.finish()
        return Explanation(
            target=self._prediction(scores, target),
            predicted=self._prediction(scores, best),
            method=self.method,
            unit=METHODS[self.method].unit,
            heat_map=heat,
            pixels=pixels,
            scores=ratings,
            invokes=self.invokes,
            seconds=time.perf_counter() - started,
        )

    def index_of(self, label: str) -> int:
        """The place of a label in the model's output.

        Raises:
            InputError: the model has no such label.
        """
        labels = self._loaded.labels
        require_kind(label, str, "label")
        if label in labels:
            return labels.index(label)
        near = labels if len(labels) <= _FEW_LABELS else difflib.get_close_matches(label, labels, 5, 0)
        which = "its labels are" if len(labels) <= _FEW_LABELS else f"of its {len(labels)} labels the nearest are"
        raise InputError(f"{self._loaded.packed.name} has no label {label!r}; {which} {', '.join(near)}")

    def _run(self, pixels: Pixels) -> Array:
        """The output's own numbers, (classes,)."""
        with self._session.lock:
            self._session.run(self._gather(pixels))
            reads = self._mapper.reads if self._audit is not None else ()
            raw, *maps = self._session.read([self._output, *reads])
        if self._audit is not None:
            self._audit.look(pixels, raw, list(zip(reads, maps, strict=True)))
        return raw

    def _prediction(self, scores: npt.NDArray[np.float32], index: int) -> Prediction:
        return Prediction(self._loaded.labels[index], float(scores[index]), index)

    def _announce(self, seconds: float, note: Callable[[str], None]) -> None:
        expected = seconds * self.invokes
        if expected > _LONG_SECONDS:
            note(f"{self.method} runs the network {self.invokes:,} times an image: about {expected:.0f} s")
