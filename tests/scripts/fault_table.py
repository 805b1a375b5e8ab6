"""Print the table of planted faults: what is changed in a file, and what `edgecnn parity` says of it.

python -m tests.scripts.fault_table

Each fault alone, in three small networks with random weights: a plain one, one with a residual, a depthwise one.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.convert import Preprocessing, adopt, convert, parity
from edgecnn.errors import ModelFileError
from edgecnn.run_directory import RunDirectory
from tests.support.depthwise import OPERATORS, make_depthwise, pictures_of
from tests.support.foreign import save_pictures
from tests.support.planted import (
    average_instead_of_maximum,
    change_activation,
    change_options,
    change_output,
    give_biases,
    plant,
)

layers = keras.layers
Fault = Callable[[RunDirectory], None]


def weights(operator: int, change: Callable[[np.ndarray], None]) -> Fault:
    """Change the weights of an operator in place."""
    return lambda run: plant(run, "int8", operator, lambda values, _: change(values))


def put(where: Any, value: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], None]:
    """Set a part of an array to what `value` makes of it."""

    def change(values: np.ndarray) -> None:
        values[where] = value(values[where].copy())

    return change


def swapped(axis: int, first: int, second: int) -> Callable[[np.ndarray], None]:
    """Exchange two slices."""

    def change(values: np.ndarray) -> None:
        moved = np.moveaxis(values, axis, 0)
        moved[[first, second]] = moved[[second, first]]

    return change


def mixed(count: int, first: int, second: int) -> list[int]:
    """0 to count - 1 with two exchanged."""
    order = list(range(count))
    order[first], order[second] = second, first
    return order


PLAIN: dict[str, Fault] = {
    "conv1: kernel 2 mirrored": weights(0, put(2, lambda k: k[:, ::-1])),
    "conv2: kernel 5 rotated by 180°": weights(1, put(5, lambda k: k[::-1, ::-1])),
    "conv2: channel 3 zeroed": weights(1, put(3, lambda k: 0 * k)),
    "conv2: channels 1 and 6 exchanged": weights(1, swapped(0, 1, 6)),
    "pooling: mean instead of maximum": lambda run: average_instead_of_maximum(run, "int8"),
    "logits: rows 0 and 3 exchanged": weights(2, swapped(0, 0, 3)),
    "conv2: stride of 2": lambda run: change_options(run, "int8", 2, strideH=2, strideW=2),
    "logits: a ReLU after it": lambda run: change_options(run, "int8", 4, fusedActivationFunction=1),
}
RESIDUAL: dict[str, Fault] = {
    "stem: kernel 1 transposed": weights(0, put(1, lambda k: k.swapaxes(0, 1))),
    "first: channel 4 negated": weights(1, put(4, lambda k: -k)),
    "first: the weights of second": lambda run: _copy(run, 2, 1),
    "second: inputs 2 and 5 exchanged": weights(2, swapped(3, 2, 5)),
    "second: the biases of first": lambda run: give_biases(run, "int8", 2, 1, range(8)),
    "logits: weight 3 of channel 1 changed": weights(3, put((1, 3), lambda w: w ^ -128)),
    "second: dilation of 2": lambda run: change_options(run, "int8", 2, dilationHFactor=2, dilationWFactor=2),
    "stem: padding SAME": lambda run: change_options(run, "int8", 0, padding=0),
}
PLACE = OPERATORS.index
DEPTHWISE: dict[str, Fault] = {
    "dw1: kernel 5 mirrored": weights(PLACE("dw1"), put((0, slice(None), slice(None), 5), lambda k: k[:, ::-1])),
    "dw2: channel 9 zeroed": weights(PLACE("dw2"), put((0, slice(None), slice(None), 9), lambda k: 0 * k)),
    "pw1: inputs 1 and 6 exchanged": weights(PLACE("pw1"), swapped(3, 1, 6)),
    "pw3: biases 3 and 8 exchanged": lambda run: give_biases(run, "int8", PLACE("pw3"), PLACE("pw3"), mixed(16, 3, 8)),
    "conv1: scale of its values doubled": lambda run: change_output(run, "int8", PLACE("conv1"), gain=2),
    "conv1: zero point shifted by 200": lambda run: change_output(run, "int8", PLACE("conv1"), shift=200),
    "conv2: channel 11 halved": weights(PLACE("conv2"), put(11, lambda k: k // 2)),
    "pw2: ReLU6 becomes ReLU1": lambda run: change_activation(
        run, "int8", PLACE("pw2"), schema.ActivationFunctionType.RELU_N1_TO_1
    ),
    "dense1: the biases of dense2": lambda run: give_biases(run, "int8", PLACE("dense1"), PLACE("dense2"), range(16)),
    "nothing": lambda run: None,
}


def _copy(run: RunDirectory, of: int, to: int) -> None:
    kept: list[np.ndarray] = []
    plant(run, "int8", of, lambda values, _: kept.append(values.copy()))
    plant(run, "int8", to, lambda values, _: np.copyto(values, kept[0]))


def _make(folder: Path, is_residual: bool) -> RunDirectory:
    keras.utils.set_random_seed(5)
    options = {"activation": "relu", "bias_initializer": "random_normal"}
    image = keras.Input((20, 20, 3))
    if is_residual:
        x = layers.Conv2D(8, 3, name="stem", **options)(image)
        y = layers.Conv2D(8, 3, padding="same", name="first", **options)(x)
        x = layers.Add()([x, layers.Conv2D(8, 3, padding="same", name="second", **options)(y)])
    else:
        x = layers.MaxPooling2D(name="pooling")(layers.Conv2D(8, 3, name="conv1", **options)(image))
        x = layers.Conv2D(8, 3, name="conv2", **options)(x)
    x = layers.GlobalAveragePooling2D(name="gap")(x)
    last = layers.Dense(5, activation="softmax", bias_initializer="random_normal", name="logits")
    keras.Model(image, last(x)).save(folder / "model.keras")
    coarse = np.random.default_rng(3).integers(0, 256, (60, 5, 5, 3), np.uint8)
    save_pictures(folder / "photos", coarse.repeat(4, axis=1).repeat(4, axis=2))
    run = RunDirectory(adopt(folder / "model.keras", tuple("abcde"), folder / "run", Preprocessing((1 / 255,))))
    convert(run.path, pictures_of(folder), calibration_images=40)
    return run


def _cells(copy: Path) -> tuple[str, str, str, str]:
    """Rung, layer, cause and sentence."""
    try:
        report = parity(copy / "run", pictures_of(copy))
    except ModelFileError as error:
        return "none: refused", "", "", str(error).partition("tflite ")[2]
    broken = next((one for one in report.findings if one.broken), None)
    return (broken.rung, broken.layer, broken.cause, broken.words) if broken else ("", "", "", report.verdict)


def main() -> None:
    """Print a row a fault, as Markdown."""
    print("| network | planted | rung | layer | cause | what parity says |\n| --- | --- | --- | --- | --- | --- |")
    for name, faults in (("plain", PLAIN), ("residual", RESIDUAL), ("depthwise", DEPTHWISE)):
        with tempfile.TemporaryDirectory() as place:
            made = Path(place) / "made"
            made.mkdir()
            if name == "depthwise":
                make_depthwise(made)
            else:
                _make(made, is_residual=name == "residual")
            for planted, fault in faults.items():
                copy = Path(shutil.copytree(made, Path(place) / "copy"))
                fault(RunDirectory(copy / "run"))
                print("|", " | ".join((name, planted, *_cells(copy))), "|", flush=True)
                shutil.rmtree(copy)


if __name__ == "__main__":
    main()
