"""What a calibration saw, before integers are made of it."""

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.errors import EdgecnnError

from .flatbuffer import operator_name


def require_ranges(calibrated: bytes) -> None:
    """Make sure that integers can stand for the values of every operator: TensorFlow's quantizer ends the process else.

    Args:
        calibrated: a float32 flatbuffer with a signature and the ranges that its calibration saw.

    Raises:
        EdgecnnError: an operator's values are infinite or no numbers; the sentence says where it stands.
    """
    model = schema.Model.GetRootAs(calibrated, 0)
    subgraph, signature = model.Subgraphs(0), model.SignatureDefs(0)
    outputs = (signature.Outputs(place) for place in range(signature.OutputsLength()))
    layers = {int(output.TensorIndex()): output.Name().decode() for output in outputs}
    behind = {subgraph.Inputs(0): "the image"}
    for place in range(subgraph.OperatorsLength()):
        operator = subgraph.Operators(place)
        inputs = (operator.Inputs(each) for each in range(operator.InputsLength()))
        origin = next((behind[index] for index in inputs if index in behind), "constants")
        for index in (operator.Outputs(each) for each in range(operator.OutputsLength())):
            problem = _problem(subgraph.Tensors(index))
            if problem:
                name = operator_name(model.OperatorCodes(operator.OpcodeIndex()))
                raise EdgecnnError(f"the {name} behind {origin} gives {problem}")
            behind[index] = f"layer {layers[index]}" if index in layers else origin


def _problem(tensor: "schema.Tensor") -> str:
    """What is wrong with a tensor's range, in words; empty where nothing is."""
    if tensor.Type() != schema.TensorType.FLOAT32:
        return ""
    seen = tensor.Quantization()
    if seen is None or not seen.MinLength():  # a calibration leaves NaN out
        return (
            "no numbers (NaN) on the calibration images; look for a division by 0 or the logarithm of a number below "
            "0 in front of it"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        width = np.float32(seen.Max(0)) - np.float32(seen.Min(0))
    if np.isfinite(width):
        return ""
    return (
        "infinite values on the calibration images, which no integer stands for; limit what it takes "
        "(keras.ops.clip does)"
    )
