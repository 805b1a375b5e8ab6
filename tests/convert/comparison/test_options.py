"""Options of operators that are other than in Keras: each is named in the field's words, and nothing else is."""

from typing import Any

import numpy as np
import pytest
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from edgecnn.convert.comparison.operators import compare_operators
from edgecnn.convert.network.feature_maps import feature_maps, with_named_outputs
from edgecnn.convert.tflite.export import to_flatbuffer
from tests.support.many_operators import make_many_operators

# By operator: what is changed of the first that has it, and what is said of it.
OPTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("CONV_2D", {"strideH": 1, "strideW": 1}, "its stride is 1, in Keras 2"),
    ("CONV_2D", {"padding": 1}, "its padding is VALID, in Keras SAME"),
    ("DEPTHWISE_CONV_2D", {"dilationHFactor": 2, "dilationWFactor": 2}, "its dilation is 2, in Keras 1"),
    ("DEPTHWISE_CONV_2D", {"depthMultiplier": 1}, "its depth multiplier is 1, in Keras 2"),
    ("AVERAGE_POOL_2D", {"filterHeight": 1, "filterWidth": 1}, "its window is 1, in Keras 2"),
    ("MAX_POOL_2D", {"strideW": 1}, "its stride is 1, in Keras 2"),
    ("ADD", {"fusedActivationFunction": 1}, "its activation is RELU, in Keras NONE"),
    ("CONCATENATION", {"axis": 1}, "its axis is 1, in Keras 3"),
    ("LEAKY_RELU", {"alpha": 0.3}, "its slope is 0.3, in Keras 0.2"),
    ("SOFTMAX", {"beta": 2.0}, "its factor is 2, in Keras 1"),
    ("GELU", {"approximate": True}, "its option approximate is 1, in Keras 0"),
]


@pytest.fixture(scope="module")
def flatbuffer() -> bytes:
    model = make_many_operators()
    named = with_named_outputs(model, feature_maps(model))
    return to_flatbuffer(named, "float32", np.empty((0, 16, 16, 3), np.float32))


@pytest.mark.parametrize(("name", "options", "words"), OPTIONS)
def test_an_option_that_is_other_is_named(name: str, options: dict[str, Any], words: str, flatbuffer: bytes) -> None:
    model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
    code = getattr(schema.BuiltinOperator, name)
    first = next(
        one for one in model.subgraphs[0].operators if model.operatorCodes[one.opcodeIndex].builtinCode == code
    )
    vars(first.builtinOptions or first.builtinOptions2).update(options)
    other = bytes(flatbuffer_utils.convert_object_to_bytearray(model))
    (fault,) = compare_operators(flatbuffer, other)
    assert words in fault.words
