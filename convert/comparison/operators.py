"""Whether a file's operators compute what the float32 model's do: strides, padding, activations, fitting scales."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.model_file.card import LayerRange

_CASTS = ("QUANTIZE", "DEQUANTIZE")
_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_OPTIONS = {code: name for name, code in vars(schema.BuiltinOptions).items() if not name.startswith("_")}
_ACTIVATIONS = {code: name for name, code in vars(schema.ActivationFunctionType).items() if not name.startswith("_")}
_WITH_BIAS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
# What changes the function, and what people call it.
_FIELDS = {
    "strideH": "stride", "strideW": "stride", "padding": "padding", "dilationHFactor": "dilation",
    "dilationWFactor": "dilation", "filterHeight": "window", "filterWidth": "window", "beta": "factor",
    "alpha": "slope", "depthMultiplier": "depth multiplier", "fusedActivationFunction": "activation",
}  # fmt: skip
_BOUNDS = {
    "NONE": (-np.inf, np.inf), "RELU": (0.0, np.inf), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0),
}  # fmt: skip
_FITS = 1e-3  # of a bias' scale to those of input and weights, whose product it is
_CALIBRATED = 0.1  # of the range that a calibration saw, which the tensor may lack
_INTEGERS = {schema.TensorType.INT8: (-128, 127), schema.TensorType.UINT8: (0, 255)}


@dataclass(frozen=True)
class OperatorFault:
    """An operator that computes otherwise: the layer's or the operator's name, and what is other."""

    layer: str
    words: str


@dataclass(frozen=True)
class _Operator:
    name: str
    options: dict[str, Any]
    inputs: tuple[int, ...]
    output: int


def compare_operators(
    expected: bytes, found: bytes, calibrated: Sequence[LayerRange] = (), weighted: Sequence[str] = ()
) -> tuple[OperatorFault, ...]:
    """Compare the operators of two activations variants, in the order in which they run.

    Args:
        expected: the float32 model.
        found: the file. One that is built otherwise, as after a compiler, is not compared.
        calibrated: which values its calibration saw in each layer, by the file's card.
        weighted: the layers with weights in the order in which they run: names for those without a feature map.
    """
    first, second = (schema.Model.GetRootAs(each, 0) for each in (expected, found))
    operators = [_operators(model) for model in (first, second)]
    if len(operators[0]) != len(operators[1]):
        return ()
    layers, faults = {**_named(operators[0], weighted), **_layers(first)}, []
    makers: dict[int, str] = {}
    for own, here in zip(*operators, strict=True):
        layer = layers.get(own.output, f"operator {own.name}")
        makers[here.output] = layer
        tensor = second.Subgraphs(0).Tensors(here.output)
        if own.name != here.name:
            faults.append(OperatorFault(layer, f"it is {here.name}, in Keras {own.name}"))
            continue
        faults += [OperatorFault(layer, words) for words in _other_options(own.options, here.options, tensor)]
        faults += [OperatorFault(layer, words) for words in _other_range(layer, tensor, calibrated)]
        faults += [
            OperatorFault(makers.get(here.inputs[0], "image"), f"{words}, {layer}, was made for")
            for words in _other_scale(second.Subgraphs(0), here)
        ]
    return tuple(faults)


def _operators(model: "schema.Model") -> list[_Operator]:
    subgraph, found = model.Subgraphs(0), []
    cast: dict[int, int] = {}
    for position in range(subgraph.OperatorsLength()):
        operator = subgraph.Operators(position)
        code = model.OperatorCodes(operator.OpcodeIndex())
        name = _NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs = tuple(cast.get(index, index) for index in map(int, operator.InputsAsNumpy()))
        if name in _CASTS:
            cast[int(operator.Outputs(0))] = (
                int(operator.Inputs(0)) if name == "DEQUANTIZE" else int(operator.Outputs(0))
            )
            continue
        found.append(_Operator(name, _options(operator), inputs, int(operator.Outputs(0))))
    return found


def _options(operator: "schema.Operator") -> dict[str, Any]:
    name = _OPTIONS[operator.BuiltinOptionsType()]
    if name == "NONE":
        return {}
    options = getattr(schema, name)()
    options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
    values = vars(getattr(schema, f"{name}T").InitFromObj(options))
    return {field: value for field, value in values.items() if field in _FIELDS}


def _layers(model: "schema.Model") -> dict[int, str]:
    """By the tensor the name of the feature map that it is."""
    signature = model.SignatureDefs(0)
    outputs = (signature.Outputs(place) for place in range(signature.OutputsLength()))
    return {int(output.TensorIndex()): output.Name().decode() for output in outputs}


def _named(operators: Sequence[_Operator], weighted: Sequence[str]) -> dict[int, str]:
    """By the tensor the name of the layer whose weights made it; none where they are not as many as the names."""
    made = [operator.output for operator in operators if operator.name in _WITH_BIAS]
    return dict(zip(made, weighted, strict=True)) if len(made) == len(weighted) else {}


def _other_options(own: dict[str, Any], here: dict[str, Any], tensor: "schema.Tensor") -> Iterator[str]:
    said = set()
    for field, words in _FIELDS.items():
        before, after = own.get(field), here.get(field)
        if before == after or words in said or before is None or after is None:
            continue
        said.add(words)
        if field == "fusedActivationFunction":
            if not _ends_alike(tensor, {_ACTIVATIONS[before], _ACTIVATIONS[after]}):
                yield f"its activation is {_ACTIVATIONS[after]}, in Keras {_ACTIVATIONS[before]}"
        elif field == "padding":
            yield f"its padding is {('SAME', 'VALID')[after]}, in Keras {('SAME', 'VALID')[before]}"
        else:
            yield f"its {words} is {after:g}, in Keras {before:g}"


def _ends_alike(tensor: "schema.Tensor", activations: set[str]) -> bool:
    """Whether the integers of a tensor end where these activations would, so that they change nothing."""
    quantization = tensor.Quantization()
    if quantization is None or quantization.ScaleLength() != 1 or tensor.Type() != schema.TensorType.INT8:
        return False
    scale, zero_point = float(quantization.Scale(0)), int(quantization.ZeroPoint(0))
    low, high = (-128 - zero_point) * scale, (127 - zero_point) * scale
    ends = [
        (max(low, _BOUNDS[each][0]), min(high, _BOUNDS[each][1])) if each in _BOUNDS else (0.0, 0.0)
        for each in activations
    ]
    return bool(np.ptp(ends, axis=0).max() <= scale)


def _other_range(layer: str, tensor: "schema.Tensor", calibrated: Sequence[LayerRange]) -> Iterator[str]:
    """Where the integers of a layer do not reach what its calibration saw."""
    seen, quantization = next((one for one in calibrated if one.name == layer), None), tensor.Quantization()
    if seen is None or quantization is None or quantization.ScaleLength() != 1 or tensor.Type() not in _INTEGERS:
        return
    scale, zero_point = float(quantization.Scale(0)), int(quantization.ZeroPoint(0))
    low, high = (scale * (integer - zero_point) for integer in _INTEGERS[tensor.Type()])
    slack = _CALIBRATED * (seen.high - seen.low)
    if seen.low < low - slack or seen.high > high + slack:
        yield (
            f"its integers stand for {low:.4g} to {high:.4g}, but its calibration saw {seen.low:.4g} to "
            f"{seen.high:.4g}: their scale or zero point was changed afterwards"
        )


def _other_scale(subgraph: "schema.SubGraph", operator: _Operator) -> Iterator[str]:
    """Where the scale of what goes in is not the one that the bias was made for."""
    if operator.name not in _WITH_BIAS or len(operator.inputs) < 3 or operator.inputs[2] < 0:
        return
    scales = []
    for index in operator.inputs[:3]:
        quantization = subgraph.Tensors(index).Quantization()
        if quantization is None or not quantization.ScaleLength():
            return
        scales.append(quantization.ScaleAsNumpy().astype(np.float64))
    gain = float(np.median(scales[0] * scales[1] / scales[2]))
    if abs(gain - 1) > _FITS:
        yield f"the scale of its values is {gain:.4g} times that which the next layer"
