"""What a teacher says of the training images, and of mixtures of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecnn.pixels.dataset import Images
from edgecnn.pixels.input_table import apply_table


@dataclass(frozen=True)
class Mixture:
    """Every training image mixed with another, and what the teacher thinks of it.

    Zhang et al., "mixup: Beyond Empirical Risk Minimization" (2018). A teacher has learnt its training images by heart;
    of mixtures it says what it really sees (Beyer et al., "Knowledge distillation: A good teacher is patient and
    consistent", 2022).

    Attributes:
        partners: int64 (images,), the index of the other image.
        shares: float32 (images,), of the image itself in the mixture, 0.5 to 1.
        probabilities: the teacher's, float32 (images, classes).
    """

    partners: npt.NDArray[np.int64]
    shares: npt.NDArray[np.float32]
    probabilities: npt.NDArray[np.float32]

    def inputs(self, table: npt.NDArray[Any], images: Images, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """The mixtures at `rows` as model input, see `edgecnn.pixels.preprocessing.apply_table`."""
        shares = self.shares[rows][:, None, None, None]
        own, other = (apply_table(table, np.asarray(images[index])) for index in (rows, self.partners[rows]))
        mixed: npt.NDArray[Any] = shares * own + (1 - shares) * other
        return mixed


@dataclass(frozen=True)
class Teaching:
    """A teacher's probabilities.

    Attributes:
        plain: of the training images, float32 (images, classes).
        mixtures: of mixtures of them.
    """

    plain: npt.NDArray[np.float32]
    mixtures: tuple[Mixture, ...] = ()

    def mixture(self, epoch: int, epochs: int) -> Mixture | None:
        """What to train on in `epoch`, counted from 0: a mixture in every second one, plain images in the last."""
        if not self.mixtures or (epochs - epoch) % 2:
            return None
        return self.mixtures[epoch // 2 % len(self.mixtures)]


def draw(kept: npt.NDArray[np.int64], count: int, seed: int, number: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Partners and shares of mixture `number` among the images `kept` of `count`; see `Mixture`."""
    generator = np.random.default_rng([seed, number])
    partners = np.arange(count)
    partners[kept] = generator.permutation(kept)
    return partners, generator.uniform(0.5, 1, count).astype(np.float32)
