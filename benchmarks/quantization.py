"""What --qat gains: agreement of int8 with Keras as converted, with integers chosen by error, and trained.

python benchmarks/quantization.py [--only bundled fast-0 fast-1 fast-2 swish hard-swish] [--epochs 1]

Networks: the bundled one, `fast` of each seed, and two that are harder for 8 bits: depthwise convolutions with swish
and with hard swish and squeeze-and-excite, trained here. Test images are only counted, never chosen by.
"""

import argparse
import importlib
import shutil
import tempfile
import time
from pathlib import Path

from edgecnn.convert import Preprocessing, adopt, convert
from edgecnn.native_output import silence_tensorflow
from edgecnn.pixels.dataset import Dataset
from edgecnn.train import load_fashion_mnist, train

BUNDLED = Path(__file__).parents[1] / "tests" / "parity" / "reference"
TRAINED_IMAGES, TRAINED_EPOCHS = 20_000, 5
SWISHES = {"swish": "silu", "hard-swish": "hard_silu"}
NETWORKS = ("bundled", "swish", "fast-0", "fast-1", "fast-2", "hard-swish")


def run_of(name: str, dataset: Dataset, folder: Path) -> Path:
    """The run directory of one of `NETWORKS`, trained where it is not at hand."""
    if name == "bundled":
        return Path(shutil.copytree(BUNDLED, folder))
    if name in SWISHES:
        return trained_depthwise(dataset, folder, SWISHES[name])
    return train(folder, dataset, recipe="fast", seed=int(name.removeprefix("fast-"))).path


def trained_depthwise(dataset: Dataset, folder: Path, swish: str) -> Path:
    """A network like EfficientNet (silu) or MobileNetV3 (hard_silu) in small."""
    import keras
    import numpy as np

    keras.utils.set_random_seed(0)
    layers, image = keras.layers, keras.Input((28, 28, 1))

    def block(x: keras.KerasTensor, layer: keras.layers.Layer) -> keras.KerasTensor:
        return layers.Activation(swish)(layers.BatchNormalization(momentum=0.9)(layer(x)))

    x = block(image, layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False))
    for width, stride in ((24, 1), (48, 2), (48, 1), (96, 2)):
        wide = block(x, layers.Conv2D(3 * x.shape[-1], 1, use_bias=False))
        wide = block(wide, layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False))
        if swish == "hard_silu":
            squeezed = layers.GlobalAveragePooling2D(keepdims=True)(wide)
            squeezed = layers.Conv2D(wide.shape[-1] // 4, 1, activation="relu")(squeezed)
            wide = layers.Multiply()([wide, layers.Conv2D(wide.shape[-1], 1, activation="hard_sigmoid")(squeezed)])
        narrow = layers.BatchNormalization(momentum=0.9)(layers.Conv2D(width, 1, use_bias=False)(wide))
        x = layers.Add()([x, narrow]) if x.shape == narrow.shape else narrow
    x = layers.GlobalAveragePooling2D()(block(x, layers.Conv2D(128, 1, use_bias=False)))
    model = keras.Model(image, layers.Dense(10, activation="softmax")(x))
    rate = keras.optimizers.schedules.CosineDecay(4e-3, TRAINED_EPOCHS * TRAINED_IMAGES // 128)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    pixels = np.asarray(dataset.train.images[:TRAINED_IMAGES], np.float32) / 255
    model.fit(pixels, dataset.train.labels[:TRAINED_IMAGES], batch_size=128, epochs=TRAINED_EPOCHS, verbose=0)
    folder.mkdir()
    model.save(folder / "trained.keras")
    return adopt(folder / "trained.keras", dataset.labels, folder / "run", Preprocessing((1 / 255,), (0.0,)))


def main() -> None:
    """Measure, and print a line for each conversion."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--epochs", type=int, default=1)
    arguments = parser.parse_args()
    silence_tensorflow()
    importlib.import_module("keras")  # the time that it takes to load is no conversion's
    dataset = load_fashion_mnist()
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.only:
            run = run_of(name, dataset, Path(folder) / name)
            for qat in (None, 0, arguments.epochs):
                start = time.process_time()
                made = convert(run, dataset, qat=qat, force=True, activations=False)
                parity, seconds = made.plain.parity, time.process_time() - start
                option = "" if qat is None else f"--qat {qat}"
                print(
                    f"{name:10} {option:8} agreement {parity.agreement:.2%} accuracy {parity.accuracy:.2%} (Keras "
                    f"{parity.keras_accuracy:.2%}) {made.plain.size_bytes:,} bytes, {made.plain.ratio:.1%}, "
                    f"{seconds:.0f} CPU-s {'; '.join(made.notes)}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
