"""Why a network says what it says of an image, and how far that explanation is to be trusted."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels

from ..prediction import Prediction


@dataclass(frozen=True)
class Score:
    """How well a ranking of the pixels explains a probability; see `edgecnn.device.explaining.scoring`.

    Attributes:
        ranking: `explanation`; or, to compare with, `brightness` or `random`.
        fill: what stands in place of a pixel that is taken away, `black` or `blurred`.
        insertion: 0 to 1, the higher the better.
        deletion: 0 to 1, the lower the better.
    """

    ranking: str
    fill: str
    insertion: float
    deletion: float

    @property
    def gain(self) -> float:
        """Insertion minus deletion, -1 to 1; about 0 for a ranking by chance."""
        return self.insertion - self.deletion


@dataclass(frozen=True)
class Explanation:
    """Which pixels speak for a class.

    Attributes:
        target: the class that is explained, with its probability.
        predicted: the most probable class; the same, unless another was asked for.
        method: a name of `edgecnn.device.explaining.methods.METHODS`.
        heat_map: float32 (height, width), larger where a pixel speaks more for the class.
        unit: what its values are, in words.
        pixels: uint8 (height, width, channels), the image as the network sees it.
        scores: of the explanation, of brightness and of chance, with two fills each.
        invokes: how often the network ran.
        seconds: what it took.
    """

    target: Prediction
    predicted: Prediction
    method: str
    unit: str
    heat_map: npt.NDArray[np.float32]
    pixels: Pixels
    scores: tuple[Score, ...]
    invokes: int
    seconds: float

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why not to trust it, in words: what knows nothing of the network explains the answer as well."""
        doubts = []
        for fill in dict.fromkeys(score.fill for score in self.scores):
            own, *others = (score for score in self.scores if score.fill == fill)
            if all(abs(score.gain) < _NOTHING for score in (own, *others)):
                doubts.append(f"with {fill} fill, no order of the pixels matters: that fill says nothing of this image")
                continue
            doubts += [
                f"with {fill} fill, {_WORDS[score.ranking]} explains it as well or better, {score.gain:.2f} against "
                f"{own.gain:.2f}"
                for score in others
                if score.gain >= own.gain
            ]
        return tuple(doubts)

    @property
    def caption(self) -> str:
        """What is explained and how well, in lines for people."""
        instead = "" if self.target == self.predicted else f" (the answer is {_said(self.predicted)})"
        fills = dict.fromkeys(score.fill for score in self.scores)
        rows = [f"{'insertion - deletion':22}" + "".join(f"{fill:>9}" for fill in fills)]
        for ranking in dict.fromkeys(score.ranking for score in self.scores):
            gains = [score.gain for score in self.scores if score.ranking == ranking]
            rows.append(f"{ranking:22}" + "".join(f"{round(gain, 2) + 0.0:9.2f}" for gain in gains))
        doubts = [f"Doubt it: {doubt}" for doubt in self.doubts]
        return "\n".join([f"{self.method}: {_said(self.target)}{instead}", *rows, *doubts])

    def _repr_png_(self) -> bytes:
        """The picture that `edgecnn explain` draws, for notebooks; matplotlib is imported only here."""
        from ..pictures.explanation import make_explanation_png

        return make_explanation_png(self.pixels, self.heat_map, self.unit, self.caption)


def _said(prediction: Prediction) -> str:
    return f"{prediction.label} {prediction.score:.1%}"


_NOTHING = 0.005  # a gain that is shown as 0.00
_WORDS = {"brightness": "the brightness of pixels alone", "random": "an order by chance"}
