"""Whether a network is right as often as it says."""

import numpy as np
import numpy.typing as npt

BINS = 15


def reliability(scores: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]) -> list[tuple[int, float, float]]:
    """Best scores (images,), and whether each answer was right, in 15 bins of equal width.

    Returns:
        By bin its images, their mean score and the share of right ones; both 0 of an empty bin.
    """
    bins = np.clip(np.ceil(np.asarray(scores, np.float64) * BINS).astype(np.intp) - 1, 0, BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    means = np.bincount(bins, np.asarray(scores, np.float64), BINS) / np.maximum(counts, 1)
    shares = np.bincount(bins, right.astype(np.float64), BINS) / np.maximum(counts, 1)
    return [(int(n), float(mean), float(share)) for n, mean, share in zip(counts, means, shares, strict=True)]


def calibration_error(scores: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]) -> float:
    """Expected calibration error, 0 to 1 (Naeini et al., AAAI 2015; in 15 bins as Guo et al., ICML 2017, have it)."""
    return sum(n * abs(mean - share) for n, mean, share in reliability(scores, right)) / max(1, len(scores))
