"""A Keras 3 network out of the graph and the weights that `keras2_child` wrote down of a Keras 2 model."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from edgecnn.errors import ModelFileError
from edgecnn.keras_file import first_clause

from .flattening import is_augmentation
from .foreign_layers import CodeLayer, TensorFlowFunction, tensors_of, unpacked

_TRAINING_ONLY = ("_initializer", "_regularizer", "_constraint")
_RENAMED = {"SyncBatchNormalization": "BatchNormalization", "TensorFlowOpLayer": "TFOpLambda"}


class Rebuilder:
    """Makes Keras 3 layers of what was written down.

    Args:
        arrays: the weights, by number.
        objects: classes and functions of `--custom-objects`, by name.
        where: begins messages: file and what wrote it.
    """

    def __init__(self, arrays: Sequence[np.ndarray], objects: Mapping[str, Any], where: str) -> None:
        self._arrays, self._objects, self._where = arrays, objects, where

    def model(self, described: dict[str, Any]) -> keras.Model:
        """The network, with its weights.

        Raises:
            ModelFileError: it has no graph, or a layer cannot be made in Keras 3.
        """
        graph = described["graph"]
        if graph is None:
            raise ModelFileError(
                f"{self._where}: {described['name']} is no Sequential or functional model with an input shape, so its "
                "layers have no order that could be read; build it with keras.Input and save it again"
            )
        tensors = {
            each["tensor"]["tensor"]: keras.Input(each["shape"], dtype=each["dtype"], name=_legal(each["name"]))
            for each in graph["inputs"]
        }
        inputs = list(tensors.values())
        made: dict[int, Any] = {}
        for node in graph["nodes"]:
            self._call(graph["layers"][node["layer"]], node, tensors, made)
        outputs = [tensors[each["tensor"]] for each in graph["outputs"]]
        return keras.Model(_single(inputs), _single(outputs), name=_legal(described["name"]))

    def _call(
        self, described: dict[str, Any], node: dict[str, Any], tensors: dict[str, Any], made: dict[int, Any]
    ) -> None:
        number = node["layer"]
        is_new = number not in made
        try:
            if described["class_name"].endswith("OpLambda"):
                result = self._call_function(described, node, tensors)
            elif _is_dropped(described):
                result = unpacked(node["args"], tensors)[0]
            else:
                if is_new:
                    made[number] = self._make(described)
                args, kwargs = (_call_value(node[kind], tensors, self._arrays) for kind in ("args", "kwargs"))
                kwargs = {name: value for name, value in kwargs.items() if name not in ("training", "mask")}
                result = made[number](*args, **kwargs)
                if is_new:
                    self._set_weights(made[number], described)
        except ModelFileError:
            raise
        except Exception as error:  # Keras raises whatever its layers raise
            is_layer = not described["class_name"].endswith("OpLambda")
            own = ", or put a class of this name in a file for --custom-objects" if is_layer else ""
            raise ModelFileError(
                f"{self._where}: layer {described['name']} ({described['class_name']}) cannot be made in Keras "
                f"{keras.__version__} ({first_clause(error)}); leave it out where the model was built{own}"
            ) from None
        results = result if isinstance(result, list | tuple) else [result]
        tensors.update(zip(tensors_of(node["outputs"]), results, strict=False))

    def _call_function(self, described: dict[str, Any], node: dict[str, Any], tensors: dict[str, Any]) -> Any:
        names = list(dict.fromkeys([*tensors_of(node["args"]), *tensors_of(node["kwargs"])]))
        numbers = {name: position for position, name in enumerate(names)}
        arguments = {kind: _numbered(node[kind], numbers, self._arrays) for kind in ("args", "kwargs")}
        name = _legal(described["name"]).removeprefix("tf.").replace(".", "_").strip("_")
        layer = TensorFlowFunction(described["function"], arguments, name=name)
        return layer(_single([tensors[each] for each in names]))

    def _make(self, described: dict[str, Any]) -> Any:
        if "model" in described:
            return self.model(described["model"])
        class_name, config = described["class_name"], described["config"]
        if self._is_own(class_name):
            return self._custom(described)
        if class_name == "Lambda" and described["name"] in self._objects:
            return keras.layers.Lambda(self._objects[described["name"]], name=described["name"])
        if class_name == "Lambda" and isinstance(config["function"], list | tuple):
            return CodeLayer(list(config["function"]), config.get("arguments"), name=_legal(config["name"]))
        if class_name == "Lambda" and isinstance(config["function"], dict):
            stored = config["function"]["config"]
            code = [stored["code"], stored["defaults"], stored["closure"]]
            return CodeLayer(code, config.get("arguments"), name=_legal(config["name"]))
        if class_name == "Lambda" and config["function"] in self._objects:
            return keras.layers.Lambda(self._objects[config["function"]], name=_legal(config["name"]))
        if class_name == "Normalization" and described["weights"]:
            mean, variance = (self._arrays[each["array"]].ravel().tolist() for each in described["weights"][:2])
            config = {**config, "mean": mean, "variance": variance}
        return self._layer(class_name, config)

    def _is_own(self, class_name: str) -> bool:
        """Whether the user's file has a layer of this name that it does not merely import from Keras."""
        given = self._objects.get(class_name)
        return given is not None and given is not getattr(keras.layers, class_name, None)

    def _layer(self, class_name: str, config: dict[str, Any]) -> Any:
        inner = {name: self._inner(value) for name, value in config.items() if _is_layers(value)}
        if not inner:
            return _layer(class_name, config)
        cls = getattr(keras.layers, class_name)
        config = {**_translated({name: value for name, value in config.items() if name not in inner}), **inner}
        return cls(**{name: value for name, value in config.items() if name in _accepted(cls)})

    def _inner(self, value: Any) -> Any:
        """A layer, or cells, of which another is made: Bidirectional, TimeDistributed, RNN and the like."""
        if isinstance(value, list):
            return [self._inner(each) for each in value]
        name = value["config"].get("name", "")
        return self._make(
            {
                "name": name,
                "class_name": value["class_name"].rpartition(">")[2],
                "config": value["config"],
                "weights": [],
            }
        )

    def _custom(self, described: dict[str, Any]) -> Any:
        if described["config"] is None:
            raise ModelFileError(
                f"{self._where}: layer {described['name']} ({described['class_name']}) does not say how it was made; "
                "give its class a get_config() in the file of --custom-objects"
            )
        given: Any = self._objects[described["class_name"]]
        if not hasattr(given, "from_config") or not issubclass(given, keras.layers.Layer):
            raise ModelFileError(
                f"{self._where}: {described['class_name']} in the file of --custom-objects is no layer of Keras 3; "
                "let the file say `import keras` or `from tensorflow import keras`"
            )
        return given.from_config(_translated(described["config"]))

    def _set_weights(self, layer: Any, described: dict[str, Any]) -> None:
        if not described.get("weights") or isinstance(layer, keras.layers.Normalization):
            return
        layer.set_weights([self._arrays[each["array"]] for each in described["weights"]])


def _is_layers(value: Any) -> bool:
    """Whether an argument of a layer is a layer as Keras 2 writes it down, or a list of them."""
    if isinstance(value, list):
        return bool(value) and all(map(_is_layers, value))
    is_object = isinstance(value, dict) and isinstance(value.get("config"), dict) and "class_name" in value
    return is_object and issubclass(getattr(keras.layers, value["class_name"], int), keras.layers.Layer)


def _is_dropped(described: dict[str, Any]) -> bool:
    """Whether it does nothing but in training."""
    name = described["class_name"]
    return name in ("RandomWidth", "RandomHeight") or is_augmentation_name(name)


def is_augmentation_name(name: str) -> bool:
    """Whether layers of this class change images in training alone; see `flattening.is_augmentation`."""
    return is_augmentation(type(name, (), {})())


def _layer(class_name: str, config: dict[str, Any]) -> Any:
    config = _translated(config)
    if class_name == "ThresholdedReLU":
        return keras.layers.ReLU(threshold=config["theta"], name=config["name"])
    cls = getattr(keras.layers, _RENAMED.get(class_name, class_name))
    accepted = _accepted(cls)
    if class_name == "LeakyReLU" and "alpha" in config:
        config["negative_slope"] = config["alpha"]
    # What Keras 3 has no argument for (`groups` of a depthwise convolution) is left to the check of the answers.
    return cls.from_config({name: value for name, value in config.items() if name in accepted})


def _accepted(cls: type) -> set[str]:
    """The arguments that make a layer: those of its class, and of the classes above as far as it passes them on."""
    names: set[str] = set()
    for each in cls.__mro__:
        parameters = inspect.signature(each.__init__).parameters  # type: ignore[misc]
        names |= parameters.keys()
        if all(parameter.kind is not inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
            break
    return names


def _translated(config: dict[str, Any]) -> dict[str, Any]:
    """A layer's configuration as Keras 3 takes it, without what counts in training alone."""
    translated = {}
    for name, value in config.items():
        if name.endswith(_TRAINING_ONLY) or name in ("batch_input_shape", "build_config", "autocast"):
            continue
        if name == "axis" and isinstance(value, list) and len(value) == 1:
            value = value[0]  # of a batch normalisation
        elif name == "dtype" and isinstance(value, dict):
            value = value["config"]["name"]
        elif name == "name":
            value = _legal(str(value))
        translated[name] = value
    return translated


def _call_value(value: Any, tensors: dict[str, Any], arrays: Sequence[np.ndarray]) -> Any:
    return unpacked(_numbered(value, None, arrays), tensors)


def _numbered(value: Any, numbers: dict[str, int] | None, arrays: Sequence[np.ndarray]) -> Any:
    """Arguments with the numbers of tensors in place of their names, if given, and lists in place of arrays."""
    if isinstance(value, list):
        return [_numbered(each, numbers, arrays) for each in value]
    if not isinstance(value, dict):
        return value
    if "array" in value and len(value) == 1:
        return _listed(arrays[value["array"]].tolist())
    if "tensor" in value and len(value) == 1:
        return value if numbers is None else {"tensor": numbers[value["tensor"]]}
    return {kind: _numbered(each, numbers, arrays) for kind, each in value.items()}


def _listed(value: Any) -> Any:
    return {"list": [_listed(each) for each in value]} if isinstance(value, list) else value


def _legal(name: str) -> str:
    return name.replace("/", "_")


def _single(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values
