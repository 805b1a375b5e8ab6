"""Whether counts are more or fewer than chance makes them: as SciPy's `binomtest`, whose import takes half a second."""


def at_least(count: int, of: int, share: float) -> float:
    """How often `count` or more of `of` happen, where each does with the probability `share`."""
    from scipy.special import bdtrc

    return 1.0 if count <= 0 else float(bdtrc(count - 1, of, share))


def at_most(count: int, of: int, share: float) -> float:
    """How often `count` or fewer of `of` happen, where each does with the probability `share`."""
    from scipy.special import bdtr

    return float(bdtr(count, of, share))
