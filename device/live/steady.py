"""One steady answer from many hasty ones: a class counts when it is sure enough, several times in a row."""

from dataclasses import dataclass
from typing import Literal

from edgecnn.arguments import is_number, require_count
from edgecnn.errors import InputError

from ..prediction import UNKNOWN, Prediction

THRESHOLD, CONSECUTIVE = 0.8, 3

Reason = Literal["class", "below threshold", "source lost"]


@dataclass(frozen=True)
class Verdict:
    """The steady answer.

    Attributes:
        label: a class, or `UNKNOWN`.
        index: its place in the model's output; None where no class is sure enough.
        score: of the frame that settled it; 0 where none did.
        since: when it was settled, seconds since 1970.
        frame: number of the frame that settled it; 0 where none did.
        reason: why it is this one.
    """

    label: str
    index: int | None
    score: float
    since: float
    frame: int
    reason: Reason


class Steady:
    """Follows the best class from frame to frame.

    A frame speaks for its best class if the score is at least `threshold`, and for "unknown" if not. The answer changes
    when `consecutive` frames in a row speak for the same other one. Once the source was lost, `unknown` because the
    score is too low is another answer.

    Attributes:
        verdict: the answer now; None before the first.
    """

    def __init__(self, threshold: float = THRESHOLD, consecutive: int = CONSECUTIVE) -> None:
        """Nothing is settled yet.

        Args:
            threshold: the lowest score that counts, 0 to 1.
            consecutive: how many frames in a row must agree, 1 or more.

        Raises:
            InputError: one of them is out of range.
        """
        if not is_number(threshold) or not 0 <= threshold <= 1:
            raise InputError(f"threshold must be 0 to 1. Received: {threshold!r}")
        self.threshold, self.consecutive = threshold, require_count(consecutive, "consecutive")
        self.verdict: Verdict | None = None
        self._candidate: int | None = None
        self._agreeing = 0

    def add(self, best: Prediction, time: float, frame: int) -> Verdict | None:
        """Hear a frame's best class.

        Args:
            best: the most probable class.
            time: of the frame, seconds since 1970.
            frame: its number.

        Returns:
            The new answer if it changed with this frame; else None.
        """
        index = best.index if best.score >= self.threshold else None
        self._agreeing = self._agreeing + 1 if self._agreeing and index == self._candidate else 1
        self._candidate = index
        if self._agreeing < self.consecutive or (
            self.verdict is not None and self.verdict.index == index and self.verdict.reason != "source lost"
        ):
            return None
        label = UNKNOWN if index is None else best.label
        reason: Reason = "below threshold" if index is None else "class"
        self.verdict = Verdict(label, index, best.score, time, frame, reason)
        return self.verdict

    def lose(self, time: float) -> Verdict | None:
        """Nothing is seen any more: a class that was is unknown at once, and frames are counted anew.

        Returns:
            The new answer if there had been a class; else None.
        """
        self._agreeing = 0
        if self.verdict is None or self.verdict.index is None:
            return None
        self.verdict = Verdict(UNKNOWN, None, 0.0, time, 0, "source lost")
        return self.verdict
