"""Ranges, roundings and biases chosen by the error that they leave, in one walk through the network."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from scipy.linalg.lapack import dtrtri

from .graph import Operator
from .operators import patches
from .simulation import LARGEST, Floats, Group, Simulation

_FACTORS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)
_PART = 16  # images whose patches are in memory
_DAMPING = 0.01
_BLOCK = 128  # columns whose errors the later ones take back in one product
Array = npt.NDArray[np.float64]


def choose_by_error(simulation: Simulation, images: Floats, ranges: bool) -> None:
    """Choose the integers of each operator in turn, on what those before it really give.

    A weight is rounded so that the errors of a channel's weights cancel on these images (GPTQ: Frantar et al. 2022),
    its bias is moved by the mean that remains, and, where `ranges` is set, the range of what it gives is cut at both
    ends where that lowers the squared error.

    Args:
        simulation: with unrounded weights; its constants are changed.
        images: float32 (count, height, width, channels), as the model is fed.
        ranges: whether ranges are chosen, too.
    """
    graph, uses = simulation.graph, _last_uses(simulation)
    groups = {index: group for group in graph.groups for index in group}
    done: set[Group] = set()
    real: dict[int, Any] = {graph.image: images}
    rounded: dict[int, Any] = {graph.image: images}
    for place, operator in enumerate(graph.operators):
        real[operator.output] = simulation.compute(operator, real, quantized=False)
        if operator.is_weighted and operator.inputs[1] in simulation.weights:
            _round(simulation, operator, rounded[operator.inputs[0]], real[operator.inputs[0]])
        given = simulation.compute(operator, rounded, quantized=True)
        group = groups.get(operator.output)
        if ranges and group is not None and group not in done and simulation.can_cut(group):
            done.add(group)
            _cut(simulation, group, given)
        rounded[operator.output] = simulation.rounded(given, operator.output)
        for index in uses[place]:
            real.pop(index, None)
            rounded.pop(index, None)


def _last_uses(simulation: Simulation) -> list[list[int]]:
    """By operator, the tensors that no later one takes."""
    last: dict[int, int] = {}
    for place, operator in enumerate(simulation.graph.operators):
        last.update(dict.fromkeys((*operator.inputs, operator.output), place))
    uses: list[list[int]] = [[] for _ in simulation.graph.operators]
    for index, place in last.items():
        uses[place].append(index)
    return uses


def _cut(simulation: Simulation, group: Group, values: Any) -> None:
    low, high = simulation.range(group[0])

    def error(first: float, second: float) -> float:
        simulation.set_range(group, first, second)
        return float(tf.reduce_mean(tf.square(simulation.rounded(values, group[0]) - values)))

    # One end after the other; that of a ReLU is 0 and stays there.
    high = min((error(low, high * factor), -factor, high * factor) for factor in _FACTORS)[2]
    low = min((error(low * factor, high), -factor, low * factor) for factor in _FACTORS)[2]
    simulation.set_range(group, low, high)


def _round(simulation: Simulation, operator: Operator, taken: Any, wanted: Any) -> None:
    """Round the weights of an operator, and move its biases.

    Args:
        simulation: its constants are changed.
        operator: one with weights.
        taken: what it is given when everything before is rounded.
        wanted: the same where nothing is.
    """
    tensor = simulation.graph.tensors[operator.inputs[1]]
    weights = simulation.weights[tensor.index]
    shape = tuple(int(size) for size in weights.numpy().shape)
    is_depthwise = operator.name == "DEPTHWISE_CONV_2D"
    # (groups, channels of each, weights of a channel), as `patches` has them.
    matrix = weights.numpy().astype(np.float64)
    inputs = int(taken.shape[-1])
    if is_depthwise:
        matrix = matrix.reshape(-1, inputs, shape[3] // inputs).transpose(1, 2, 0)
    else:
        groups = inputs // shape[3] if operator.name == "CONV_2D" else 1
        matrix = matrix.reshape(groups, shape[0] // groups, -1)
    hessian: Array = np.zeros((len(matrix), matrix.shape[2], matrix.shape[2]))
    means = [np.zeros((len(matrix), matrix.shape[2])) for _ in range(2)]
    count = 0
    for first, second in zip(_patches(operator, taken, weights), _patches(operator, wanted, weights), strict=True):
        hessian += np.matmul(first.transpose(0, 2, 1), first)
        for mean, part in zip(means, (first, second), strict=True):
            mean += part.sum(axis=1, dtype=np.float64)
        count += first.shape[1]
    integers = gptq_round(matrix, hessian / count)
    missing = np.einsum("gcd,gd->gc", matrix, means[1]) - np.einsum("gcd,gd->gc", integers, means[0])
    if is_depthwise:
        integers = integers.transpose(2, 0, 1)
    weights.assign(integers.reshape(shape))
    bias = operator.inputs[2] if len(operator.inputs) > 2 else -1
    if bias in simulation.biases and not simulation.graph.shares_buffer(bias):
        simulation.move_bias(bias, missing.reshape(-1) / count * tensor.scales)


def _patches(operator: Operator, values: Any, weights: Any) -> Iterator[npt.NDArray[np.float32]]:
    """Of some images at a time, what each weight is multiplied with: (groups, positions, weights of a channel)."""
    for start in range(0, len(values), _PART):
        part = patches(operator.name, operator.options, tf.convert_to_tensor(values[start : start + _PART]), weights)
        yield part.numpy()


def gptq_round(weights: Array, hessian: Array) -> Array:
    """Round each row so that its errors cancel: what one weight's rounding adds, the next ones take back.

    Args:
        weights: float64 (groups, rows, columns), in steps.
        hessian: float64 (groups, columns, columns), of the squared error: means of the products of two inputs.

    Returns:
        Integers from -127 to 127 in float64, (groups, rows, columns).
    """
    columns = weights.shape[2]
    spread = np.einsum("gii->gi", hessian).mean(axis=1)
    damping = np.maximum(_DAMPING * spread, np.finfo(np.float32).tiny)[:, None, None] * np.eye(columns)
    # The inputs that vary most are rounded first, while most others can still make up for it.
    order = np.argsort(-np.einsum("gii->gi", hessian), axis=1, kind="stable")
    ordered = np.take_along_axis(np.take_along_axis(hessian, order[:, :, None], 1), order[:, None, :], 2) + damping
    left = np.take_along_axis(weights, order[:, None, :], 2).copy()
    factor = np.stack([_root_of_inverse(each) for each in ordered])
    integers = np.zeros_like(left)
    for start in range(0, columns, _BLOCK):
        block = slice(start, min(start + _BLOCK, columns))
        errors = np.zeros_like(left[:, :, block])
        for place in range(start, block.stop):
            integers[:, :, place] = np.clip(np.rint(left[:, :, place]), -LARGEST, LARGEST)
            error = (left[:, :, place] - integers[:, :, place]) / factor[:, place, place, None]
            left[:, :, place : block.stop] -= error[:, :, None] * factor[:, None, place, place : block.stop]
            errors[:, :, place - start] = error
        left[:, :, block.stop :] -= errors @ factor[:, block, block.stop :]
    result = np.empty_like(integers)
    np.put_along_axis(result, np.broadcast_to(order[:, None, :], result.shape), integers, 2)
    return result


def _root_of_inverse(matrix: Array) -> Array:
    """The upper triangular matrix whose transpose, times itself, is the inverse of `matrix`."""
    lower = np.linalg.cholesky(matrix[::-1, ::-1])
    inverse: Array = dtrtri(lower, lower=1)[0][::-1, ::-1]
    return inverse
