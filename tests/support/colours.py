"""Networks of somebody else that tell colours apart: what they are fed decides what they answer."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.support.foreign import save_pictures

# In no symmetrical order, so that blue for red is no exchange of two classes.
COLOURS = {"red": (220, 40, 40), "orange": (230, 140, 30), "teal": (30, 140, 120), "white": (210, 210, 210)}


@dataclass(frozen=True)
class ColourNetwork:
    """A Keras file, its label file, a folder of pictures in class folders, and pictures with their classes."""

    model: Path
    labels: Path
    photos: Path


def pictures(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy pictures uint8 (count, 12, 12, 3), and the indices of their colours (count,)."""
    generator = np.random.default_rng(seed)
    classes = np.arange(count) % len(COLOURS)
    images = generator.normal(np.array(list(COLOURS.values()))[classes][:, None, None], 25, (count, 12, 12, 3))
    return np.clip(images, 0, 255).astype(np.uint8), classes


def trained(folder: Path, rescales: bool, reverses: bool = False) -> ColourNetwork:
    """Train one on pixels of 0 to 1; with a Rescaling inside, or on blue, green, red."""
    import keras

    keras.utils.set_random_seed(0)
    image = keras.Input((12, 12, 3))
    x = keras.layers.Rescaling(1 / 255)(image) if rescales else image
    x = keras.layers.Conv2D(12, 3, activation="relu", name="conv")(x)
    x = keras.layers.GlobalAveragePooling2D(name="gap")(x)
    model = keras.Model(image, keras.layers.Dense(len(COLOURS), activation="softmax")(x))
    images, classes = pictures(400, 0)
    fed = (images[..., ::-1] if reverses else images) / (1 if rescales else 255)
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="sparse_categorical_crossentropy")
    model.fit(fed, classes, epochs=12, verbose=0)
    model.save(folder / "colours.keras")
    (folder / "labels.txt").write_text("\n".join(COLOURS))
    images, classes = pictures(80, 1)
    for index, name in enumerate(COLOURS):
        save_pictures(folder / "photos" / name, images[classes == index])
    return ColourNetwork(folder / "colours.keras", folder / "labels.txt", folder / "photos")
