"""What a caller says of a file that does not say it itself."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from edgecnn.arguments import is_number, require_choice
from edgecnn.errors import InputError
from edgecnn.pixels.input_spec import Fit, ResizeFilter

Channels = Literal["rgb", "bgr"]  # the order of three
_MOST_APART = 1e6


@dataclass(frozen=True)
class Description:
    """What the caller says of a file without a card; None where he leaves it to the file.

    Attributes:
        labels: class names in output order.
        input_range: what pixels 0 and 255 become.
        fit: how images of another aspect ratio are made to fit.
        resize_filter: Pillow's filter of that name.
        color: in which order its three channels are.

    Raises:
        InputError: a value of another kind.
    """

    labels: tuple[str, ...] | None = None
    input_range: tuple[float, float] | None = None
    fit: Fit | None = None
    resize_filter: ResizeFilter | None = None
    color: Channels | None = None

    def __post_init__(self) -> None:
        if self.labels is not None and (
            isinstance(self.labels, str | bytes)
            or not isinstance(self.labels, Sequence)
            or not all(isinstance(label, str) for label in self.labels)
        ):
            raise InputError(f"labels must be a tuple of class names. Received: {self.labels!r}")
        if self.labels is not None:
            object.__setattr__(self, "labels", tuple(self.labels))
        if self.input_range is not None:
            object.__setattr__(self, "input_range", _numbers_of(self.input_range))
        for name, choices in (("fit", Fit), ("resize_filter", ResizeFilter), ("color", Channels)):
            if getattr(self, name) is not None:
                require_choice(getattr(self, name), get_args(choices), name)


def _numbers_of(given: Any) -> tuple[float, float]:
    """A pair of different numbers."""
    try:
        low, high = (float(one) if is_number(one) else math.nan for one in given)
    except (TypeError, ValueError, OverflowError):
        low = high = math.nan
    # nan is unequal to itself, and the difference of infinite ends is no number.
    if not 0 < abs(high - low) <= _MOST_APART:
        raise InputError(
            "input_range must be two different numbers, not more than 1e6 apart: what pixels 0 and 255 become. "
            f"Received: {given!r}"
        )
    return low, high
