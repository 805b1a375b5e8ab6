"""From a Keras model to a TFLite flatbuffer."""

import tempfile
from collections.abc import Iterator

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from edgecnn.card import Scheme
from edgecnn.errors import EdgecnnError
from edgecnn.packing import add_header
from edgecnn.quiet import captured_stderr


def to_flatbuffer(model: keras.Model, scheme: Scheme, calibration: npt.NDArray[np.float32]) -> bytes:
    """Convert a model with named outputs (see `with_named_outputs`).

    Goes through a SavedModel with a static batch of 1: a dynamic batch costs shape operators, two partitions and every
    delegate that cannot resize. Only built-in operators are allowed, so nothing appears that a Pi cannot run.

    Args:
        scheme: `float32`: no approximation. `int8`: weights, activations, input and output in 8-bit integers; about
            4 times smaller and faster where the processor has 8-bit dot products; the 8-bit output can tie.
        calibration: the representative dataset, float32 (count, height, width, channels), as the model is fed.

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
            if scheme == "int8":
                _quantize_int8(converter, calibration)
            flatbuffer = converter.convert()
        except Exception as error:  # TensorFlow's own ConverterError has no narrower base
            refusal = error
    if refusal:
        lines = [line.strip() for line in f"{refusal}\n{native.text}".splitlines() if line.strip()]
        reason = next((line for line in lines if "error:" in line), lines[0] if lines else type(refusal).__name__)
        raise EdgecnnError(f"TensorFlow cannot convert the model to {scheme}: {reason[:300]}") from refusal
    return add_header(flatbuffer)


def _quantize_int8(converter: tf.lite.TFLiteConverter, calibration: npt.NDArray[np.float32]) -> None:
    def representative() -> Iterator[list[npt.NDArray[np.float32]]]:
        for image in calibration:
            yield [image[None]]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
