"""The float32 flatbuffer of a Keras model, which every calibrated scheme is made of: converted once for all of them."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf
from tensorflow.compiler.mlir.lite.debug.debug_options_pb2 import DebugOptions
from tensorflow.lite.python.conversion_metadata_schema_py_generated import ModelType
from tensorflow.lite.python.lite import QuantizationMode, TFLiteSavedModelConverterV2
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

_SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
_NO_GRAPH = tf.compat.v1.GraphDef()  # it is asked for fake quantization alone, which no network has here


@contextmanager
def converter_of(model: keras.Model) -> Iterator[tf.lite.TFLiteConverter]:
    """What converts a model to float32 with built-in operators alone, for as long as it is entered.

    Args:
        model: takes float32 images (batch, height, width, channels), returns a dict.
    """
    with _saved(model) as folder:
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        yield converter


def to_float32(model: keras.Model) -> bytes:
    """The flatbuffer that `FromFloat32` starts from: as TensorFlow's converter has it before it quantizes."""
    with _saved(model) as folder:
        # Its own `convert` loads the folder twice more, for its statistics.
        converter = TFLiteSavedModelConverterV2(folder, {tf.saved_model.SERVING}, [_SIGNATURE])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        converter._optimize_tflite_model = lambda flatbuffer, *_, **__: flatbuffer
        flatbuffer: bytes = converter._convert_from_saved_model(_NO_GRAPH)
        return flatbuffer


class FromFloat32(TFLiteSavedModelConverterV2):
    """TensorFlow's converter, but for its first step: gives the same bytes as from the model itself.

    Not for `dynamic` and `float16`, which are rounded in the first step.
    """

    def __init__(self, flatbuffer: bytes) -> None:
        """Take what `to_float32` returned."""
        super().__init__("")
        self.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        self._metadata.environment.modelType = ModelType.TF_SAVED_MODEL
        self._flatbuffer = flatbuffer

    def convert(self) -> bytes:
        """Do as the settings say, and add what TensorFlow says of a conversion."""
        flatbuffer: bytes = self._convert_and_export_metrics(FromFloat32._finish)
        return flatbuffer

    def _finish(self) -> bytes:
        mode = QuantizationMode(self.optimizations, self.target_spec, self.representative_dataset, _NO_GRAPH)
        flatbuffer: bytes = self._optimize_tflite_model(self._flatbuffer, mode, DebugOptions())
        return flatbuffer


@contextmanager
def _saved(model: keras.Model) -> Iterator[str]:
    """A folder with a SavedModel of a model, for as long as it is entered.

    With a static batch of 1: a dynamic one costs shape operators, two partitions and every delegate that cannot resize.
    `model.export` traces it several times, and keeps a graph of each: that takes the converter twice the time. Its
    weights stand in the graph: each variable would be saved and restored by operators of its own, for seconds.
    """
    signature = tf.TensorSpec((1, *model.inputs[0].shape[1:]), tf.float32, name="image")
    traced = _trace(lambda image: model(image, training=False), signature)
    frozen = convert_variables_to_constants_v2(traced, lower_control_flow=False)
    names = sorted(traced.structured_outputs)  # the order in which a graph returns a dict
    state = tf.Variable(tf.constant(0.0))

    def answer(image: Any) -> dict[str, Any]:
        state.read_value()  # tensors are called after what has a state, so that a network's file keeps its bytes
        return dict(zip(names, frozen(image), strict=True))

    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)  # silu's needs a variable
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(tf.train.Checkpoint(state=state), folder, _trace(answer, signature), options)
        yield folder


def _trace(function: Callable[[Any], Any], signature: tf.TensorSpec) -> Any:
    return tf.function(function, autograph=False).get_concrete_function(signature)
