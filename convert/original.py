"""What conversions of one run are compared with: the network, its answers and maps, each made once for all of them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.model_file.card import LayerRange, ModelCard
from edgecnn.model_file.container import sha256
from edgecnn.pixels.dataset import Dataset
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.run_directory import RunDirectory
from edgecnn.sanity import Suspicion

from . import run_cache
from .comparison.keras_maps import images_for
from .comparison.suspicion import suspicions_of
from .network.answer_cache import Seen
from .network.keras_network import KerasNetwork


@dataclass(frozen=True, eq=False)
class Original:
    """A run's Keras network on a test split.

    Attributes:
        run: the run directory.
        card: of the run.
        dataset: the one it was trained on.
        patterns: names or shell patterns of the layers whose maps are wanted; empty for all.
    """

    run: RunDirectory
    card: ModelCard
    dataset: Dataset
    patterns: tuple[str, ...] = ()

    @cached_property
    def model_sha256(self) -> str:
        """Of its model.keras."""
        return sha256(self.run.model.read_bytes())

    @cached_property
    def network(self) -> KerasNetwork:
        """The network.

        Raises:
            ModelFileError: model.keras is damaged, or not what the card says.
            InputError: a pattern matches no layer.
        """
        return KerasNetwork.load(self.run.model, self.card, self.patterns)

    @cached_property
    def expected(self) -> npt.NDArray[np.float32]:
        """Its probabilities of the test split, float32 (images, classes).

        Raises:
            ModelFileError: they are no probabilities.
        """
        return run_cache.predictions(self.run, self.network, self.dataset.test.images, self.seen.answers)

    @cached_property
    def some_images(self) -> Pixels:
        """The images that feature maps are compared on, uint8 (count, height, width, channels)."""
        test = self.dataset.test
        return np.asarray(test.sample(min(images_for(self.network.maps), len(test))).images)

    @cached_property
    def seen(self) -> Seen:
        """What it was run on with all its maps."""
        return Seen(self.network)

    def ranges(self, network: KerasNetwork, images: Pixels) -> tuple[LayerRange, ...]:
        """`network.ranges`, computed once where schemes are calibrated by the same images."""
        key = network.card.input, sha256(images.tobytes())
        if key not in self._ranges:
            source = self.seen if network is self.network else network
            self._ranges[key] = source.ranges(images)
        return self._ranges[key]

    @cached_property
    def _ranges(self) -> dict[tuple[InputSpec, str], tuple[LayerRange, ...]]:
        return {}

    @cached_property
    def suspicions(self) -> tuple[Suspicion, ...]:
        """Why it may be wrong itself."""
        return suspicions_of(self.network, self.expected, self.dataset.test)
