"""The word that a comparison ends in."""

from collections.abc import Collection
from typing import Literal

Verdict = Literal["PASS", "DOUBTFUL", "FAIL"]


def verdict_of(broken: bool, failures: Collection[str], suspicions: Collection[object]) -> Verdict:
    """`DOUBTFUL` where the file answers as Keras does and Keras itself looks wrong.

    Args:
        broken: whether the file is another classifier.
        failures: of the gate.
        suspicions: why Keras itself may be wrong.
    """
    if broken or failures:
        return "FAIL"
    return "DOUBTFUL" if suspicions else "PASS"


def passes(verdict: Verdict, is_labelled: bool) -> bool:
    """Whether it is still the same classifier, and a good one as far as images with labels can tell."""
    return verdict == "PASS" or (verdict == "DOUBTFUL" and not is_labelled)
