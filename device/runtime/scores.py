"""Which output of a model holds the class scores, and what makes probabilities of them."""

import numpy as np
import numpy.typing as npt

from edgecnn.errors import ModelFileError
from edgecnn.model_file.card import PROBABILITIES
from edgecnn.model_file.container import PackedModel

from .runner import Runner
from .tensor_spec import TensorSpec


def find_probabilities(packed: PackedModel, session: Runner) -> TensorSpec:
    """The probabilities of a file with a card.

    Raises:
        ModelFileError: it has no output of class scores, or several.
    """
    if packed.card and packed.card.is_exported:
        return _find_scores(session, packed.name, 2)
    # Packed by `edgecnn pack`: its output is still what another tool made it.
    return understand_scores(packed, session)[0]


def understand_scores(packed: PackedModel, session: Runner) -> tuple[TensorSpec, str]:
    """What gives the probabilities of another tool's file, and what is done for that.

    Raises:
        ModelFileError: it has no output of class scores, or several, or its classes do not exclude each other.
    """
    from edgecnn.model_file.tflite_metadata import score_kind

    from .bare import describe_scores

    found = _find_scores(session, packed.name, 1)
    kind = score_kind(packed.flatbuffer, found.index)
    if kind == "sigmoids":
        raise ModelFileError(
            f"{packed.name} ends in {found.shape[1]} sigmoids: each class has a probability of its own, so several may "
            "be right at once (multi-label); edgecnn takes classifiers with one right class, ending in a softmax, in "
            "logits, or in a single sigmoid for two classes"
        )
    if kind not in ("sigmoid", "logits"):
        _find_scores(session, packed.name, 2)
    return describe_scores(found, kind)


def require_numbers(scores: npt.NDArray[np.float32], name: str) -> npt.NDArray[np.float32]:
    """Make sure that scores, float32 (..., classes), of the model `name` are numbers.

    Returns:
        them.

    Raises:
        ModelFileError: they are not.
    """
    if not np.isfinite(scores).all():
        raise ModelFileError(
            f"{name} gives scores that are no numbers (NaN); its weights are damaged, copy or convert it again"
        )
    return scores


def _find_scores(session: Runner, name: str, fewest: int) -> TensorSpec:
    candidates = [tensor for tensor in session.outputs.values() if len(tensor.shape) == 2]
    scores = session.outputs.get(PROBABILITIES) or (candidates[0] if len(candidates) == 1 else None)
    if scores is None or len(scores.shape) != 2 or scores.shape[0] != 1 or scores.shape[1] < fewest:
        shapes = ", ".join(f"{tensor.name} {tensor.shape}" for tensor in session.outputs.values())
        raise ModelFileError(
            f"{name} must have one output of class scores, (1, classes). Received: {shapes}; edgecnn runs image "
            "classifiers alone: if one of these has the scores, convert the model again with that output only"
        )
    return scores
