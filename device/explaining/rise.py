"""RISE: show random parts of the image, and average the parts by how probable they make the class.

V. Petsiuk, A. Das, K. Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models" (BMVC 2018).
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image

from edgecnn.arrays import Pixels

from ..runtime.loaded_model import LoadedModel
from .fills import Fill, fill_like
from .methods import Ask

MASKS = 1000
CELLS = 7  # along each side of the grid that a mask is drawn from, as in the paper
SHOWN = 0.5  # of the cells
FILLS: tuple[Fill, ...] = ("black", "grey")
_SEED = 0


class Rise:
    """A thousand masks of the same seed; every second image is masked with black, the others with grey.

    A pixel's heat is the mean probability of the class, weighted by how far each mask shows the pixel: the paper's
    formula 6, with the masks that were drawn in place of their expectation.
    """

    invokes = MASKS
    reads = ()

    def __init__(self, height: int, width: int) -> None:
        """For images of `height` x `width` pixels."""
        self._height, self._width = height, width

    def heat_map(self, pixels: Pixels, index: int, ask: Ask) -> npt.NDArray[np.float32]:
        """The mean probability where a pixel is shown, float32 (height, width); see `HeatMapper`."""
        fillings = [fill_like(pixels, fill).astype(np.float32) for fill in FILLS]
        differences = [pixels - filling for filling in fillings]
        total, shown = np.zeros((self._height, self._width)), np.zeros((self._height, self._width))
        for number, mask in enumerate(masks(self._height, self._width)):
            which = number % len(FILLS)
            masked = np.rint(fillings[which] + differences[which] * mask[:, :, None]).astype(np.uint8)
            total += ask(masked) * mask
            shown += mask
        return (total / np.maximum(shown, 1e-9)).astype(np.float32)


def masks(height: int, width: int) -> Iterator[npt.NDArray[np.float32]]:
    """The masks, float32 (height, width) of 0 (hidden) to 1 (shown), always the same ones.

    Each is a grid of 7 x 7 cells, hidden or shown, enlarged bilinearly to one cell more than the image needs, and cut
    at a random place: so edges lie everywhere.
    """
    generator = np.random.default_rng(_SEED)
    cell_height, cell_width = -(-height // CELLS), -(-width // CELLS)
    size = ((CELLS + 1) * cell_width, (CELLS + 1) * cell_height)
    for _ in range(MASKS):
        grid = (generator.random((CELLS, CELLS)) < SHOWN).astype(np.float32)
        top, left = int(generator.integers(cell_height)), int(generator.integers(cell_width))
        whole = np.asarray(Image.fromarray(grid).resize(size, Image.Resampling.BILINEAR))
        yield np.clip(whole[top : top + height, left : left + width], 0, 1)


def prepare(loaded: LoadedModel) -> Rise:
    """For the network's size of image."""
    return Rise(loaded.input.height, loaded.input.width)
