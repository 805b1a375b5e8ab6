"""Whether a file's operators compute what the float32 model's do: strides, padding, activations, fitting scales."""

from collections.abc import Iterator, Sequence

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.model_file.card import LayerRange
from edgecnn.model_file.tflite_graph import WEIGHTED_INPUTS

from .graph import GraphOperator, layers_of, names_of, on_the_way, outputs_of, read_operators, with_scopes
from .operator_fault import OperatorFault
from .ranges import Ranges
from .scales import misfits

_ACTIVATIONS = {code: name for name, code in vars(schema.ActivationFunctionType).items() if not name.startswith("_")}
# What changes the function, and what people call it.
_FIELDS = {
    "strideH": "stride", "strideW": "stride", "padding": "padding", "dilationHFactor": "dilation",
    "dilationWFactor": "dilation", "filterHeight": "window", "filterWidth": "window", "beta": "factor",
    "alpha": "slope", "depthMultiplier": "depth multiplier", "fusedActivationFunction": "activation",
    "axis": "axis", "alignCorners": "option align_corners", "halfPixelCenters": "option half_pixel_centers",
    "mode": "mode", "blockSize": "block size", "approximate": "option approximate", "beginMask": "begin mask",
    "endMask": "end mask", "shrinkAxisMask": "shrink-axis mask", "adjX": "option adj_x", "adjY": "option adj_y",
    "exclusive": "option exclusive", "reverse": "option reverse", "radius": "radius", "bias": "bias",
}  # fmt: skip
# Their inputs may stand in either order.
_COMMUTATIVE = ("ADD", "MUL", "MAXIMUM", "MINIMUM")
_BOUNDS = {
    "NONE": (-np.inf, np.inf), "RELU": (0.0, np.inf), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0),
}  # fmt: skip
_FITS = 1e-3  # of a bias' scale to those of input and weights, whose product it is


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
    operators = [read_operators(model) for model in (first, second)]
    if len(operators[0]) != len(operators[1]):
        return ()
    maps, faults = names_of(first, operators[0], ()), list[OperatorFault]()
    names = with_scopes(names_of(first, operators[0], weighted), first, operators[0])
    layers = layers_of(operators[0], names)
    sources = [
        layer if own.output in names else f"the {own.name} on the way to {layer}"
        for own, layer in zip(operators[0], layers, strict=True)
    ]
    faults += _other_maps(first, second, operators, layers)
    ranges = Ranges(second, operators[1], calibrated)
    faults += ranges.of_image()
    makers = {here.output: layer for here, layer in zip(operators[1], layers, strict=True)}
    for own, here, layer in zip(*operators, layers, strict=True):
        tensor = second.Subgraphs(0).Tensors(here.output)
        where = on_the_way(own, names)
        if own.name != here.name:
            what = "one on the way to it" if where else "it"
            faults.append(OperatorFault(layer, f"{what} is {here.name}, in Keras {own.name}"))
            continue
        faults += [OperatorFault(layer, f"{where}{words}") for words in _other_options(own, here, tensor)]
        if own.output in maps:  # what other operators of a layer make is no feature map
            faults += ranges.of_layer(layer, here.output)
        faults += [OperatorFault(layer, words) for words in _other_sources(own, here, sources)]
        faults += misfits(second.Subgraphs(0), here, layer)
        for gain in _other_scale(second.Subgraphs(0), here):
            data = here.inputs[WEIGHTED_INPUTS[here.name][0]]
            maker, is_shared = makers.get(data, "image"), _has_shared_bias(here, operators[1])
            other = f"the scale of its values is {gain:.4g} times that which the next layer, {layer}, was made for"
            faults.append(_of_shared_bias(layer, gain) if is_shared else OperatorFault(maker, other))
    return tuple(faults)


def _other_maps(
    first: "schema.Model", second: "schema.Model", operators: Sequence[Sequence[GraphOperator]], layers: Sequence[str]
) -> Iterator[OperatorFault]:
    """Where the signature gives the values of one operator under the name of another."""
    places = [{each.output: place for place, each in enumerate(one)} for one in operators]
    before, after = (outputs_of(model) for model in (first, second))
    for name, index in before.items():
        own, here = places[0].get(index), places[1].get(after.get(name, -1))
        if own is not None and here is not None and own != here:
            yield OperatorFault(name, f"what the file gives by this name are the values of {layers[here]}")


def _other_sources(own: GraphOperator, here: GraphOperator, names: Sequence[str]) -> Iterator[str]:
    """Where an operator takes the values of others, which have names, or in another order."""
    before, after = ([source for source in each.sources if source is not None] for each in (own, here))
    if own.name in _COMMUTATIVE:
        before, after = sorted(before), sorted(after)
    if before != after:
        takes, took = (" and ".join("the image" if at < 0 else names[at] for at in each) for each in (after, before))
        where = f"{takes}, in Keras of {took}" if takes != took else f"other operators of {takes} than in Keras"
        yield f"its {own.name} takes the values of {where}"


def _other_options(own: GraphOperator, here: GraphOperator, tensor: "schema.Tensor") -> Iterator[str]:
    said = set()
    for field, words in _FIELDS.items():
        before, after = own.options.get(field), here.options.get(field)
        if field == "axis" and tensor.ShapeLength():  # may be counted from the end
            before, after = (None if each is None else each % tensor.ShapeLength() for each in (before, after))
        if before == after or words in said or before is None or after is None:
            continue
        said.add(words)
        if field == "fusedActivationFunction":
            if not _ends_alike(tensor, {_ACTIVATIONS[before], _ACTIVATIONS[after]}):
                yield f"its activation is {_ACTIVATIONS[after]}, in Keras {_ACTIVATIONS[before]}"
        elif field == "padding":
            yield f"its padding is {('SAME', 'VALID')[after]}, in Keras {('SAME', 'VALID')[before]}"
        else:
            yield f"its {words} is {after:.6g}, in Keras {before:.6g}"


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


def _other_scale(subgraph: "schema.SubGraph", operator: GraphOperator) -> Iterator[float]:
    """How many times the scale of what goes in is that which the bias was made for, where it is another one."""
    if _bias(operator) is None:
        return
    scales = []
    for place in WEIGHTED_INPUTS[operator.name]:
        quantization = subgraph.Tensors(operator.inputs[place]).Quantization()
        if quantization is None or not quantization.ScaleLength():
            return
        scales.append(quantization.ScaleAsNumpy().astype(np.float64))
    gain = float(np.median(scales[0] * scales[1] / scales[2]))
    if abs(gain - 1) > _FITS:
        yield gain


def _bias(operator: GraphOperator) -> int | None:
    """The tensor of an operator's bias; None where it has none."""
    if operator.name not in WEIGHTED_INPUTS:
        return None
    place = WEIGHTED_INPUTS[operator.name][2]
    index = operator.inputs[place] if place < len(operator.inputs) else -1
    return index if index >= 0 else None


def _has_shared_bias(operator: GraphOperator, operators: Sequence[GraphOperator]) -> bool:
    return sum(_bias(one) == _bias(operator) for one in operators) > 1


def _of_shared_bias(layer: str, gain: float) -> OperatorFault:
    return OperatorFault(
        layer,
        f"TensorFlow keeps one bias for all uses of this layer, whose inputs have other scales: here it counts "
        f"{gain:.4g} times what it should",
        "use --int8 or --float16, which have one for each",
    )
