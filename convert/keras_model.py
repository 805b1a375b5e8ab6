"""A .keras file that is run like a .tflite one, for comparison."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecnn.arguments import require_path
from edgecnn.device.features import Features
from edgecnn.device.map_tensors import as_map
from edgecnn.errors import ModelFileError
from edgecnn.file_set import read_together
from edgecnn.metrics import Evaluation, evaluate_probabilities, require_labelled
from edgecnn.model_file.card import PROBABILITIES, FeatureMap, ModelCard
from edgecnn.native_output import captured_stderr
from edgecnn.optional_packages import load_tensorflow, require_tensorflow
from edgecnn.pixels.camera_arrays import Order
from edgecnn.pixels.crop import Crop
from edgecnn.pixels.dataset import Images, Split
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.pixels.preprocessing import Invert, Source, prepare_source
from edgecnn.run_directory import RunDirectory
from edgecnn.temperature import apply_temperature

from .network.finite_answers import require_answers


@dataclass(frozen=True)
class LayerInfo:
    """A Keras layer.

    Attributes:
        name: of the layer.
        layer: its class.
        shape: of its output, without the batch; where it is used several times, of the first.
        macs: multiply-accumulates of one image, in all of its uses; None for a layer whose weights lie in layers of its
            own, and for an EinsumDense.
        parameters: weights and biases.
    """

    name: str
    layer: str
    shape: tuple[int, ...]
    macs: int | None
    parameters: int


class KerasModel:
    """Runs model.keras of a run directory; imports TensorFlow.

    Attributes:
        card: card.json that lies beside the file.
        labels: class names in output order.
        input: how images are turned into its input.
        layers: its feature maps, in network order.
    """

    def __init__(self, path: str | Path) -> None:
        """Load the model and the card beside it.

        Raises:
            MissingExtraError: TensorFlow is not installed.
            ModelFileError: either is missing or damaged, or they contradict each other.
        """
        require_tensorflow("running a .keras file")
        path = require_path(path, "a Keras model")
        self._path = path
        if not path.is_file():
            raise ModelFileError(f"no Keras model at {path}; train one with edgecnn train")
        card = RunDirectory(path.parent).card
        read_together((path, card), lambda: ModelCard.load(card))  # before TensorFlow is loaded in vain
        load_tensorflow()
        with captured_stderr():
            from .network.keras_network import KerasNetwork

        self._network = read_together((path, card), lambda: KerasNetwork.load(path, ModelCard.load(card)))
        self.card: ModelCard = self._network.card
        self.labels: tuple[str, ...] = self.card.labels
        self.input: InputSpec = self.card.input
        self.layers: tuple[FeatureMap, ...] = self._network.maps

    def predict_all(self, images: Images, *, calibrated: bool = True) -> npt.NDArray[np.float32]:
        """Probabilities, float32 (count, classes), of uint8 images (count, height, width, channels).

        They are calibrated by the card's temperature, as on the device, or as the network gives them.

        Raises:
            ModelFileError: the network gives scores that are no numbers.
        """
        scores = require_answers(self._network.predict(images), self._path)
        return self._calibrated(scores) if calibrated else scores

    def _calibrated(self, probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        confidence = self.card.confidence
        return apply_temperature(probabilities, confidence.temperature) if confidence else probabilities

    def evaluate(self, split: Split) -> Evaluation:
        """Accuracy, loss and confusion on labelled images.

        Raises:
            InputError: no images, of another shape, or with labels that are none of the model's; or `split` is none.
        """
        require_labelled(split, self.input, len(self.labels))
        return evaluate_probabilities(self.predict_all(split.images), split.labels)

    def extract(
        self, image: Source, invert: Invert = "no", *, order: Order | None = None, crop: Crop | None = None
    ) -> Features:
        """Feature maps of an image; see `edgecnn.pixels.preprocessing.prepare_source` for what it may be.

        Raises:
            ModelFileError: the network has no convolution or pooling layer.
            InputError: the image cannot be read or used.
        """
        if not self.layers:
            raise ModelFileError(f"{self.card.name} has no convolution or pooling layer, so no feature maps")
        pixels = prepare_source(image, self.input, invert, order=order, crop=crop).pixels
        ((_, values),) = self._network.maps_of(pixels[None])
        maps = {layer.name: as_map(values[layer.name][0]) for layer in self.layers}
        return Features(maps, self._calibrated(values[PROBABILITIES][0]))

    def layer_table(self) -> list[LayerInfo]:
        """Every layer with its output shape, multiply-accumulates and parameters, in network order."""
        from .network.feature_maps import layer_uses

        uses = layer_uses(self._network.model)
        return [
            _layer_info(layer, [use.node for use in uses if use.layer is layer]) for layer in self._network.model.layers
        ]


def _layer_info(layer: Any, nodes: list[Any]) -> LayerInfo:
    """`layer`, as it is used at these nodes of the graph."""
    counts = [_macs(layer, node) for node in nodes]
    macs = None if None in counts else sum(count or 0 for count in counts)
    return LayerInfo(layer.name, type(layer).__name__, tuple(layer.output.shape[1:]), macs, layer.count_params())


def _macs(layer: Any, node: Any) -> int | None:
    """Each position of the output takes one MAC for every weight of the kernels; layers without a kernel take none.

    Of a transposed convolution it is each position of the input.
    """
    inner = (part for part in layer._flatten_layers(include_self=False) if part.weights)
    if type(layer).__name__ == "EinsumDense" or any(inner):
        return None
    kernels = (getattr(layer, name, None) for name in ("kernel", "depthwise_kernel", "pointwise_kernel"))
    shapes = [kernel.shape for kernel in kernels if kernel is not None]
    if not shapes:
        return 0
    is_transposed = type(layer).__name__ == "Conv2DTranspose"
    positions = math.prod((node.input_tensors if is_transposed else node.outputs)[0].shape[1:-1])
    return int(positions * sum(map(math.prod, shapes)))
