"""Mixed precision: 8-bit integers where they cost nothing, float32 where they do."""

import io
import warnings
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import numpy.typing as npt
from litert_quantizer import calibrator, quantizer, recipe_manager
from litert_quantizer.qtyping import QuantGranularity, TFLOperationName
from litert_quantizer.utils import qsv_utils
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.errors import EdgecnnError

from .constants_behind import with_constants_inside

_FLOAT = quantizer.AlgorithmName.NO_QUANTIZE


def quantize(flatbuffer: bytes, calibration: npt.NDArray[np.float32]) -> bytes:
    """Quantize a float32 flatbuffer: everything to int8 but the dense layers, the softmax and the output.

    Dense layers keep their activations in float32 and are multiplied in 8 bits, their weights in one scale a tensor
    ("dynamic range"): weights in one scale a channel load on tflite-runtime 2.14, and are then computed wrongly.

    Args:
        flatbuffer: with one signature.
        calibration: the representative dataset, float32 (count, height, width, channels).
    """
    work = quantizer.Quantizer(bytearray(flatbuffer))
    every, names = ".*", TFLOperationName
    work.add_static_config(every, names.ALL_SUPPORTED, activation_num_bits=8, weight_num_bits=8)
    work.add_dynamic_config(every, names.FULLY_CONNECTED, num_bits=8, granularity=QuantGranularity.TENSORWISE)
    for name in (names.SOFTMAX, names.OUTPUT):
        work.update_quantization_recipe(every, name, algorithm_key=_FLOAT)

    samples = {"serving_default": [{"image": image[None]} for image in calibration]}
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it reports its progress unasked, and what its calibration costs in memory
        recipes = recipe_manager.RecipeManager()
        recipes.load_quantization_recipe(work.get_quantization_recipe())
        # Its default is a moving average of the images' extremes, which cuts off what few of them reach.
        ranges = calibrator.Calibrator(bytearray(flatbuffer), qsv_update_func=qsv_utils.min_max_update)
        ranges.calibrate(samples, recipes)
        result = work.quantize(ranges.get_model_qsvs(), enable_progress_report=False).quantized_model
    if result is None:
        raise EdgecnnError("litert-quantizer returns no model; use another scheme")
    return _with_outputs_of_signature(with_constants_inside(bytes(result)), flatbuffer)


def _with_outputs_of_signature(quantized: bytes, origin: bytes) -> bytes:
    """Give what the signature names.

    Where a feature map is brought to another scale for the operator that takes it, the quantizer makes that the output;
    the signature still names the tensor before, and who reads it gets nothing, or what another tensor left there.
    """
    edited = bytearray(quantized)
    before, after = (schema.Model.GetRootAs(each, 0) for each in (origin, edited))
    order = before.Subgraphs(0).OutputsAsNumpy().tolist()
    outputs, names = after.Subgraphs(0).OutputsAsNumpy(), [each.SignatureDefs(0) for each in (before, after)]
    for place in range(names[0].OutputsLength()):
        own, here = (each.Outputs(place) for each in names)
        outputs[order.index(own.TensorIndex())] = here.TensorIndex()
    return bytes(edited)
