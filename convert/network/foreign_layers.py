"""Layers for what Keras 2 has and Keras 3 has not: functions of TensorFlow, and code that lies in the file."""

import types
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from edgecnn.errors import ModelFileError

# No function of these reads, writes or runs anything but its arguments.
_MODULES = ("math", "nn", "image", "linalg", "keras.activations", "keras.backend")
_FUNCTIONS = tuple(
    "__operators__.getitem __operators__.add broadcast_to cast clip_by_value concat convert_to_tensor expand_dims "
    "gather identity ones_like one_hot pad range repeat reshape reverse shape size slice split squeeze stack "
    "stop_gradient strided_slice tile transpose unstack where zeros_like".split()
)


def is_known_function(symbol: str) -> bool:
    """Whether `TensorFlowFunction` calls the TensorFlow function of this name."""
    module, _, name = symbol.removeprefix("compat.v1.").rpartition(".")
    return symbol.removeprefix("compat.v1.") in _FUNCTIONS or (module in _MODULES and not name.startswith("_"))


@keras.saving.register_keras_serializable("edgecnn")
class TensorFlowFunction(keras.layers.Layer):
    """Calls a function of TensorFlow, as `x / 255` in a functional model of Keras 2 does.

    Args:
        function: its name below `tf`, such as math.truediv.
        arguments: args and kwargs, with {"tensor": n} for the n-th tensor that the layer is called with.
        **options: of every layer.
    """

    def __init__(self, function: str, arguments: dict[str, Any], **options: Any) -> None:
        super().__init__(**options)
        if not is_known_function(function):
            raise ModelFileError(f"layer {self.name} calls tf.{function}, which edgecnn does not run")
        self.function, self.arguments = function, arguments

    def call(self, tensors: Any) -> Any:
        """What the function makes of the tensors, one or a list."""
        given = tensors if isinstance(tensors, list | tuple) else [tensors]
        args, kwargs = (unpacked(self.arguments[kind], given) for kind in ("args", "kwargs"))
        function: Any = tf
        for name in self.function.split("."):
            function = getattr(function, name)
        return function(*args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """What makes the layer anew."""
        return {**super().get_config(), "function": self.function, "arguments": self.arguments}


@keras.saving.register_keras_serializable("edgecnn")
class CodeLayer(keras.layers.Layer):
    """A Lambda layer of Keras 2, whose code lies in the file; it is made where the user trusts that code alone.

    Args:
        code: of the function, as Keras 2 stores it: marshalled, in Base64; with defaults and closure.
        arguments: keyword arguments that it is called with.
        **options: of every layer.
    """

    def __init__(self, code: list[Any], arguments: dict[str, Any] | None = None, **options: Any) -> None:
        super().__init__(**options)
        from keras.src.saving.serialization_lib import in_safe_mode

        if in_safe_mode() is not False:
            raise ModelFileError(f"layer {self.name} is code that lies in the file; --trust lets it run")
        self.code, self.arguments = code, arguments or {}
        from keras.src.utils.python_utils import func_load

        known = {
            "tf": tf,
            "tensorflow": tf,
            "np": np,
            "numpy": np,
            "keras": keras,
            "K": keras.backend,
            "ops": keras.ops,
        }
        self._function: types.FunctionType = func_load(code, globs={"__builtins__": __builtins__, **known})

    def call(self, inputs: Any) -> Any:
        """What the function makes of the inputs."""
        return self._function(inputs, **self.arguments)

    def get_config(self) -> dict[str, Any]:
        """What makes the layer anew."""
        return {**super().get_config(), "code": self.code, "arguments": self.arguments}


def unpacked(value: Any, tensors: Any) -> Any:
    """Arguments as `keras2_child` writes them: tensors by number, slices and tuples as dicts with one key."""
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "list":
        return [unpacked(each, tensors) for each in content]
    if kind == "dict":
        return {name: unpacked(each, tensors) for name, each in content.items()}
    if kind == "dtype":
        return tf.dtypes.as_dtype(content)
    if kind == "ellipsis":
        return Ellipsis
    parts = (unpacked(each, tensors) for each in content)
    return slice(*parts) if kind == "slice" else tuple(parts)


def tensors_of(value: Any) -> Iterator[Any]:
    """The names of the tensors in arguments, in order."""
    if isinstance(value, dict):
        for kind, content in value.items():
            if kind == "tensor":
                yield content
            elif kind == "dict":
                for each in content.values():
                    yield from tensors_of(each)
            elif isinstance(content, list):
                for each in content:
                    yield from tensors_of(each)
