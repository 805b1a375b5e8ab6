"""Whether the constants of operators without kernels are Keras': batch normalisation between layers, slopes, axes."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.model_file.tflite_graph import WEIGHTED_INPUTS

from ..tflite.operands import Operand, read_operand
from .channel_words import several
from .graph import GraphOperator, layers_of, names_of, on_the_way, read_operators, with_scopes
from .lost_numbers import channels_without, vector_sentences_without
from .misplaced_weights import vector_sentences
from .weights import WeightFault

_SLACK = 1e-6  # of the largest value
_NAMES = {"MUL": "factor", "DIV": "divisor", "ADD": "offset", "SUB": "offset", "PRELU": "slope"}
# What they are made into is seen in the shape of their values.
_SHAPES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")


def compare_operands(expected: bytes, found: bytes, weighted: Sequence[str] = ()) -> tuple[WeightFault, ...]:
    """Compare the constants of all operators but convolutions and dense layers, in the order in which they run.

    Args:
        expected: the float32 model, whose feature maps name the layers.
        found: the file. One that is built otherwise, as after a compiler, is not compared.
        weighted: the layers with weights in the order in which they run.
    """
    first, second = (schema.Model.GetRootAs(each, 0) for each in (expected, found))
    operators = [read_operators(model) for model in (first, second)]
    if [each.name for each in operators[0]] != [each.name for each in operators[1]]:
        return ()
    names = with_scopes(names_of(first, operators[0], weighted), first, operators[0])
    return tuple(
        WeightFault(layer, channels, f"{on_the_way(own, names)}{words}", bool(np.isfinite(after.values).all()))
        for own, here, layer in zip(*operators, layers_of(operators[0], names), strict=True)
        if own.name not in (*WEIGHTED_INPUTS, *_SHAPES)
        for before, after in zip(_constants(first, own), _constants(second, here), strict=False)
        for channels, words in _differences(own.name, before, after)
    )


def _constants(model: "schema.Model", operator: GraphOperator) -> list[Operand]:
    operands = (read_operand(model, index) for index in operator.inputs)
    return [operand for operand in operands if operand is not None]


def _differences(operator: str, own: Operand, here: Operand) -> Iterator[tuple[tuple[int, ...], str]]:
    """The channels that are concerned, and a sentence; nothing for constants that are alike."""
    if own.values.shape != here.values.shape or own.is_exact != here.is_exact:
        return
    if own.is_exact:
        before, after = own.values, here.values
        if operator.startswith(("REDUCE", "MEAN", "SUM")):  # axes: their order says nothing
            before, after = np.unique(before), np.unique(after)
        if not np.array_equal(before, after):
            took, takes = ([int(value) for value in each.reshape(-1)[:12]] for each in (before, after))
            yield (), f"its {operator} takes {takes}, in Keras {took}"
        return
    if operator not in _NAMES:  # others have the scale of what they are compared with, whose range may cut them
        return
    if not np.isfinite(here.values[np.isfinite(own.values)]).all():
        yield _without_numbers(_NAMES[operator], here)
        return
    allowed = np.maximum(own.step, here.step) * (1 + 1e-4) + _SLACK * np.abs(own.values).max(initial=0.0)
    wrong = np.broadcast_to(~(np.abs(own.values - here.values) <= allowed), own.values.shape)
    if wrong.any():
        yield _words(_NAMES[operator], own, here, wrong)


def _without_numbers(name: str, here: Operand) -> tuple[tuple[int, ...], str]:
    if here.values.size == 1:
        return (), f"its {name} is not finite"
    if here.values.size > here.values.shape[-1]:
        count = int((~np.isfinite(here.values)).sum())
        return (), f"{count} of its {here.values.size} {several(name)} are not finite"
    values = here.values.reshape(-1)
    return tuple(channels_without(values)), "; ".join(vector_sentences_without(values, name))


def _words(name: str, own: Operand, here: Operand, wrong: npt.NDArray[np.bool_]) -> tuple[tuple[int, ...], str]:
    if own.values.size == 1:
        return (), f"its {name} is {here.values.item():.4g}, in Keras {own.values.item():.4g}"
    channels = tuple(int(each) for each in np.flatnonzero(wrong.reshape(-1, wrong.shape[-1]).any(axis=0)))
    if own.values.size > own.values.shape[-1]:
        return channels, f"{int(wrong.sum())} of its {own.values.size} {several(name)} are others"
    before, after = (each.values.reshape(-1) for each in (own, here))
    step = np.broadcast_to(np.maximum(own.step, here.step), own.values.shape).reshape(-1)
    return channels, "; ".join(vector_sentences(before, after, step, channels, name))
