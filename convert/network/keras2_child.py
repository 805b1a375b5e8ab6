"""Run as a child process: read a Keras 2 model with tf-keras, and write down its graph, its weights and its answers.

It is a process of its own, because programs that say `from tensorflow import keras` must get tf-keras in it, and
because the code of a Lambda layer, compiled by another Python, may end it.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

# The size of the probe images where the model takes any.
ANY_SIZE = 128
PROBES = 4
RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))


class Describer:
    """Turns a tf-keras model into lists and dicts of plain values; arrays are put aside in `arrays`."""

    def __init__(self, tf_keras: Any) -> None:
        self._tf_keras = tf_keras
        self.arrays: list[np.ndarray] = []

    def model(self, model: Any) -> dict[str, Any]:
        """The graph of a Sequential or functional model; {"graph": None} for one that has none."""
        if not getattr(model, "_is_graph_network", False):
            return {"graph": None, "name": model.name}
        if isinstance(model, self._tf_keras.Sequential) and not model.inputs:
            return {"graph": None, "name": model.name}
        layers: dict[int, int] = {}
        described: list[dict[str, Any]] = []
        nodes = []
        for depth in sorted(model._nodes_by_depth, reverse=True):
            for node in model._nodes_by_depth[depth]:
                if node.is_input:
                    continue
                if id(node.layer) not in layers:
                    layers[id(node.layer)] = len(described)
                    described.append(self._layer(node.layer))
                args, kwargs = self._value(node.call_args), self._value(node.call_kwargs)
                outputs = self._value(node.outputs)
                nodes.append({"layer": layers[id(node.layer)], "args": args, "kwargs": kwargs, "outputs": outputs})
        inputs = [
            {"tensor": self._value(tensor), "shape": list(tensor.shape[1:]), "dtype": tensor.dtype.name}
            for tensor in model.inputs
        ]
        names = [tensor._keras_history.layer.name for tensor in model.inputs]
        graph = {
            "inputs": [{**each, "name": name} for each, name in zip(inputs, names, strict=True)],
            "layers": described,
            "nodes": nodes,
            "outputs": [self._value(tensor) for tensor in model.outputs],
        }
        return {"graph": graph, "name": model.name}

    def _layer(self, layer: Any) -> dict[str, Any]:
        described = {"name": layer.name, "class_name": type(layer).__name__}
        if isinstance(layer, self._tf_keras.Model):
            return {**described, "model": self.model(layer)}
        config: Any = None
        if not described["class_name"].endswith("OpLambda"):
            try:
                config = self._plain(layer.get_config())
            except NotImplementedError:
                config = None  # a class of somebody's own that does not say how it was made
        weights = [self._value(np.asarray(weight)) for weight in layer.get_weights()]
        return {**described, "config": config, "function": getattr(layer, "symbol", None), "weights": weights}

    def _plain(self, value: Any) -> Any:
        return json.loads(json.dumps(value, default=_as_list))

    def _value(self, value: Any) -> Any:
        history = getattr(value, "_keras_history", None)
        if history is not None:
            return {"tensor": f"{id(history.layer)}:{history.node_index}:{history.tensor_index}"}
        if isinstance(value, tuple | list):
            return {"tuple" if isinstance(value, tuple) else "list": [self._value(each) for each in value]}
        if isinstance(value, dict) and value.keys() == {"start", "stop", "step"}:  # so Keras 2 saves a slice
            value = slice(*(value[name] for name in ("start", "stop", "step")))
        if isinstance(value, dict):
            return {"dict": {name: self._value(each) for name, each in value.items()}}
        if isinstance(value, slice):
            return {"slice": [self._value(each) for each in (value.start, value.stop, value.step)]}
        if value is Ellipsis:
            return {"ellipsis": True}
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if hasattr(value, "as_numpy_dtype"):
            return {"dtype": value.name}
        if hasattr(value, "as_list"):
            return {"tuple": value.as_list()}
        self.arrays.append(np.asarray(value))
        return {"array": len(self.arrays) - 1}


def _as_list(value: Any) -> Any:
    if hasattr(value, "as_list"):
        return value.as_list()
    if isinstance(value, dict):  # layers keep what they are given in wrappers, which json does not know
        return dict(value)
    if isinstance(value, list | tuple):
        return list(value)
    if hasattr(value, "numpy") or isinstance(value, np.ndarray | np.generic):
        return np.asarray(value).tolist()
    if hasattr(value, "get_config"):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    return getattr(value, "name", None) or getattr(value, "__name__", str(value))


def probe_images(shape: tuple[int | None, ...]) -> list[np.ndarray]:
    """Images of noise in each range that networks are fed with: float32 (PROBES, ...)."""
    fixed = [size or ANY_SIZE for size in shape]
    generator = np.random.default_rng(0)
    return [generator.uniform(low, high, (PROBES, *fixed)).astype(np.float32) for low, high in RANGES]


def raw_answers(model: Any, images: np.ndarray) -> np.ndarray:
    """What a model of Keras 2 or 3 with one output answers, float32, before the softmax or sigmoid of its last layer.

    Those values tell what it computes: where they are large, each softmax is 1 and 0, whatever stands before it.
    """
    layer = model
    while hasattr(layer, "layers"):
        layer = layer.outputs[0]._keras_history[0]
    activation = getattr(layer, "activation", None)
    if getattr(activation, "__name__", "") not in ("softmax", "sigmoid"):
        return np.asarray(model(images, training=False), np.float32)
    layer.activation = _as_it_is
    try:  # called, not asked by `predict`, which may be compiled with the activation
        return np.asarray(model(images, training=False), np.float32)
    finally:
        layer.activation = activation


def _as_it_is(values: Any) -> Any:
    return values


def read(request: dict[str, Any], folder: Path) -> None:
    """Write graph.json, arrays.npz and answers.npz into `folder`, or refusal.json."""
    from edgecnn.convert.network.custom_code import load_objects
    from edgecnn.optional_packages import load_tensorflow

    load_tensorflow()
    import tf_keras

    sys.modules["keras"] = tf_keras  # what `import keras` gives to the user's file
    objects = load_objects(Path(request["objects"])) if request["objects"] else {}

    class NamedLambda(tf_keras.layers.Lambda):
        """A Lambda layer whose code gives way to the function of its name in the user's file."""

        @classmethod
        def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
            function = objects.get(config["name"])
            if function:
                return tf_keras.layers.Lambda(function, name=config["name"])
            return tf_keras.layers.Lambda.from_config(config, custom_objects)

    given = {**objects, "Lambda": NamedLambda}
    # What must not run was refused before this process was started.
    model = tf_keras.models.load_model(request["path"], compile=False, custom_objects=given, safe_mode=False)
    describer = Describer(tf_keras)
    graph = describer.model(model)
    answers: list[Any] = []
    if graph["graph"] and len(model.inputs) == len(model.outputs) == 1:
        for images in probe_images(tuple(model.inputs[0].shape[1:])):
            answers.append(raw_answers(model, images))
    np.savez(folder / "arrays.npz", *describer.arrays)
    np.savez(folder / "answers.npz", *answers)
    (folder / "graph.json").write_text(json.dumps(graph), encoding="utf-8")


def main(folder: Path) -> int:
    """Do what request.json in `folder` says; the exit status."""
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    try:
        read(request, folder)
    except Exception as error:
        reason = str(error).strip() or type(error).__name__
        kind = "input" if type(error).__name__ == "InputError" else "load"
        (folder / "refusal.json").write_text(json.dumps({"kind": kind, "reason": reason}), encoding="utf-8")
        return 1
    return 0


if __name__ == "__main__":
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    sys.path[:] = sys.argv[2:]
    sys.exit(main(Path(sys.argv[1])))
