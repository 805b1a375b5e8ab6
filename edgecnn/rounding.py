"""A figure beside the limit that it keeps or breaks."""

from typing import Literal


def round_apart(limit: float, figure: float, kind: Literal["f", "g"] = "f") -> str:
    """A figure with two digits behind the point, or as many as tell it from a limit; with "g" two digits in all."""
    shown = float(f"{limit:g}")
    rounded = [f"{figure:.{digits}{kind}}" for digits in range(2, 10)]
    same_side = (one for one in rounded if float(one) != shown and (float(one) < shown) == (figure < shown))
    return next(same_side, f"{figure}")
