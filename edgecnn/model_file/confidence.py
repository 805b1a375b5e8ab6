"""What the card says of a model's scores: how they become probabilities, and which of them to answer with."""

from dataclasses import dataclass
from typing import Literal

from .json_fields import Count, Share

# Of the temperature: beyond, powers of an 8-bit score leave what a double can hold, and no classifier is so far off.
LOWEST, HIGHEST = 0.05, 20.0

HeldOut = Literal["validation", "test", "representative"]


@dataclass(frozen=True)
class Confidence:
    """What the scores of a model are worth, by labelled images that its training did not see.

    Attributes:
        temperature: a probability p becomes p ** (1 / temperature), divided by the sum of all; above 1 makes it less
            sure of itself, 1 leaves it as it is.
        source: which images `temperature` and `min_score` were chosen with.
        images: how many the figures below are of: labelled images that neither the training nor the choice saw.
        error_before: expected calibration error of the scores as they are, in 15 bins, 0 to 1.
        error_after: with the temperature.
        wanted_error: share of wrong answers that `min_score` was chosen for; None where none of 1, 2, 5 and 10 % was
            within reach with half of the images answered.
        min_score: the lowest best score to answer with, below which the label is better `unknown`; None where nothing
            told one.
        coverage: share of images with at least that score; None, like those that follow, without `min_score`.
        error: share of wrong answers among them.
        error_low: lower end of its 95 % Wilson interval.
        error_high: upper end.
        other_images: how many images that are none of the classes took part in the choice.
        other_accepted: share of them with at least that score, before conversion; None without any.
    """

    temperature: float
    source: HeldOut
    images: Count
    error_before: Share
    error_after: Share
    wanted_error: Share | None = None
    min_score: float | None = None
    coverage: Share | None = None
    error: Share | None = None
    error_low: Share | None = None
    error_high: Share | None = None
    other_images: Count = 0
    other_accepted: Share | None = None

    def __post_init__(self) -> None:
        if not LOWEST <= self.temperature <= HIGHEST:
            raise ValueError(f"temperature must be {LOWEST} to {HIGHEST:g}. Received: {self.temperature}")
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise ValueError(f"min_score must be 0 to 1, or null. Received: {self.min_score}")

    @property
    def why_no_score(self) -> str:
        """Why there is no `min_score`, in words."""
        if self.other_images:
            return (
                f"the {self.other_images:,} images of no class are told with as high scores as those of the classes, "
                "so none tells them apart; make them a class of their own"
            )
        if self.wanted_error is None:
            return "with half of the images answered, more than 10 % of the answers were wrong"
        return "some of the images are too few to choose a score that the others keep to"
