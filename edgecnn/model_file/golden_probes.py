"""Choose the golden probes, and keep them small beside their network."""

import dataclasses
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..arrays import Pixels
from ..pixels.dataset import Split, stratified
from ..pixels.input_spec import InputSpec
from .golden import Golden, preprocessing_sha256

Probabilities = npt.NDArray[np.float32]

COUNT = 12
_COUNTS = (COUNT, 8)  # fewer, where they are large
_FEWEST = (4, 2)  # where the coarsest are too large still: the answers of a thousand classes beside a small network
# Of the bare network; a small one may be accompanied by so many bytes all the same, if it does not weigh less itself.
MOST_SHARE = 0.05
MOST_BYTES = 64_000
# A healthy device may move a probability by 0.1 (the tolerance of int8): a top-1 with this lead cannot flip.
_SAFE_LEAD = 0.25
_CANDIDATES = 120  # coarse images that the converted model is run on, to choose among


@dataclass(frozen=True)
class ProbeModels:
    """What gives right answers, float32 (count, classes), to uint8 images (count, height, width, channels).

    Attributes:
        keras: the network before conversion; `host` too, where there is none.
        host: the model in the file, on this machine.
        runtime: name and version of what runs that.
    """

    keras: Callable[[Pixels], Probabilities]
    host: Callable[[Pixels], Probabilities]
    runtime: str


def most_bytes(flatbuffer_bytes: int) -> int:
    """How large the probes may be beside a network of so many bytes."""
    return max(int(MOST_SHARE * flatbuffer_bytes), min(MOST_BYTES, flatbuffer_bytes))


def choose_probes(split: Split, probabilities: Probabilities, seed: int) -> npt.NDArray[np.int64]:
    """Indices of the images of `split` that tell most about a device.

    Args:
        split: labelled or not.
        probabilities: the converted model's, float32 (images, classes).
        seed: draws among equals.

    Returns:
        int64, at most `COUNT`, stratified over the classes from the first on: the images whose top-1 leads by least,
        because a probability near 1 hides small errors, but by enough that no healthy device changes it. Where that
        is so of a few alone, those that lead by most.
    """
    ordered = np.sort(probabilities, axis=1)
    lead = ordered[:, -1] - ordered[:, -2]
    safe = np.flatnonzero(lead >= _SAFE_LEAD)
    closest = safe[np.argsort(lead[safe], kind="stable")][: 20 * COUNT]
    if len(closest) < _COUNTS[-1]:
        return np.argsort(-lead, kind="stable")[:COUNT]
    return closest[stratified(split.labels[closest], COUNT, seed)]


def golden_probes(
    split: Split,
    keras: Probabilities,
    host: Probabilities,
    models: ProbeModels,
    spec: InputSpec,
    seed: int,
    limit: int,
) -> Golden:
    """The probes among `split` with their right answers, in at most `limit` bytes where that can be.

    Where a few images of the input's size are too large, they are made coarse: of blocks of equal pixels, which
    compress to a fraction. The right answers are then those of both models to the coarse images.

    Args:
        split: the images that both models were run on.
        keras: Keras' probabilities of them, float32 (images, classes).
        host: the converted model's, likewise.
        models: give the answers to coarse images.
        spec: how they are prepared.
        seed: see `choose_probes`.
        limit: see `most_bytes`.
    """
    rows = choose_probes(split, host, seed)
    images = np.asarray(split.images[rows])
    fewest = min(_COUNTS[-1], len(rows))
    golden = Golden(images, keras[rows], host[rows], models.runtime, "")
    sides = list(_block_sides(spec))
    for side in sides:
        if side != sides[-1] and len(zlib.compress(coarse(images[:fewest], side).tobytes())) > limit:
            continue
        if side > 1:
            golden = _coarse_probes(split, models, seed, side)
        for count in _COUNTS:
            some = _first(golden, count, spec)
            if len(some.to_bytes()) <= limit:
                return some
    few = (_first(golden, count, spec) for count in (fewest, *_FEWEST))
    return next((some for some in few if len(some.to_bytes()) <= limit), _first(golden, _FEWEST[-1], spec))


def coarse(images: Pixels, side: int) -> Pixels:
    """`images`, uint8 (count, height, width, channels), in blocks of `side` x `side` equal pixels: their means."""
    _, height, width, _ = images.shape
    missing = (-height % side, -width % side)
    padded = np.pad(images, ((0, 0), (0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
    count, rows, columns, channels = padded.shape
    blocks = padded.reshape(count, rows // side, side, columns // side, side, channels)
    means = np.rint(blocks.mean(axis=(2, 4))).astype(np.uint8)
    return np.ascontiguousarray(means.repeat(side, axis=1).repeat(side, axis=2)[:, :height, :width])


def _block_sides(spec: InputSpec) -> Iterator[int]:
    side = 1
    while side == 1 or 4 * side <= min(spec.height, spec.width):
        yield side
        side *= 2


def _coarse_probes(split: Split, models: ProbeModels, seed: int, side: int) -> Golden:
    some = split.sample(min(_CANDIDATES, len(split)), seed)
    images = coarse(np.asarray(some.images), side)
    host = models.host(images)
    rows = choose_probes(Split(images, some.labels), host, seed)
    return Golden(images[rows], models.keras(images[rows]), host[rows], models.runtime, "")


def _first(golden: Golden, count: int, spec: InputSpec) -> Golden:
    images = golden.images[:count]
    return dataclasses.replace(
        golden,
        images=images,
        keras=golden.keras[:count],
        host=golden.host[:count],
        preprocessing_sha256=preprocessing_sha256(spec, images),
    )
