"""The best class of an 8-bit output, with nothing done that one answer does not need."""

from edgecnn.arrays import Array

from .prediction import Prediction, Predictions
from .runtime.loaded_model import LoadedModel
from .runtime.score_reader import ScoreReader


class BestAnswer:
    """Answers of one prediction; of some outputs it has none, and all probabilities must be made."""

    def __init__(self, loaded: LoadedModel) -> None:
        """For the scores of `loaded`."""
        self._output, self._labels, self._scores = loaded.probabilities, loaded.labels, ScoreReader(loaded)
        # An 8-bit output has few answers: each is made once, where a probability depends on one score alone.
        is_small = self._output.dtype.itemsize == 1 and loaded.card is not None and self._scores.is_elementwise
        self._answers: dict[tuple[int, float], Predictions] | None = {} if is_small else None

    def of(self, raw: Array) -> Predictions | None:
        """The best class of the output's own numbers, (classes,); None where it takes all probabilities."""
        index = int(raw.argmax())
        if self._answers is None:
            score = self._scores.score_of(raw, index)
            return None if score is None else self._made(index, score)
        key = index, raw.item(index)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = self._made(index, float(self._output.dequantize(raw)[index]))
        return answer

    def _made(self, index: int, score: float) -> Predictions:
        return Predictions((Prediction(self._labels[index], score, index),))
