"""A Keras model as TensorFlow's converter takes it."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

from edgecnn.free_memory import give_back_memory
from edgecnn.scratch_folder import scratch_folder


@contextmanager
def converter_of(model: keras.Model) -> Iterator[tf.lite.TFLiteConverter]:
    """What converts a model to float32 with built-in operators alone, for as long as it is entered.

    Args:
        model: takes float32 images (batch, height, width, channels), returns a dict.
    """
    with saved(model) as folder:
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        yield converter


@contextmanager
def saved(model: keras.Model) -> Iterator[str]:
    """A folder with a SavedModel of a model, for as long as it is entered.

    With a static batch of 1: a dynamic one costs shape operators, two partitions and every delegate that cannot resize.
    `model.export` traces it several times, and keeps a graph of each: that takes the converter twice the time. Its
    weights stand in the graph: each variable would be saved and restored by operators of its own, for seconds.
    """
    with scratch_folder() as folder:
        _save(model, folder)
        gc.collect()  # graphs lie in circles
        give_back_memory()  # the constants of its graphs, several times the network's size
        yield folder


def _save(model: keras.Model, folder: str) -> None:
    signature = tf.TensorSpec((1, *model.inputs[0].shape[1:]), tf.float32, name="image")
    traced = _trace(lambda image: model(image, training=False), signature)
    frozen = _frozen(traced)
    give_back_memory()
    names = sorted(traced.structured_outputs)  # the order in which a graph returns a dict
    state = tf.Variable(tf.constant(0.0))

    def answer(image: Any) -> dict[str, Any]:
        state.read_value()  # tensors are called after what has a state, so that a network's file keeps its bytes
        outputs = [output.name for output in traced.outputs]
        values = tf.import_graph_def(frozen, {traced.inputs[0].name: image}, return_elements=outputs, name="")
        return dict(zip(names, values, strict=True))

    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)  # silu's needs a variable
    tf.saved_model.save(tf.train.Checkpoint(state=state), folder, _trace(answer, signature), options)


def _frozen(traced: Any) -> Any:
    """The graph of a function with constants in place of its variables.

    `convert_variables_to_constants_v2` makes a function of it again, which copies the graph thrice. What it is made of
    is TensorFlow's own; where a version has that under other names, the longer way is taken.
    """
    read = getattr(convert_to_constants, "_FunctionConverterDataInEager", None)
    replace = getattr(convert_to_constants, "_replace_variables_by_constants", None)
    if read and replace:
        return replace(read(traced, lower_control_flow=False, aggressive_inlining=False))[0]
    frozen = convert_to_constants.convert_variables_to_constants_v2(traced, lower_control_flow=False)
    return frozen.graph.as_graph_def()


def _trace(function: Callable[[Any], Any], signature: tf.TensorSpec) -> Any:
    return tf.function(function, autograph=False).get_concrete_function(signature)
