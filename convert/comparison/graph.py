"""The operators of a flatbuffer, as far as they say what function it is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.model_file.tflite_graph import CASTS, WEIGHTED_INPUTS

from ..tflite.flatbuffer import operator_name

# Of a tensor that an operator of a layer makes, as the network is exported: "classifier_1/LAYER_1/OPERATOR".
_SCOPE = re.compile(r"^classifier_\d+/([^/]+)_\d+/")
_OPTIONS = {code: name for name, code in vars(schema.BuiltinOptions).items() if not name.startswith("_")}


@dataclass(frozen=True)
class GraphOperator:
    """An operator that is no cast from one type to another.

    Attributes:
        name: of its kind, such as `CONV_2D`.
        options: its fields by their names in TFLite's schema.
        inputs: tensors, those before a DEQUANTIZE in the place of what it makes; below 0 what is left out.
        sources: by input the operator that makes it, by its place among these; -1 for the image, None for constants.
        output: its first tensor.
    """

    name: str
    options: dict[str, Any]
    inputs: tuple[int, ...]
    sources: tuple[int | None, ...]
    output: int


def read_operators(model: "schema.Model") -> list[GraphOperator]:
    """The operators in the order in which they run."""
    subgraph = model.Subgraphs(0)
    found: list[GraphOperator] = []
    cast: dict[int, int] = {}
    makers = {int(subgraph.Inputs(place)): -1 for place in range(subgraph.InputsLength())}
    for position in range(subgraph.OperatorsLength()):
        operator = subgraph.Operators(position)
        name = operator_name(model.OperatorCodes(operator.OpcodeIndex()))
        given = [int(operator.Inputs(place)) for place in range(operator.InputsLength())]
        outputs = [int(operator.Outputs(place)) for place in range(operator.OutputsLength())]
        if not outputs:  # it sets a variable, or runs what does
            continue
        output = outputs[0]
        if name in CASTS:
            cast[output] = given[0] if name == "DEQUANTIZE" else output
            if given[0] in makers:
                makers[output] = makers[given[0]]
            continue
        makers.update(dict.fromkeys(outputs, len(found)))
        inputs = tuple(cast.get(index, index) for index in given)
        sources = tuple(makers.get(index) for index in given)
        found.append(GraphOperator(name, _options(operator), inputs, sources, output))
    return found


def _options(operator: "schema.Operator") -> dict[str, Any]:
    name = _OPTIONS[operator.BuiltinOptionsType()]
    if name == "NONE":
        return {}
    options = getattr(schema, name)()
    options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
    return dict(vars(getattr(schema, f"{name}T").InitFromObj(options)))


def names_of(model: "schema.Model", operators: Sequence[GraphOperator], weighted: Sequence[str]) -> dict[int, str]:
    """By tensor the name of the layer whose output it is, before it is cast to the type that users get.

    Args:
        model: whose signature names the feature maps.
        operators: its own.
        weighted: the layers with weights in the order in which they run: names for those without a feature map.
    """
    named = {index: name for name, index in outputs_of(model).items()}
    made = [operator.output for operator in operators if operator.name in WEIGHTED_INPUTS]
    if len(made) == len(weighted):
        named = {**dict(zip(made, weighted, strict=True)), **named}
    return named


def with_scopes(named: Mapping[int, str], model: "schema.Model", operators: Sequence[GraphOperator]) -> dict[int, str]:
    """`named`, and the layers besides that TensorFlow's own names of tensors tell of, such as an addition.

    Args:
        named: see `names_of`.
        model: in float32, as TensorFlow converted it from Keras.
        operators: its own.
    """
    # Of operators that are one now, the last name is that of the first.
    tensors = (model.Subgraphs(0).Tensors(each.output).Name().decode(errors="replace") for each in operators)
    scopes = [_SCOPE.search(name.rpartition(";")[2]) for name in tensors]
    last = {found[1]: each.output for found, each in zip(scopes, operators, strict=True) if found}
    return {**{index: name for name, index in last.items() if name not in named.values()}, **named}


def outputs_of(model: "schema.Model") -> dict[str, int]:
    """By its name in the signature each output, before it is cast to the type that users get."""
    signature = model.SignatureDefs(0)
    outputs = (signature.Outputs(place) for place in range(signature.OutputsLength()))
    operations = [model.Subgraphs(0).Operators(place) for place in range(model.Subgraphs(0).OperatorsLength())]
    casts = (one for one in operations if operator_name(model.OperatorCodes(one.OpcodeIndex())) in CASTS)
    cast = {int(one.Outputs(0)): int(one.Inputs(0)) for one in casts}
    given = {output.Name().decode(): int(output.TensorIndex()) for output in outputs}
    return {name: cast.get(index, index) for name, index in given.items()}


def on_the_way(operator: GraphOperator, named: Mapping[int, str]) -> str:
    """Where an operator stands that makes no layer's output but something on the way to it, to begin a sentence."""
    return "" if operator.output in named else f"of the {operator.name} on the way to it, "


def layers_of(operators: Sequence[GraphOperator], named: Mapping[int, str]) -> list[str]:
    """The layer that each operator belongs to: the first one whose output its values reach; see `names_of`."""
    layers = [f"operator {operator.name}" for operator in operators]
    reached: dict[int, str] = {}
    for place in range(len(operators) - 1, -1, -1):
        layers[place] = named.get(operators[place].output) or reached.get(place) or layers[place]
        for source in operators[place].sources:
            if source is not None:
                reached[source] = layers[place]
    return layers
