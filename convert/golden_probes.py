"""Choose the golden probes."""

import math

import numpy as np
import numpy.typing as npt

from edgecnn.model_file.golden import Golden, preprocessing_sha256
from edgecnn.pixels.dataset import Split, stratified
from edgecnn.pixels.input_spec import InputSpec

COUNT = 24
_MOST_BYTES = 1_500_000  # of pixels: probes of a large input must not outweigh its model
# A healthy device may move a probability by 0.1 (the tolerance of int8): a top-1 with this lead cannot flip.
_SAFE_LEAD = 0.25


def choose_probes(split: Split, probabilities: npt.NDArray[np.float32], seed: int) -> npt.NDArray[np.int64]:
    """Indices of the images of `split` that tell most about a device.

    Args:
        split: labelled or not.
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


def golden_probes(
    split: Split,
    keras: npt.NDArray[np.float32],
    host: npt.NDArray[np.float32],
    spec: InputSpec,
    seed: int,
    runtime: str,
) -> Golden:
    """The probes among `split` with their right answers.

    Args:
        split: the images that both models were run on.
        keras: Keras' probabilities of them, float32 (images, classes).
        host: the converted model's, likewise.
        spec: how they are prepared.
        seed: see `choose_probes`.
        runtime: name and version of what ran the converted model.
    """
    rows = choose_probes(split, host, seed)
    images = np.asarray(split.images[rows])
    return Golden(
        images=images,
        keras=keras[rows],
        host=host[rows],
        host_runtime=runtime,
        preprocessing_sha256=preprocessing_sha256(spec, images),
    )
