"""The lowest score that a model should answer with, as it is wanted or as its card recommends it."""

from typing import Literal, TypeAlias

from edgecnn.arguments import is_number
from edgecnn.errors import InputError, ModelFileError
from edgecnn.model_file.card import ModelCard

MinScore: TypeAlias = float | Literal["auto"]


def resolve_min_score(wanted: MinScore, card: ModelCard | None, name: str) -> float:
    """`wanted`, 0 to 1, or for `auto` the score that `card` recommends.

    Args:
        wanted: the score, or `auto`.
        card: of the model; None for a file without one.
        name: of the file, for errors.

    Raises:
        InputError: `wanted` is neither.
        ModelFileError: the model recommends none.
    """
    if isinstance(wanted, str) and wanted == "auto":
        confidence = card.confidence if card else None
        if confidence is not None and confidence.min_score is not None:
            return confidence.min_score
        raise ModelFileError(f"{name} recommends no lowest score: {_why(card)}; give one yourself, from 0 to 1")
    if not is_number(wanted) or not 0 <= wanted <= 1:
        raise InputError(f"the lowest score must be 0 to 1, or auto. Received: {wanted!r}")
    return float(wanted)


def _why(card: ModelCard | None) -> str:
    if card is None:
        return "it carries no card"
    if card.confidence is None:
        return "no labelled images told how far its scores are to be trusted when it was made"
    return card.confidence.why_no_score
