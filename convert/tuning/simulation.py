"""A quantized flatbuffer in TensorFlow: every rounding that a device does is done to real numbers, with gradients."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from edgecnn.model_file.card import PROBABILITIES

from .graph import Graph, Operator
from .operators import OPERATORS, compute

Floats = npt.NDArray[np.float32]
Group = tuple[int, ...]
LOW, HIGH, LARGEST = -128, 127, 127  # of an 8-bit activation; of a weight, either way
_BATCH_VALUES = 16_000_000  # of the largest tensor


def steps(low: float, high: float) -> tuple[float, int]:
    """Scale and zero point of the 256 integers that stand for `low` to `high`, 0 among them exactly."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = float(np.float32((high - low) / (HIGH - LOW))) or 1.0
    return scale, int(np.clip(round(LOW - low / scale), LOW, HIGH))


class Simulation:
    """What a quantized file computes, on float32 images in batches.

    Attributes:
        graph: of the file.
        weights: by tensor, before rounding, in TFLite's order: float32, in steps of their scale.
        biases: likewise, in steps of what the operator gives, or of its weights where that is not rounded.
    """

    def __init__(self, graph: Graph, constants: Mapping[int, Floats]) -> None:
        """Set up a simulation.

        Args:
            graph: of a flatbuffer with 8-bit weights.
            constants: its weights and biases in float32, by tensor, where they are known; else those of the file.

        Raises:
            LookupError: the name of an operator that is not simulated.
        """
        self.graph = graph
        self.weights: dict[int, tf.Variable] = {}
        self.biases: dict[int, tf.Variable] = {}
        self._scales: dict[int, tf.Variable] = {}
        self._zero_points: dict[int, tf.Variable] = {}
        self._units: dict[int, npt.NDArray[np.float32]] = {}
        self._traced: dict[tuple[bool, int], Callable[[Any], Any]] = {}
        for operator in graph.operators:
            if operator.name not in OPERATORS or len(operator.outputs) != 1:
                raise LookupError(operator.name)
            tensor = graph.tensors[operator.output]
            if len(tensor.scales) == 1:
                self._scales[tensor.index] = tf.Variable(tensor.scales[0], dtype=tf.float32)
                self._zero_points[tensor.index] = tf.Variable(tf.constant(tensor.zero_point, tf.float32))
            if operator.is_weighted and len(graph.tensors[operator.inputs[1]].scales):
                self._add_constants(operator, constants)

    def _add_constants(self, operator: Operator, constants: Mapping[int, Floats]) -> None:
        for place, index in enumerate(operator.inputs[1:3]):
            tensor = self.graph.tensors[index]
            if index < 0 or not tensor.is_constant or index in self._units:
                continue
            given = self.graph.tensors[operator.output].scales
            if not len(given):
                given = self.graph.tensors[operator.inputs[1]].scales
            self._units[index] = tensor.step if place == 0 else given.astype(np.float32)
            value = constants.get(index, tensor.real) / self._units[index]
            kept = self.weights if place == 0 else self.biases
            kept[index] = tf.Variable(tf.constant(value, tf.float32))

    def quantization(self, index: int) -> tuple[float, int]:
        """Scale and zero point of a computed tensor."""
        return float(self._scales[index].numpy()), int(self._zero_points[index].numpy())

    def range(self, index: int) -> tuple[float, float]:
        """What the integers of a computed tensor stand for."""
        scale, zero_point = self.quantization(index)
        low, high = self.graph.tensors[index].limits
        return (low - zero_point) * scale, (high - zero_point) * scale

    def can_cut(self, group: Group) -> bool:
        """Whether the tensors of one of `graph.groups` have so few integers that another range may suit them better."""
        return all(self.graph.tensors[index].dtype.itemsize == 1 for index in group)

    def set_range(self, group: Group, low: float, high: float) -> None:
        """Give the 8-bit tensors of one of `graph.groups` another range."""
        scale, zero_point = steps(low, high)
        for index in group:
            self._scales[index].assign(scale)
            self._zero_points[index].assign(zero_point - LOW + self.graph.tensors[index].limits[0])

    def integers(self, index: int) -> npt.NDArray[np.int8]:
        """The weights of a tensor as they are written."""
        return np.asarray(np.clip(np.rint(self.weights[index].numpy()), -LARGEST, LARGEST), np.int8)

    def real_bias(self, index: int) -> npt.NDArray[np.float64]:
        """The biases of a tensor."""
        return np.asarray(self.biases[index].numpy(), np.float64) * self._units[index].astype(np.float64)

    @property
    def trainable_biases(self) -> list[tf.Variable]:
        """Those that have their integers for themselves."""
        return [variable for index, variable in self.biases.items() if not self.graph.shares_buffer(index)]

    def move_bias(self, index: int, by: npt.NDArray[np.float64]) -> None:
        """Add to the biases of a tensor."""
        self.biases[index].assign_add((by / self._units[index]).astype(np.float32))

    def state(self) -> list[npt.NDArray[np.float32]]:
        """All that can be chosen, for `restore`."""
        return [variable.numpy() for variable in self._variables()]

    def restore(self, state: list[npt.NDArray[np.float32]]) -> None:
        """Go back to a `state`."""
        for variable, value in zip(self._variables(), state, strict=True):
            variable.assign(value)

    def _variables(self) -> Iterator[tf.Variable]:
        for kept in (self.weights, self.biases, self._scales, self._zero_points):
            yield from kept.values()

    def compute(self, operator: Operator, values: Mapping[int, Any], quantized: bool) -> Any:
        """What an operator gives, before that is rounded.

        Args:
            operator: one of the graph.
            values: of the computed tensors that it takes.
            quantized: whether its weights are rounded.
        """
        inputs = [self._input(index, values, quantized) for index in operator.inputs if index >= 0]
        if quantized and operator.is_weighted and operator.inputs[1] in self.weights:
            taken, weights = (self.graph.tensors[index] for index in operator.inputs[:2])
            if not len(taken.scales):
                inputs[0] = _rounded_on_the_fly(inputs[0])
            elif operator.inputs[2:3] and operator.inputs[2] in self.biases:
                given = self._scales.get(taken.index, taken.scales.astype(np.float32))
                scale = given * weights.scales.astype(np.float32)
                inputs[2] += tf.stop_gradient(tf.round(inputs[2] / scale) * scale - inputs[2])
        return compute(operator.name, operator.options, inputs)

    def rounded(self, values: Any, index: int) -> Any:
        """What is left of the values of a computed tensor; the gradient is that of cutting them off."""
        if index not in self._scales:
            return values
        scale, zero_point = self._scales[index], self._zero_points[index]
        low, high = self.graph.tensors[index].limits
        inside = tf.clip_by_value(values, (low - zero_point) * scale, (high - zero_point) * scale)
        return inside + tf.stop_gradient(tf.round(inside / scale) * scale - inside)

    def run(self, images: Any, quantized: bool) -> dict[int, Any]:
        """Every computed tensor, float32 (batch, ...), by its index.

        Args:
            images: float32 (batch, height, width, channels), as the model is fed.
            quantized: whether everything is rounded as in the file; else nothing is.
        """
        values: dict[int, Any] = {self.graph.image: images}
        for operator in self.graph.operators:
            given = self.compute(operator, values, quantized)
            values[operator.output] = self.rounded(given, operator.output) if quantized else given
        return values

    def answers(self, images: Floats, quantized: bool, index: int | None = None) -> Floats:
        """One tensor, by default `logits`, for any number of images."""
        index = self.logits if index is None else index
        if (quantized, index) not in self._traced:

            def answer(batch: Any) -> Any:
                return self.run(batch, quantized)[index]

            self._traced[quantized, index] = tf.function(answer, reduce_retracing=True, autograph=False)
        batch = max(1, min(500, _BATCH_VALUES // self.graph.most_values))
        parts = [images[start : start + batch] for start in range(0, len(images), batch)]
        return np.concatenate([self._traced[quantized, index](part).numpy() for part in parts])

    @property
    def logits(self) -> int:
        """The tensor that the last softmax takes; the output itself where there is none."""
        output = self.graph.outputs[PROBABILITIES]
        for operator in reversed(self.graph.operators):
            if output == operator.output:
                if operator.name not in ("QUANTIZE", "DEQUANTIZE", "SOFTMAX"):
                    break
                output = operator.inputs[0]
                if operator.name == "SOFTMAX":
                    break
        return output

    @property
    def has_softmax(self) -> bool:
        """Whether a softmax makes the probabilities of the `logits`."""
        return any(each.name == "SOFTMAX" and each.inputs[0] == self.logits for each in self.graph.operators)

    def _input(self, index: int, values: Mapping[int, Any], quantized: bool) -> Any:
        if index in values:
            return values[index]
        tensor = self.graph.tensors[index]
        if index in self.biases:
            return self.biases[index] * self._units[index]
        if index not in self.weights:
            return tensor.real
        weights = self.weights[index]
        if quantized:
            inside = tf.clip_by_value(weights, -float(LARGEST), float(LARGEST))
            weights = inside + tf.stop_gradient(tf.round(inside) - inside)
        return weights * self._units[index]


def _rounded_on_the_fly(values: Any) -> Any:
    """What 8 bits leave of the values that an operator rounds itself, by the largest of each image."""
    axes = list(range(1, len(values.shape)))
    scale = tf.stop_gradient(tf.reduce_max(tf.abs(values), axes, keepdims=True) / LARGEST)
    rounded = tf.round(tf.math.divide_no_nan(values, scale)) * scale
    return values + tf.stop_gradient(rounded - values)
