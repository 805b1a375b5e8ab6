"""Mixed precision: 8-bit integers where they cost nothing, float32 where they do."""

import io
import warnings
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import numpy.typing as npt
from litert_quantizer import quantizer
from litert_quantizer.qtyping import QuantGranularity, TFLOperationName

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
        ranges = work.calibrate(samples)
        result = work.quantize(ranges, enable_progress_report=False).quantized_model
    assert result is not None
    return bytes(result)
