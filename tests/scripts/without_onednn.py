"""What becomes of channels first and of grouped convolutions where TensorFlow has its own kernels alone.

without_onednn.py FOLDER: run with TF_ENABLE_ONEDNN_OPTS=0; prints the sentence that a network with channels first gets.
"""

import sys
from pathlib import Path

import numpy as np

from edgecnn import ModelFileError
from edgecnn.convert import Preprocessing, adopt
from edgecnn.convert.network.feature_maps import with_named_outputs
from edgecnn.convert.tflite.export import to_flatbuffer
from edgecnn.convert.tuning.graph import Graph
from edgecnn.convert.tuning.simulation import Simulation
from edgecnn.convert.tuning.training import train
from tests.support.many_operators import fed_noise, make_many_operators


def main(folder: Path) -> None:
    """Refuse one network and train the other."""
    import keras

    layers = keras.layers
    image = keras.Input((3, 24, 24))
    x = layers.GlobalAveragePooling2D("channels_first")(layers.Conv2D(4, 3, data_format="channels_first")(image))
    keras.Model(image, layers.Dense(2, activation="softmax")(x)).save(folder / "first.keras")
    try:
        adopt(folder / "first.keras", ("a", "b"), folder / "run", Preprocessing((1 / 255,)))
    except ModelFileError as error:
        print(error)
    images = fed_noise(64)
    simulation = Simulation(
        Graph.read(to_flatbuffer(with_named_outputs(make_many_operators()), "int8", images[:20])), {}
    )
    before = [variable.numpy() for variable in simulation.trainable_biases]
    train(simulation, lambda rows: images[rows], np.zeros((64, 5), np.float32), 1, seed=3, progress=lambda words: None)
    moved = [np.any(variable.numpy() != old) for variable, old in zip(simulation.trainable_biases, before, strict=True)]
    print(f"{sum(moved)} of {len(moved)} biases trained")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
