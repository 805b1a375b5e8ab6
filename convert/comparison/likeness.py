"""How alike the weights of two channels are."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]

ALIKE = 0.98  # cosine: int8 weights have 0.999 and more with those that they were made of


def rows(values: Array) -> Array:
    """(channels, values of one channel)."""
    return values.reshape(len(values), -1)


def cosines(first: Array, second: Array) -> Array:
    """Row by row; 0 where a row is nothing but zeros."""
    norms = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    products: Array = (first * second).sum(axis=-1)
    cosines: Array = np.divide(products, norms, out=np.zeros(len(first)), where=norms > 0)
    return cosines
