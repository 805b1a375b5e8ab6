"""From a Keras model to a TFLite flatbuffer."""

import tempfile
from collections.abc import Iterator

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from edgecnn.errors import EdgecnnError
from edgecnn.model_file.container import add_header
from edgecnn.model_file.schemes import IoType, Scheme
from edgecnn.native_output import captured_stderr

from .relu6 import without_idle_clamps


def to_flatbuffer(
    model: keras.Model,
    scheme: Scheme,
    calibration: npt.NDArray[np.float32],
    io: IoType = "int8",
    dense_per_tensor: bool = False,
) -> bytes:
    """Convert a model with named outputs (see `with_named_outputs`).

    Goes through a SavedModel with a static batch of 1: a dynamic batch costs shape operators, two partitions and every
    delegate that cannot resize. Only built-in operators are allowed, so nothing appears that a Pi cannot run.

    Args:
        scheme: what is approximated, and its price on the reference network:

            - `float32`: nothing. 4 bytes a weight.
            - `float16`: weights are stored in 16 bits and computed in 32. Half the bytes, the same speed, little loss.
            - `dynamic`: weights in 8 bits; activations stay float32 and are rounded on the fly. A quarter of the
              bytes; convolutions gain little speed; one answer in some hundred differs.
            - `mixed`: `int8` for all but the dense layers, which are as in `dynamic`, with a float32 output: the
              bytes of `int8` and nearly its speed, without its ties.
            - `int8`: weights, activations, input and output in 8 bits: a quarter of the bytes, faster where the
              processor has 8-bit dot products, the only one for an Edge TPU; the 8-bit output can tie.
            - `int16x8`: weights in 8 bits, activations in 16: `int8`'s bytes and closer answers, but computed by
              reference kernels, a hundred times slower.
        calibration: the representative dataset, float32 (count, height, width, channels), as the model is fed.
        io: of `int8`'s input and output.
        dense_per_tensor: give a dense layer one scale instead of one a channel: a little less close, and what
            tflite-runtime 2.14 needs for `dynamic`. `mixed` always does.

    Returns:
        A flatbuffer with edgecnn's header.

    Raises:
        EdgecnnError: TensorFlow cannot convert the model; the message has its reason.
    """
    shape = (1, *model.inputs[0].shape[1:])
    flatbuffer, refusal = b"", None
    with tempfile.TemporaryDirectory() as folder, captured_stderr() as native:
        try:
            signature = [tf.TensorSpec(shape, tf.float32, name="image")]
            model.export(folder, format="tf_saved_model", input_signature=signature, verbose=False)
            converter = tf.lite.TFLiteConverter.from_saved_model(folder)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
            _choose(converter, scheme, calibration, io)
            converter._experimental_disable_per_channel_quantization_for_dense_layers = dense_per_tensor
            flatbuffer = converter.convert()
            if scheme == "mixed":
                from . import mixed

                flatbuffer = mixed.quantize(flatbuffer, calibration)
        except Exception as error:  # TensorFlow's own ConverterError has no narrower base
            refusal = error
    if refusal:
        lines = [line.strip() for line in f"{refusal}\n{native.text}".splitlines() if line.strip()]
        reason = next((line for line in lines if "error:" in line), lines[0] if lines else type(refusal).__name__)
        raise EdgecnnError(f"TensorFlow cannot convert the model to {scheme}: {reason[:300]}") from refusal
    return add_header(without_idle_clamps(flatbuffer))


def _choose(
    converter: tf.lite.TFLiteConverter, scheme: Scheme, calibration: npt.NDArray[np.float32], io: IoType
) -> None:
    def representative() -> Iterator[list[npt.NDArray[np.float32]]]:
        for image in calibration:
            yield [image[None]]

    if scheme in ("float32", "mixed"):
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if scheme == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if scheme in ("int8", "int16x8"):
        converter.representative_dataset = representative
    if scheme == "int8":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.as_dtype(io)
    if scheme == "int16x8":
        both = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [both]
        converter.inference_input_type = converter.inference_output_type = tf.int16
