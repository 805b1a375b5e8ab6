"""A network whose input is the pixel itself."""

import dataclasses

import keras

from .flattening import flatten
from .keras_network import KerasNetwork


def fed_with_pixels(network: KerasNetwork) -> KerasNetwork:
    """The network with the card's scale and offset inside, so that its uint8 input is the pixel itself."""
    spec = network.card.input
    if len(set(spec.scale)) == 1 and spec.scale[0] > 0 and set(spec.offset) == {0.0}:
        return network  # a step of the input is a pixel's step already
    pixels = keras.Input(spec.shape)
    rescaled = keras.layers.Rescaling(list(spec.scale), list(spec.offset))(pixels)
    model = flatten(keras.Model(pixels, network.model(rescaled)))
    pixels_in = dataclasses.replace(spec, scale=(1.0,) * spec.channels, offset=(0.0,) * spec.channels)
    return dataclasses.replace(network, model=model, card=dataclasses.replace(network.card, input=pixels_in))
