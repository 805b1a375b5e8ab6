"""Whether a network has an answer for every image."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgecnn.errors import ModelFileError


def require_answers(found: npt.NDArray[np.float32], model: Path) -> npt.NDArray[np.float32]:
    """The probabilities, (count, classes), that the network in the file `model` gives.

    Raises:
        ModelFileError: some of them are no numbers.
    """
    wrong = int((~np.isfinite(found).all(axis=1)).sum())
    if wrong:
        raise ModelFileError(
            f"{model} gives probabilities that are no numbers (NaN) for {wrong:,} of {len(found):,} images, though "
            "its weights are: it divides by 0, or overflows; look for such images, or for a layer that needs an epsilon"
        )
    return found
