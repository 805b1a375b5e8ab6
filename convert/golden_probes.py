"""Choose the golden probes."""

import math

import numpy as np
import numpy.typing as npt

from edgecnn.pixels.dataset import Split, stratified

COUNT = 24
_MOST_BYTES = 1_500_000  # of pixels: probes of a large input must not outweigh its model
# A healthy device may move a probability by 0.1 (the tolerance of int8): a top-1 with this lead cannot flip.
_SAFE_LEAD = 0.25


def choose(split: Split, probabilities: npt.NDArray[np.float32], seed: int) -> npt.NDArray[np.int64]:
    """Indices of the images of `split` that tell most about a device.

    Args:
        probabilities: the converted model's, float32 (images, classes).
        seed: draws among equals.

    Returns:
        int64, `COUNT` or fewer of large images, stratified over the classes: the images whose top-1 leads by least,
        because a probability near 1 hides small errors, but by enough that no healthy device changes it.
    """
    count = max(8, min(COUNT, _MOST_BYTES // math.prod(split.images.shape[1:])))
    ordered = np.sort(probabilities, axis=1)
    lead = ordered[:, -1] - ordered[:, -2]
    safe = np.flatnonzero(lead >= _SAFE_LEAD)
    closest = safe[np.argsort(lead[safe], kind="stable")][: 20 * count]
    if len(closest) == 0:
        return np.arange(min(count, len(split)))
    return closest[stratified(split.labels[closest], count, seed)]
