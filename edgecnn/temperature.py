"""Temperature scaling: scores that are right as often as they say (Guo et al., ICML 2017).

They divide the logits by a temperature. With the softmax' output that is p ** (1 / temperature) over the sum of all, so
a converted model needs no other output.
"""

import math

import numpy as np
import numpy.typing as npt

from .model_file.confidence import HIGHEST, LOWEST

BINS = 15  # of the expected calibration error, as Guo et al. have them
_STEPS = 30  # each leaves 62 % of an interval of 6: a temperature to five digits
_GOLDEN = (math.sqrt(5) - 1) / 2
_Z = 1.64  # of the normal distribution: 5 % lie above
_REAL = 0.01  # of the loss
_EPSILON = 1e-7  # a probability of 0, which an 8-bit output often has, must not cost infinity; see `metrics`

Scores = npt.NDArray[np.floating]
Losses = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


def powers_of(probabilities: Scores, temperature: float) -> npt.NDArray[np.float64]:
    """`probabilities` ** (1 / `temperature`), of any shape: what `normalized` makes probabilities of again."""
    return np.asarray(np.power(np.maximum(probabilities, 0, dtype=np.float64), 1 / temperature), np.float64)


def normalized(powers: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Divide powers, float64 (..., classes), by the sum of their row; a row of zeros stays zeros."""
    total = powers.sum(axis=-1, keepdims=True)
    return np.asarray(powers / np.where(total > 0, total, 1), np.float32)


def apply_temperature(probabilities: Scores, temperature: float) -> npt.NDArray[np.float32]:
    """Scale probabilities; no row gets another best class.

    Args:
        probabilities: (..., classes).
        temperature: 0.05 to 20.

    Returns:
        float32, the shape of `probabilities`.
    """
    powers = powers_of(probabilities, temperature)
    scaled = normalized(powers)
    best = np.expand_dims(probabilities.argmax(axis=-1), -1)
    moved = np.expand_dims(scaled.argmax(axis=-1), -1) != best
    if moved.any():  # two scores so near each other that both became the same number in single precision
        least = np.nextafter(np.take_along_axis(scaled, best, -1), np.float32(2))
        np.put_along_axis(scaled, best, np.where(moved, least, np.take_along_axis(scaled, best, -1)), -1)
    return scaled


def cross_entropies(probabilities: Scores, labels: Labels) -> npt.NDArray[np.float64]:
    """In nats, (images,), of probabilities (images, classes) and true classes (images,)."""
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return np.asarray(-np.log(np.maximum(of_truth, _EPSILON)))


def fit_temperature(probabilities: Scores, labels: Labels) -> float:
    """The temperature with the least negative log-likelihood on labelled images.

    Args:
        probabilities: (images, classes), each row the softmax of a network.
        labels: int64 (images,), the true classes.

    Returns:
        1 where all images are right, or none is: they do not say how sure the network may be.
    """
    # Of many classes all scores may be less than half a step of 8 bits: no temperature makes something of zeros.
    seen = probabilities.max(axis=1, initial=0) > 0
    probabilities, labels = probabilities[seen], labels[seen]
    right = int((probabilities.argmax(axis=1) == labels).sum())
    if right in (0, len(labels)):
        return 1.0

    with np.errstate(divide="ignore"):
        logs = np.log(np.maximum(probabilities, 0, dtype=np.float64))
    logs -= logs.max(axis=1, keepdims=True)
    of_truth, most = logs[np.arange(len(labels)), labels], -math.log(_EPSILON)

    def loss(log_temperature: float) -> float:
        power = math.exp(-log_temperature)
        return float(np.minimum(np.log(np.exp(power * logs).sum(axis=1)) - power * of_truth, most).mean())

    # The loss is convex in 1 / temperature, so it has one valley: a golden section finds its bottom.
    low, high = math.log(LOWEST), math.log(HIGHEST)
    left, right_end = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    loss_left, loss_right = loss(left), loss(right_end)
    for _ in range(_STEPS):
        if loss_left <= loss_right:
            high, right_end, loss_right = right_end, left, loss_left
            left = high - _GOLDEN * (high - low)
            loss_left = loss(left)
        else:
            low, left, loss_left = left, right_end, loss_right
            right_end = low + _GOLDEN * (high - low)
            loss_right = loss(right_end)
    return math.exp((low + high) / 2)


def is_gain(before: Losses, after: Losses) -> bool:
    """Whether cross-entropies (images,) fell: by more than chance makes of none, and by 1 % of them at least.

    Of 8-bit scores a wrong class may have 255/256 and the right one 0, which no temperature moves; each sharpening
    then gains a little for sure.
    """
    gains = before - after
    chance = _Z * gains.std(ddof=1) / np.sqrt(len(gains))
    return bool(gains.mean() > max(chance, _REAL * before.mean()))


def reliability(scores: Scores, right: npt.NDArray[np.bool_]) -> list[tuple[int, float, float]]:
    """Best scores (images,), and whether each answer was right, in `BINS` bins of equal width.

    Returns:
        By bin its images, their mean score and the share of right ones; both 0 of an empty bin.
    """
    bins = np.clip(np.ceil(np.asarray(scores, np.float64) * BINS).astype(np.intp) - 1, 0, BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    divisor = np.maximum(counts, 1)
    means = np.bincount(bins, np.asarray(scores, np.float64), BINS) / divisor
    shares = np.bincount(bins, right.astype(np.float64), BINS) / divisor
    return [(int(n), float(mean), float(share)) for n, mean, share in zip(counts, means, shares, strict=True)]


def calibration_error(scores: Scores, right: npt.NDArray[np.bool_]) -> float:
    """Expected calibration error: how far best scores and the share of right answers are apart, 0 to 1.

    Naeini et al. (AAAI 2015), as Guo et al. (2017) write it: the bins' distances, weighed by their images.

    Args:
        scores: best scores (images,).
        right: whether each answer was right, (images,).
    """
    rows = reliability(scores, right)
    return sum(n * abs(mean - share) for n, mean, share in rows) / max(1, len(scores))
