"""A loaded Keras network with its card: what it answers, its feature maps, the values that occur in them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from edgecnn.arrays import Pixels
from edgecnn.model_file.card import INPUT, PROBABILITIES, FeatureMap, LayerRange, ModelCard
from edgecnn.pixels.dataset import Images
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.pixels.input_table import apply_table, in_model_order, input_table

from .extent import Extent
from .feature_maps import feature_maps, layer_uses, values_of, with_named_outputs
from .loading import load_keras, require_card_of

Watch = Callable[[Pixels, dict[str, npt.NDArray[np.float32]]], None]

_BATCH = 500
_BATCH_VALUES = 8_000_000  # of the largest layer: more take memory and no less time
_MAPS_BATCH = 8  # feature maps are large
_MAPS_VALUES = 50_000_000  # of all layers, likewise; an image alone has other last bits than two and more


@dataclass(frozen=True, eq=False)
class KerasNetwork:
    """A Keras model that is read together with its card.

    Attributes:
        model: from images (batch, height, width, channels) to probabilities (batch, classes); one flat graph.
        card: says how pixels become its input.
        maps: the feature maps that are wanted of it, in network order.
    """

    model: keras.Model
    card: ModelCard
    maps: tuple[FeatureMap, ...]

    @classmethod
    def load(cls, path: Path, card: ModelCard, patterns: Sequence[str] = ()) -> "KerasNetwork":
        """Load a .keras file.

        Args:
            path: the file.
            card: what lies beside it.
            patterns: names or shell patterns of the layers whose maps are wanted; empty for all.

        Raises:
            ModelFileError: missing, damaged, not an image classifier, or not what `card` says.
            InputError: a pattern matches no layer.
        """
        # On a GPU products of float32 are rounded to ten bits otherwise; they are compared with TFLite's.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        model = load_keras(path)
        require_card_of(model, card, path)
        return cls(model, card, feature_maps(model, patterns))

    @cached_property
    def with_maps(self) -> keras.Model:
        """The activations variant: returns `probabilities` and every map by its layer's name."""
        return with_named_outputs(self.model, self.maps)

    @cached_property
    def _answer(self) -> Callable[[npt.NDArray[np.float32]], Any]:
        return _traced_once(self.model)

    @cached_property
    def _answer_with_maps(self) -> Callable[[npt.NDArray[np.float32]], Any]:
        return _traced_once(self.with_maps)

    def prepared_as(self, spec: InputSpec) -> "KerasNetwork":
        """The same network with another way in which pixels become its input; traced once for both."""
        other = replace(self, card=replace(self.card, input=spec))
        other.__dict__["_answer"] = self._answer
        return other

    def fed(self, images: Images) -> npt.NDArray[np.float32]:
        """What the model is fed for uint8 `images` (count, height, width, channels): float32, the same shape."""
        spec = self.card.input
        values = in_model_order(apply_table(input_table(spec), np.asarray(images)), spec)
        return values.astype(np.float32, copy=False)

    def predict(self, images: Images) -> npt.NDArray[np.float32]:
        """Probabilities, float32 (count, classes), of uint8 images (count, height, width, channels), in batches."""
        largest = max(values_of(use.output) for use in layer_uses(self.model))
        batch = max(1, min(_BATCH, _BATCH_VALUES // largest))
        parts = [
            np.asarray(self._answer(self.fed(images[start : start + batch])), dtype=np.float32)
            for start in range(0, len(images), batch)
        ]
        return np.concatenate([np.empty((0, len(self.card.labels)), np.float32), *parts])

    def maps_of(self, images: Images) -> Iterator[tuple[Pixels, dict[str, npt.NDArray[np.float32]]]]:
        """Run uint8 images (count, height, width, channels), a few at a time, so that their maps need not be kept.

        Yields:
            A batch of the images, and by name its maps in network order, the probabilities last, float32 (batch, ...).
        """
        names = (*(wanted.name for wanted in self.maps), PROBABILITIES)
        values = sum(values_of(use.output) for use in layer_uses(self.model))
        batch = max(2, min(_MAPS_BATCH, _MAPS_VALUES // values))
        for start in range(0, len(images), _MAPS_BATCH):
            few = np.asarray(images[start : start + _MAPS_BATCH])
            for part in np.array_split(few, max(1, len(few) // batch)):
                outputs = self._answer_with_maps(self.fed(part))
                yield part, {name: np.asarray(outputs[name], np.float32) for name in names}

    def ranges(self, images: Images, watch: Watch = lambda _, __: None) -> tuple[LayerRange, ...]:
        """What uint8 images (count, height, width, channels) make of the input itself and of each map.

        Args:
            images: are run.
            watch: is shown all that `maps_of` yields of them.
        """
        extents = {name: Extent() for name in (INPUT, *(wanted.name for wanted in self.maps))}
        for part, values in self.maps_of(images):
            watch(part, values)
            for name, extent in extents.items():
                extent.add(self.fed(part) if name == INPUT else values[name])
        return tuple(extent.range(name) for name, extent in extents.items())


def _traced_once(model: keras.Model) -> Callable[[npt.NDArray[np.float32]], Any]:
    """A model as a function of batches of any size; Keras' own is traced anew for another size, for seconds each."""

    def answer(images: Any) -> Any:
        return model(images, training=False)

    traced: Callable[..., Any] = tf.function(answer, [tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.float32)])
    return traced
