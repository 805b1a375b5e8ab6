"""Whether a card is that of the model which it lies behind."""

from edgecnn.errors import ModelFileError
from edgecnn.model_file.card import ModelCard

from .runner import Runner
from .tensor_spec import TensorSpec


def require_card_fits(card: ModelCard, session: Runner, probabilities: TensorSpec, name: str) -> None:
    """Make sure that the card is that of the model.

    Args:
        card: of the file.
        session: runs its network.
        probabilities: the output with the class scores; one score alone is of two classes.
        name: of the file.

    Raises:
        ModelFileError: it has other inputs, classes or feature maps.
    """
    classes = max(2, probabilities.shape[-1])
    if card.input.shape != session.input.shape[1:]:
        raise ModelFileError(
            f"{name}: the card's input {card.input.shape} is not the model's {session.input.shape[1:]}; "
            "convert the model again"
        )
    if len(card.labels) != classes:
        raise ModelFileError(
            f"{name}: the card names {len(card.labels)} labels, the model has {classes} outputs; convert it again"
        )
    _require_maps_fit(card, session, name)


def _require_maps_fit(card: ModelCard, session: Runner, name: str) -> None:
    """Make sure that the feature maps of the card are those of the model, which has them all or none."""
    outputs = session.outputs
    here = [one for one in card.feature_maps if one.name in outputs]
    if 0 < len(here) < len(card.feature_maps):
        lacking = next(one.name for one in card.feature_maps if one not in here)
        raise ModelFileError(f"{name}: the card names a feature map {lacking!r}, the model has none; convert it again")
    for one in here:
        found = outputs[one.name].shape[1:]
        if _sides(found) != _sides(one.shape):
            raise ModelFileError(
                f"{name}: the card's feature map {one.name!r} is {one.shape}, the model's {found}; convert it again"
            )


def _sides(shape: tuple[int, ...]) -> list[int]:
    return [side for side in shape if side != 1]
