"""What a converted file must hold to pass."""

from collections.abc import Sequence
from dataclasses import dataclass

from edgecnn.arguments import is_number
from edgecnn.errors import InputError
from edgecnn.model_file.card import Parity
from edgecnn.pixels.dataset import Dataset
from edgecnn.rounding import round_apart


@dataclass(frozen=True)
class Gate:
    """What a converted file must hold to pass.

    Attributes:
        max_drop: percentage points of accuracy that it may lose against Keras; None for any.
        min_agreement: percent of images on which it must say the same as Keras; None for any.
        min_accuracy: percent of images that it must get right; None for any.
    """

    max_drop: float | None = None
    min_agreement: float | None = None
    min_accuracy: float | None = None

    def __post_init__(self) -> None:
        for name in ("max_drop", "min_agreement", "min_accuracy"):
            value = getattr(self, name)
            if value is not None and not (is_number(value) and 0 <= value <= 100):  # NaN is none of them either
                raise InputError(f"{name} must be 0 to 100. Received: {value}")

    def require_labels(self, dataset: Dataset) -> None:
        """Make sure that `dataset` can answer what is asked for.

        Raises:
            InputError: an accuracy is asked for, and nobody knows what the images show.
        """
        asked = [name for name in ("max_drop", "min_accuracy") if getattr(self, name) is not None]
        if asked and not dataset.test.is_labelled:
            raise InputError(
                f"--{asked[0].replace('_', '-')} needs images whose class is known: sort those in {dataset.source} "
                "into folders called as the labels are, or ask for --min-agreement"
            )

    def failures(self, parity: Parity, warnings: Sequence[str] = ()) -> list[str]:
        """A sentence for each condition that does not hold.

        Args:
            parity: of the converted file with Keras.
            warnings: why Keras itself may be wrong: an accuracy that is not lost then proves nothing.
        """
        failures = [
            f"Keras itself looks wrong: {words} (--max-drop)" for words in warnings if self.max_drop is not None
        ]
        accuracy, least = parity.accuracy, self.min_accuracy
        if least is not None and accuracy is not None and 100 * accuracy < least - 1e-9:
            failures.append(
                f"{round_apart(least, 100 * accuracy)}% of the images are right, {least:g} % are asked for "
                "(--min-accuracy)"
            )
        drop = parity.drop_points
        if self.max_drop is not None and drop is not None and drop > self.max_drop + 1e-9:
            failures.append(
                f"accuracy drops by {round_apart(self.max_drop, drop)} points, at most {self.max_drop:g} may be lost "
                "(--max-drop)"
            )
        if self.min_agreement is not None and 100 * parity.agreement < self.min_agreement - 1e-9:
            failures.append(
                f"it agrees with Keras on {round_apart(self.min_agreement, 100 * parity.agreement)}% of the images, "
                f"{self.min_agreement:g} % are asked for (--min-agreement)"
            )
        return failures
