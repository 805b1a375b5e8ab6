"""A model in a session, with everything that is known about it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from edgecnn.model_file.card import ModelCard
from edgecnn.model_file.container import PackedModel
from edgecnn.pixels.input_spec import InputSpec

from .runner import Runner
from .tensor_spec import TensorSpec

if TYPE_CHECKING:
    from edgecnn.arrays import Pixels
    from edgecnn.model_file.signature import Signature


@dataclass(frozen=True)
class LoadedModel:
    """A model in a session, and what its card (or for want of one, its tensors) say.

    Attributes:
        packed: the file.
        session: the loaded model.
        probabilities: the output with the class scores.
        labels: class names in output order.
        input: how images are turned into its input.
        assumed: the fields of a `Description` that neither the file nor the caller says: they may be wrong.
        signature: the file's, as far as one was required.
    """

    packed: PackedModel
    session: Runner
    probabilities: TensorSpec
    labels: tuple[str, ...]
    input: InputSpec
    assumed: tuple[str, ...] = ()
    signature: "Signature | None" = None

    @property
    def card(self) -> ModelCard | None:
        """The model's card; None for a file without one."""
        return self.packed.card

    def probabilities_of(self, images: "Pixels", runner: Runner | None = None) -> npt.NDArray[np.float32]:
        """Probabilities as the model gives them, float32 (count, classes): not calibrated, not audited.

        Args:
            images: prepared, uint8 (count, height, width, channels).
            runner: another session of the same file; None for `session`.
        """
        return self.probabilities.dequantize((runner or self.session).run_all(images, self.input, self.probabilities))
