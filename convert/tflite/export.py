"""From a Keras model to a TFLite flatbuffer."""

import tempfile
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from edgecnn.errors import EdgecnnError
from edgecnn.model_file.container import add_header
from edgecnn.model_file.schemes import IoType
from edgecnn.native_output import captured_stderr

from .exporters import EXPORTERS, ExportInput
from .refusals import reason
from .relu6 import without_unreached_relu6


def to_flatbuffer(
    model: keras.Model,
    scheme: str,
    calibration: npt.NDArray[np.float32],
    io: IoType = "int8",
    dense_per_tensor: bool = False,
) -> bytes:
    """Convert a model with named outputs (see `with_named_outputs`).

    Goes through a SavedModel with a static batch of 1: a dynamic batch costs shape operators, two partitions and every
    delegate that cannot resize. Only built-in operators are allowed, so nothing appears that a Pi cannot run.

    Args:
        model: takes float32 images (batch, height, width, channels), returns a dict.
        scheme: what is approximated; `edgecnn.model_file.schemes.SCHEMES` has the price of each.
        calibration: the representative dataset, float32 (count, height, width, channels), as the model is fed.
        io: of `int8`'s input and output.
        dense_per_tensor: give a dense layer one scale instead of one a channel: a little less close, and what
            tflite-runtime 2.14 needs for `dynamic`. `mixed` always does.

    Returns:
        A flatbuffer with edgecnn's header.

    Raises:
        EdgecnnError: TensorFlow cannot convert the model; the message has its reason.
    """
    if scheme not in EXPORTERS:
        raise EdgecnnError(f"{scheme} has no exporter; convert/tflite/exporters.py lacks one of that name")
    shape = (1, *model.inputs[0].shape[1:])
    flatbuffer, refusal = b"", None
    with tempfile.TemporaryDirectory() as folder, captured_stderr() as native:
        try:
            _save_traced(model, shape, folder)
            converter = tf.lite.TFLiteConverter.from_saved_model(folder)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
            converter._experimental_disable_per_channel_quantization_for_dense_layers = dense_per_tensor
            flatbuffer = EXPORTERS[scheme](ExportInput(converter, calibration, io))
        except Exception as error:  # TensorFlow's own ConverterError has no narrower base
            refusal = error
    if refusal:
        why = reason(f"{native.text}\n{refusal}", [layer.name for layer in model.layers])
        raise EdgecnnError(f"TensorFlow cannot convert the model to {scheme}: {why}{_other_way(model, scheme)}") from (
            refusal
        )
    return add_header(without_unreached_relu6(flatbuffer))


def _save_traced(model: keras.Model, shape: tuple[int, ...], folder: str) -> None:
    """Write a SavedModel of a model for images of `shape`.

    `model.export` traces it several times, and keeps a graph of each: that takes the converter twice the time. Its
    weights stand in the graph: each variable would be saved and restored by operators of its own, for seconds.
    """
    signature = tf.TensorSpec(shape, tf.float32, name="image")
    traced = _trace(lambda image: model(image, training=False), signature)
    frozen = convert_variables_to_constants_v2(traced, lower_control_flow=False)
    names = sorted(traced.structured_outputs)  # the order in which a graph returns a dict
    state = tf.Variable(tf.constant(0.0))

    def answer(image: Any) -> dict[str, Any]:
        state.read_value()  # tensors are called after what has a state, so that a network's file keeps its bytes
        return dict(zip(names, frozen(image), strict=True))

    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)  # silu's needs a variable
    tf.saved_model.save(tf.train.Checkpoint(state=state), folder, _trace(answer, signature), options)


def _trace(function: Callable[[Any], Any], signature: tf.TensorSpec) -> Any:
    return tf.function(function, autograph=False).get_concrete_function(signature)


def _other_way(model: keras.Model, refused: str) -> str:
    """What can be done instead, once it is known to work."""
    if refused == "float32":
        return ""
    try:
        to_flatbuffer(model, "float32", np.empty((0, *model.inputs[0].shape[1:]), np.float32))
    except EdgecnnError:
        return ""
    return "; --float32 can be converted"
