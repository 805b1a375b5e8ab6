"""The network as it is trained: the same layers and weights, with what only training needs, and in less computing."""

import itertools
from collections.abc import Sequence

import keras
import numpy as np

from ..recipes import FARTHEST_SHIFT, Recipe
from .normalization import FusedNormalization, can_fuse

# Non-decreasing activations: max pooling may come before them, for max(f(x)) = f(max(x)), also after rounding to
# bfloat16.
_RISING = ("linear", "relu", "relu6", "leaky_relu", "elu", "softplus", "sigmoid", "tanh")


def build_training_model(model: keras.Model, recipe: Recipe, background: Sequence[float]) -> keras.Model:
    """The network to train instead of `model`: the same layers, hence the same weights, and what only training needs.

    Args:
        model: a Sequential or functional model.
        recipe: its `augment`, `dropout` (before every Dense layer) and `l2` are added.
        background: input value of what lies around an image that is moved: one a channel, or one for all.

    Returns:
        A model of the same input and output shapes that shares the weights of `model`, and computes the same. With a
        recipe for bfloat16 batch normalisation is one operator, and what has no part in the result of a Sequential
        model is left out, see `PooledFirst` and `_seen`; in float32 it adds up in the order of `model`, for the weights
        of the tutorial's own lines.
    """
    inputs = keras.Input(model.inputs[0].shape[1:])
    x = _augmented(inputs, recipe, background) if recipe.augment else inputs

    def call(layer: keras.layers.Layer, *arguments: keras.KerasTensor, **keywords: object) -> keras.KerasTensor:
        if recipe.dropout and isinstance(layer, keras.layers.Dense):
            arguments = (keras.layers.Dropout(recipe.dropout)(arguments[0]), *arguments[1:])
        return layer(*arguments, **keywords)

    if recipe.l2:
        for variable in model.trainable_variables:
            if len(variable.shape) > 1:  # kernels, not biases
                variable.regularizer = keras.regularizers.L2(recipe.l2)
    if recipe.bfloat16 and isinstance(model, keras.Sequential):
        x = _crop(x, model.layers)
        for layer in _pooled_first(model.layers):
            x = call(_quickest(layer, recipe), x)
        return keras.Model(inputs, x)
    bare = keras.Model(model.inputs[0], model.outputs[0])
    shared = keras.models.clone_model(bare, clone_function=lambda it: _quickest(it, recipe), call_function=call)
    return keras.Model(inputs, shared(x))


def freeze_first_layer(training_model: keras.Model, network: keras.Model) -> None:
    """Let `network`'s first layer keep its weights from the next step of `training_model` on.

    Its gradient costs a third of a step, and its few weights are the first to settle (Brock et al., "FreezeOut", 2017).
    Nothing changes where the first layer is no convolution, where there is no other, and on JAX: there a training step
    updates all that its optimizer knows.
    """
    learning = [layer for layer in network.layers if layer.trainable_weights]
    convolutions = [layer for layer in learning if isinstance(layer, keras.layers.Conv2D)]
    if len(convolutions) < 2 or learning[0] is not convolutions[0] or keras.backend.backend() != "tensorflow":
        return
    convolutions[0].trainable = False
    training_model.make_train_function(force=True)


def _quickest(layer: keras.layers.Layer, recipe: Recipe) -> keras.layers.Layer:
    return FusedNormalization(layer) if recipe.bfloat16 and can_fuse(layer) else layer


class PooledFirst(keras.layers.Layer):
    """A convolution and the max pooling behind it, its bias and activation last: on a quarter of the values."""

    def __init__(self, convolution: keras.layers.Conv2D, pooling: keras.layers.MaxPooling2D) -> None:
        super().__init__(name=f"{convolution.name}_{pooling.name}", dtype=convolution.dtype_policy)
        self.convolution, self.pooling = convolution, pooling

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """What `pooling` makes of what `convolution` makes of x, (batch, height, width, channels)."""
        x = self.pooling(self.convolution.convolution_op(x, self.convolution.kernel))
        if self.convolution.use_bias:
            x = x + self.convolution.bias
        return self.convolution.activation(x)


def _pooled_first(layers: Sequence[keras.layers.Layer]) -> list[keras.layers.Layer]:
    """`layers`, with every convolution that max pooling follows joined with it."""
    joined: list[keras.layers.Layer] = []
    for layer, following in itertools.pairwise([*layers, None]):
        if _rises(layer) and type(following) is keras.layers.MaxPooling2D:
            joined.append(PooledFirst(layer, following))
        elif not (joined and isinstance(joined[-1], PooledFirst) and joined[-1].pooling is layer):
            joined.append(layer)
    return joined


def _rises(layer: keras.layers.Layer) -> bool:
    """Whether `layer` is a convolution whose bias and activation may as well come after max pooling."""
    return (
        type(layer) is keras.layers.Conv2D
        and layer.activity_regularizer is None
        and layer.data_format == "channels_last"
        and getattr(layer.activation, "__name__", "") in _RISING
        and getattr(layer.activation, "__module__", "").startswith("keras.")
    )


def _crop(x: keras.KerasTensor, layers: Sequence[keras.layers.Layer]) -> keras.KerasTensor:
    """Images, (batch, height, width, channels), without the last rows and columns that no pooling window reaches."""
    height, width = x.shape[1:3]
    rows, columns = (_seen(layers, axis) or size for axis, size in enumerate((height, width)))
    if (rows, columns) == (height, width):
        return x
    return keras.layers.Cropping2D(((0, height - rows), (0, width - columns)))(x)


def _seen(layers: Sequence[keras.layers.Layer], axis: int) -> int:
    """How many rows (`axis` 0) or columns (1) of an image the first convolutions and poolings look at; 0 for all.

    Of 11 rows, pooling by 2 takes the first 10. The rows that these are made of are all that count.
    """
    kinds = (keras.layers.Conv2D, keras.layers.MaxPooling2D)
    first = list(
        itertools.takewhile(
            lambda layer: (
                type(layer) in kinds
                and layer.padding == "valid"
                and layer.data_format == "channels_last"
                and getattr(layer, "activity_regularizer", None) is None
            ),
            layers,
        )
    )
    if not first:
        return 0
    size: int = first[-1].output.shape[1 + axis]
    for layer in reversed(first):
        if isinstance(layer, keras.layers.Conv2D):
            window, stride = (layer.kernel_size[axis] - 1) * layer.dilation_rate[axis] + 1, layer.strides[axis]
        else:
            window, stride = layer.pool_size[axis], layer.strides[axis]
        size = (size - 1) * stride + window
    return size


def _augmented(x: keras.KerasTensor, recipe: Recipe, background: Sequence[float]) -> keras.KerasTensor:
    """Images x, (batch, height, width, channels), changed at random.

    Keras fills all channels with one value: where theirs differ, images are moved as what they are above it.
    """
    alike = len(set(background)) == 1
    above = x if alike else x - np.array(background, np.float32)
    for name in recipe.augment:
        above = _augmentation(name, background[0] if alike else 0.0)(above)
    return above if alike else above + np.array(background, np.float32)


def _augmentation(name: str, background: float) -> keras.layers.Layer:
    layers = keras.layers
    constant = {"fill_mode": "constant", "fill_value": background}
    layer = {
        "flip": lambda: layers.RandomFlip("horizontal"),
        "shift": lambda: layers.RandomTranslation(FARTHEST_SHIFT, FARTHEST_SHIFT, **constant),
        "rotate": lambda: layers.RandomRotation(15 / 360, **constant),
        "zoom": lambda: layers.RandomZoom((-0.1, 0.1), **constant),
        "erase": lambda: layers.RandomErasing(factor=(0.5, 0.5), scale=(0.02, 0.15), fill_value=background),
    }[name]()
    if keras.backend.backend() == "jax":
        # Keras calls some of them unfit for XLA, as it is in TensorFlow, and would run the network step by step.
        layer.supports_jit = True
    return layer
