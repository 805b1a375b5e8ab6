"""Keras' feature maps beside those of converted models: a few images at a time, so that none are kept."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.device.runtime.runner import Runner
from edgecnn.model_file.card import PROBABILITIES, FeatureMap
from edgecnn.pixels.input_spec import InputSpec

from ..network.answer_cache import key_of
from ..network.extent import require_finite
from .layer_figures import Histogram, KerasLayer, LayerFigures, Noise, Signal, Sums

Batch = tuple[Pixels, Mapping[str, npt.NDArray[np.float32]]]
# Enough for a decibel figure that repeats; all 10,000 images change it by less than 0.1 dB.
_IMAGES = 256
_VALUES = 2_000_000  # of all maps of some images, which are counted in at once
_BYTES = 500_000_000  # of all maps that are compared, before fewer images are taken


@dataclass(frozen=True)
class MapRun:
    """What is compared with Keras.

    Attributes:
        session: an activations variant's.
        spec: how images are prepared for it.
        watch: is shown each image, uint8 (height, width, channels), after the session has run it.
    """

    session: Runner
    spec: InputSpec
    watch: Callable[[Pixels], None] = lambda _: None

    def add_to(self, sums: Mapping[str, Noise], batch: Batch) -> None:
        """Run the images of a batch, and count in how far the outputs are from Keras'."""
        gather, outputs = self.session.gather(self.spec), self.session.outputs
        images, values = batch
        few = max(1, _VALUES // max(1, sum(values[name][0].size for name in sums)))
        for start in range(0, len(images), few):
            part = slice(start, start + few)
            found: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in sums}
            for pixels in images[part]:
                self.session.run(gather(pixels))
                self.watch(pixels)
                for name, of_name in found.items():
                    of_name.append(self.session.output(outputs[name]))
            for name, total in sums.items():
                total.add(values[name][part], np.stack(found[name]), outputs[name])


def noting_answers(session: Runner, spec: InputSpec) -> tuple[MapRun, dict[bytes, npt.NDArray[Any]]]:
    """What is compared with Keras, and what it answers meanwhile: its output as the tensor holds it, by `key_of`.

    Args:
        session: an activations variant's.
        spec: how images are prepared for it.
    """
    known: dict[bytes, npt.NDArray[Any]] = {}

    def note(pixels: Pixels) -> None:
        known[key_of(pixels)] = session.output(session.outputs[PROBABILITIES])

    return MapRun(session, spec, note), known


class KerasMaps:
    """What Keras makes of some images; they are run once more for all that is compared with it at once."""

    def __init__(self, images: Pixels, run: Callable[[Pixels], Iterable[Batch]]) -> None:
        """Run the images, to know the ends of every layer's values.

        Args:
            images: uint8 (count, height, width, channels).
            run: gives them in batches with their maps by name, in network order, as `KerasNetwork.maps_of` does.
        """
        self.images, self._run = images, run
        self._layers: dict[str, KerasLayer] = {}
        self._histograms: dict[str, Histogram] = {}
        for _, values in run(images):
            for name, of_batch in values.items():
                self._layers.setdefault(name, KerasLayer()).add(of_batch)

    def __len__(self) -> int:
        """How many images."""
        return len(self.images)

    def finite(self) -> Self:
        """These, with which something can be compared.

        Raises:
            EdgecnnError: a layer gives infinite values, or no numbers.
        """
        for name, layer in self._layers.items():
            require_finite(name, layer.squares)
        return self

    def compare(self, runs: Sequence[MapRun]) -> list[tuple[LayerFigures, ...]]:
        """Compare every output of activations variants with Keras, side by side.

        Returns:
            Of each variant its layers in network order, the probabilities last.
        """
        if not runs:
            return []
        sums = [{name: Sums() for name in self._layers if name in each.session.outputs} for each in runs]
        new = {} if self._histograms else {name: Histogram(layer) for name, layer in self._layers.items()}
        for batch in self._run(self.images):
            for name, histogram in new.items():
                histogram.add(batch[1][name])
            for each, of_run in zip(runs, sums, strict=True):
                each.add_to(of_run, batch)
        self._histograms |= new
        return [
            tuple(
                total.figures(self._layers[name], self._histograms[name], each.session.outputs[name])
                for name, total in of_run.items()
            )
            for each, of_run in zip(runs, sums, strict=True)
        ]


def layer_sqnr_db(batches: Iterable[Batch], run: MapRun) -> dict[str, float]:
    """By name, in network order, `LayerFigures.sqnr_db` alone: Keras runs each image once for it."""
    signals: dict[str, Signal] = {}
    sums: dict[str, Noise] = {}
    for batch in batches:
        for name, values in batch[1].items():
            if name in run.session.outputs:
                signals.setdefault(name, Signal()).add(values)
                sums.setdefault(name, Noise())
        run.add_to(sums, batch)
    for name, signal in signals.items():
        require_finite(name, signal.squares)
    return {name: total.sqnr_db(signals[name]) for name, total in sums.items()}


def images_for(maps: Collection[FeatureMap]) -> int:
    """How many images to compare layers on: fewer where the network's maps are large."""
    values = sum(int(np.prod(wanted.shape)) for wanted in maps)
    return max(8, min(_IMAGES, _BYTES // (4 * max(1, values))))
