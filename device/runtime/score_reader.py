"""From what the output of a model holds to the probabilities that people are told."""

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Array

from .loaded_model import LoadedModel
from .scores import require_numbers


class ScoreReader:
    """Reads the output of class scores, with the temperature that the card says.

    What compares one computation with another (probes, audits, `verify`) goes by the scores without it.

    Attributes:
        is_elementwise: whether each probability is made of one number of the output alone.
    """

    def __init__(self, loaded: LoadedModel) -> None:
        """For the scores of `loaded`."""
        confidence = loaded.card.confidence if loaded.card else None
        self._name = loaded.packed.name
        self._output, self._temperature = loaded.probabilities, confidence.temperature if confidence else 1.0
        self._powers: npt.NDArray[np.float64] | None = None
        is_plain = self._temperature == 1
        if not is_plain and self._output.dtype.itemsize == 1 and self._output.is_elementwise:
            from edgecnn.temperature import powers_of

            every = np.arange(256, dtype=np.uint8).view(self._output.dtype)
            self._powers = powers_of(self._output.dequantize(every), self._temperature)
        self.is_elementwise = is_plain and self._output.is_elementwise

    def probabilities(self, raw: Array) -> npt.NDArray[np.float32]:
        """Probabilities, float32 (..., classes), of the output's own numbers.

        Raises:
            ModelFileError: they are no numbers (NaN).
        """
        if self._powers is not None:
            from edgecnn.temperature import normalized

            return normalized(self._powers[raw.view(np.uint8)])
        probabilities = require_numbers(self._output.dequantize(raw), self._name)
        if self._temperature == 1:
            return probabilities
        from edgecnn.temperature import apply_temperature

        return apply_temperature(probabilities, self._temperature)

    def score_of(self, raw: Array, index: int) -> float | None:
        """The probability of one class alone, in a quarter of the time; None where that takes all of them.

        Args:
            raw: the output's own numbers, (classes,).
            index: of the class.
        """
        if self._powers is None:
            return None
        powers = self._powers.take(raw.view(np.uint8))
        total = powers.sum()
        return float(np.float32(powers[index] / total)) if total else 0.0
