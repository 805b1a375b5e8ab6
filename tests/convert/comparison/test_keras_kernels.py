"""An operator's weights are told to be those of the Keras layer, and of the part of it, that they came from."""

import keras
import numpy as np

from edgecnn.convert.comparison.keras_kernels import layer_names
from edgecnn.convert.tflite.kernels import Constant, Kernel

layers = keras.layers


def kernel(weights: np.ndarray) -> Kernel:
    """An operator with these weights, (channels, ...), as TFLite has them."""
    nothing = np.zeros((1,) * weights.ndim)
    return Kernel("FULLY_CONNECTED", Constant(0, weights.astype(np.float64), nothing, nothing, nothing), None)


def test_the_parts_of_an_attention_have_names_of_their_own() -> None:
    keras.utils.set_random_seed(0)
    tokens = keras.Input((6, 8))
    attention = layers.MultiHeadAttention(2, 4, name="attention")
    attended = layers.Dense(8, name="dense")(attention(tokens, tokens))
    model = keras.Model(tokens, layers.Conv1D(4, 3, name="conv")(attended))
    stored = {
        variable.path.split("/")[-2]: np.asarray(variable) for variable in model.weights if variable.name == "kernel"
    }
    parts = ("query", "key", "value")
    given = [kernel(stored[part].reshape(8, 8).T) for part in parts]
    given += [kernel(stored["attention_output"].reshape(8, 8).T), kernel(stored["dense"].T)]
    given += [kernel(stored["conv"].reshape(24, 4).T.reshape(4, 1, 3, 8))]
    names = layer_names(model, given)
    assert names == (*(f"attention/{part}" for part in parts), "attention/attention_output", "dense", "conv")


def test_of_a_separable_convolution_the_first_part_is_told_from_the_one_that_gives_its_values() -> None:
    image = keras.Input((6, 6, 3))
    model = keras.Model(image, layers.SeparableConv2D(4, 3, name="separable")(image))
    first, second = (np.asarray(model.weights[place]) for place in (0, 1))
    given = [kernel(first.transpose(2, 0, 1, 3)), kernel(second.transpose(3, 0, 1, 2))]
    assert layer_names(model, given) == ("separable/depthwise", "separable")
