"""Where a file's card says otherwise than the run's."""

import dataclasses

from edgecnn.model_file.card import PROBABILITIES
from edgecnn.pixels.input_spec import InputSpec

from .finding import Cause
from .ladder import Ladder


def contradiction(ladder: Ladder, breaks: bool) -> tuple[str, Cause, str] | None:
    """Layer, cause and message, where the file's card says otherwise than the run's."""
    if ladder.card.labels != ladder.dataset_labels:
        ours, theirs = ", ".join(ladder.dataset_labels), ", ".join(ladder.card.labels)
        are_the_same = {*ladder.card.labels} == {*ladder.dataset_labels}
        how = "stand in another order" if are_the_same else "are others"
        message = f"labels {how}: the file's are {theirs}, the data set's {ours}; convert the run again"
        return PROBABILITIES, "labels", message
    ours_in, theirs_in = ladder.keras_card.input, ladder.card.input
    # Scale and offset may have moved into the file's first layer (the target mediapipe): then nothing breaks.
    moved = dataclasses.replace(theirs_in, scale=ours_in.scale, offset=ours_in.offset) == ours_in and not breaks
    if theirs_in != ours_in and not moved:
        ours, theirs = describe(ours_in), describe(theirs_in)
        message = (
            f"images are prepared otherwise than in training: there {ours}, in the file {theirs}; convert it again"
        )
        return "image", "preprocessing", message
    return None


def describe(spec: InputSpec) -> str:
    """How pixels become an input, in words."""
    values = dataclasses.asdict(spec)
    scale, offset = values.pop("scale"), values.pop("offset")
    numbers = "; ".join(f"pixel * {a:.6g} + {b:.6g}" for a, b in zip(scale, offset, strict=True))
    return f"{numbers}, {', '.join(f'{key} {value}' for key, value in values.items())}"
