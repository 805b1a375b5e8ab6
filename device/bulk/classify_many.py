"""Classify the images of a source, one after another, in its order."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from edgecnn.errors import ContradictionError, InputError
from edgecnn.pixels.preprocessing import Invert

from ..prediction import reject_below
from .answer_counts import UNREADABLE
from .prefetch import prepared_images
from .sources import Source

if TYPE_CHECKING:
    from edgecnn.pixels.crop import Crop

    from ..classifier import Classifier
    from ..drift import DriftWatch
    from ..prediction import Prediction


class ClassifiedImage(NamedTuple):  # making a frozen dataclass takes a millisecond more, at every start
    """What became of one image.

    Attributes:
        name: as the source has it.
        predictions: the most probable classes, best first; empty if the image cannot be used.
        error: why it cannot be used; else empty.
        inverted: whether its polarity was swapped.
        note: what is odd about the image, such as its polarity; else empty.
        drift: where it is unlike the images at calibration; None if nobody watched.
        guess: the class that came closest where the best is `unknown`, else empty; None where nobody asked for that.
    """

    name: str
    predictions: "tuple[Prediction, ...]" = ()
    error: str = ""
    inverted: bool = False
    note: str = ""
    drift: tuple[str, ...] | None = None
    guess: str | None = None

    @property
    def label(self) -> str:
        """Of the best class; `UNREADABLE` where there is none."""
        return self.predictions[0].label if self.predictions else UNREADABLE

    def unknown_below(self, min_score: float) -> "ClassifiedImage":
        """The same, with `unknown` for its best class if that has a score below `min_score`, 0 to 1."""
        if self.error:
            return self
        predictions = reject_below(self.predictions, min_score)
        guess = "" if predictions[0].is_known else self.label
        return self._replace(predictions=predictions, guess=guess)

    def row(self) -> dict[str, Any]:
        """The same for JSON and for files of results."""
        if self.error:
            return {"image": self.name, "error": self.error}
        row: dict[str, Any] = {
            "image": self.name,
            "predictions": [{"label": one.label, "score": one.score, "index": one.index} for one in self.predictions],
            "inverted": self.inverted,
            "note": self.note,
        }
        if self.guess is not None:
            row["guess"] = self.guess
        return row if self.drift is None else {**row, "drift": list(self.drift)}


def classify_many(
    classifier: "Classifier",
    source: Source,
    *,
    top: int = 1,
    invert: Invert = "no",
    crop: "Crop | None" = None,
    watch: "DriftWatch | None" = None,
    note: Callable[[str], None] = lambda _: None,
    decode_threads: int | None = None,
) -> Iterator[ClassifiedImage]:
    """Classify image after image; of a source that is endless, as long as results are asked for.

    Args:
        classifier: a loaded model.
        source: where the images come from.
        top: how many classes to name.
        invert: as for `Classifier.classify`.
        crop: likewise.
        watch: looks at each image after it has been classified.
        note: gets what is odd about the first odd image.
        decode_threads: as for `edgecnn.device.bulk.prefetch.prepared_images`.

    Yields:
        A result for each image, in order.

    Raises:
        DelegateError: the delegate fails.
        ContradictionError: it contradicts the CPU; the error names the images answered since they last agreed.
    """
    unconfirmed: list[str] = []
    audit = classifier.audit
    prepared_in_order = prepared_images(
        source, classifier.input, invert, crop=crop, note=note, decode_threads=decode_threads
    )
    for name, prepared in prepared_in_order:
        if isinstance(prepared, InputError):
            yield ClassifiedImage(name, error=str(prepared))
            continue
        with _naming(unconfirmed):
            predictions = classifier.rank(prepared.pixels, top)
        if audit is not None and not audit.unconfirmed:
            unconfirmed.clear()
        elif audit is not None:
            unconfirmed.append(name)
        drift = tuple(str(one) for one in watch.look(prepared.pixels)) if watch else None
        yield ClassifiedImage(name, predictions, "", prepared.inverted, prepared.note, drift)
    if audit is not None:
        with _naming(unconfirmed):
            audit.finish()


@contextlib.contextmanager
def _naming(unconfirmed: list[str]) -> Iterator[None]:
    """Let a contradiction know which images it makes doubtful."""
    try:
        yield
    except ContradictionError as error:
        error.unconfirmed = tuple(unconfirmed)
        raise
