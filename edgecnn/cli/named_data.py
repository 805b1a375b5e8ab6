"""Models that were trained on other data than Fashion-MNIST need it named."""

from typing import TYPE_CHECKING

from edgecnn.errors import ModelFileError

if TYPE_CHECKING:
    from edgecnn.model_file.card import ModelCard


def require_named_data(data: str | None, card: "ModelCard | None", model: object) -> None:
    """Make sure that Fashion-MNIST is not taken, or fetched, for a model of other classes.

    Args:
        data: what --data names; None for Fashion-MNIST.
        card: of the model; None where it has none.
        model: its name, for people.

    Raises:
        ModelFileError: no data is named, and the model knows other classes.
    """
    if data is not None or card is None:
        return
    from edgecnn.train.data.fashion_mnist import LABELS

    if not set(LABELS) & set(card.labels):
        data_set = f"trained on {card.training.dataset}" if card.training else "of other classes than Fashion-MNIST"
        raise ModelFileError(f"{model} is {data_set}: name its images with --data")
