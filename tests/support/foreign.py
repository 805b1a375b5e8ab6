"""A Keras model of somebody else, and photographs to calibrate it with."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from edgecnn.pixels.dataset import Dataset


@dataclass(frozen=True)
class Foreign:
    """A Keras model that edgecnn did not train: file, labels, and photographs in class folders."""

    model: Path
    labels: Path
    photos: Path


def tinted(images: np.ndarray, seed: int) -> np.ndarray:
    """Grayscale images (count, height, width, 1) in colours of their own: uint8 (count, height, width, 3)."""
    tints = np.random.default_rng(seed).uniform(0.4, 1, (len(images), 1, 1, 3))
    return (images * tints).astype(np.uint8)


def save_pictures(folder: Path, images: np.ndarray) -> None:
    """Images, uint8 (count, height, width, channels), as PNG files in a new folder."""
    folder.mkdir(parents=True)
    for row, pixels in enumerate(images):
        Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(folder / f"{row:04}.png")


def trained_elsewhere(folder: Path, small: Dataset) -> Foreign:
    """RGB, batch normalisation, residual, depthwise, a model in a model, pixels rescaled inside, logits."""
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(0)
    inner = keras.Input((28, 28, 3))
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="stem")(inner)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(x)
    y = layers.Conv2D(16, 1, name="pointwise")(layers.ReLU()(layers.BatchNormalization()(y)))
    x = layers.MaxPooling2D(name="pool")(layers.Add()([x, y]))
    base = keras.Model(inner, layers.Conv2D(32, 3, activation="relu", name="last")(x), name="base")
    outer = keras.Input((28, 28, 3))
    z = base(layers.Rescaling(1 / 127.5, offset=-1)(layers.RandomFlip("horizontal")(outer)))
    logits = layers.Dense(10, name="logits")(layers.GlobalAveragePooling2D(name="gap")(z))
    model = keras.Model(outer, logits)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(0.004), loss=loss)
    model.fit(tinted(np.asarray(small.train.images), 0), small.train.labels, batch_size=64, epochs=4, verbose=0)
    model.save(folder / "tinted.keras")
    # In an order of its own, which is not that of the folders' names.
    (folder / "labels.txt").write_text("".join(f"{label.replace('/', ' or ')}\n" for label in small.labels))
    photos = small.test.take(400)
    for row, (pixels, label) in enumerate(zip(tinted(np.asarray(photos.images), 1), photos.labels, strict=True)):
        place = folder / "photos" / small.labels[label].replace("/", " or ")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{row:04}.png")
    return Foreign(folder / "tinted.keras", folder / "labels.txt", folder / "photos")
