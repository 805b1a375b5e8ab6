"""The interval of a share."""

import math

_Z = 1.959963984540054  # of 95 %, two-sided


def wilson_interval(right: float, images: int) -> tuple[float, float]:
    """95 % interval of the share `right` / `images` (E. B. Wilson, 1927), within 0 to 1; `images` above 0."""
    share, weight = right / images, _Z**2 / images
    middle, half = share + weight / 2, math.sqrt(weight * (share * (1 - share) + weight / 4))
    low, high = (middle - half) / (1 + weight), (middle + half) / (1 + weight)
    return max(0.0, low) if right else 0.0, min(1.0, high) if right < images else 1.0  # where rounding goes beyond
