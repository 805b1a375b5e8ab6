"""Training on pretrained weights: which layers learn, and the last one first, on features that are computed once."""

import hashlib
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.errors import InputError
from edgecnn.pixels.input_table import apply_table

from .. import architectures, pretrained
from ..prediction import batch_size
from ..progress import TrainingProgress
from . import losses
from .batches import Batches
from .feature_cache import FeatureCache, Features
from .setup import TrainingSetup

_BATCH = 256
_STEPS = 400  # of the last layer's training: its loss has settled by then; with many images it sees each 10 times
_PASSES = 10
_RATE = 3e-3
# Of the squared kernel, on features of mean 0 and deviation 1: with few images there are more features than images.
_L2 = 1e-2
# A feature that varies less than this share of the others is not made as loud as they are: augmented images, on which
# the other layers learn later, may make it vary a thousand times as much.
_QUIET = 0.1


def prepare_network(network: keras.Model, setup: TrainingSetup) -> None:
    """Load the pretrained weights that the training starts from, and settle which layers it changes.

    Raises:
        EdgecnnError: weights that cannot be downloaded or read, or of another network.
        InputError: more layers to freeze than the network has.
    """
    if setup.weights:
        pretrained.load_pretrained(network, setup.architecture, setup.weights)
    if setup.recipe.frozen is None:
        return
    layers = [layer for layer in network.layers[:-1] if not isinstance(layer, keras.layers.InputLayer)]
    frozen = round(setup.recipe.frozen * len(layers)) if setup.freeze is None else setup.freeze
    if frozen == "all":
        frozen = len(layers)
    if frozen > len(layers):
        raise InputError(
            f"{setup.architecture} has {len(layers)} layers before its last. Received: freeze={frozen}; freeze fewer, "
            "or all"
        )
    for number, layer in enumerate(layers):
        layer.trainable = number >= frozen
    # Batch normalisation keeps its statistics, in a network within this one, too: those of a few dozen images would be
    # worse, and a frozen layer of Keras computes with them in training too.
    for layer in network._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def train_last_layer(
    network: keras.Model,
    parts: tuple[Batches, Batches | None],
    setup: TrainingSetup,
    progress: TrainingProgress,
    poll: Callable[[], None],
) -> dict[str, float]:
    """Train the last layer of `network` on what the others make of the images, without augmentation.

    Args:
        network: with pretrained weights.
        parts: the images to train and to validate on.
        setup: its recipe's label smoothing and dropout, its seed and class weights.
        progress: is told of the features.
        poll: is called between batches; may raise.

    Returns:
        loss and accuracy on the images, and val_loss and val_accuracy where there are such; the learning rate.
    """
    body, cache = pretrained.body_of(network), FeatureCache(_describe(network, setup))
    try:
        features = [_features(body, part, cache, progress, poll) for part in parts if part is not None]
    finally:
        cache.save()  # after Ctrl-C, too: who starts again need not wait for these again
    labels = [part.split.labels[part.rows] for part in parts if part is not None]
    weights = None if setup.class_weights is None else setup.class_weights[labels[0]]
    last, deviation = network.layers[-1], features[0].std(axis=0)
    mean = features[0].mean(axis=0) if last.use_bias else np.zeros_like(deviation)  # a bias makes up for it
    lowest = _QUIET * float(np.sqrt(np.square(deviation).mean()))
    inverse: Features = np.reciprocal(np.maximum(deviation, np.float32(lowest or 1.0)))
    scaled = [(each - mean) * inverse for each in features]
    layer = _fit_layer((scaled[0], labels[0], weights), setup, last, poll)
    loss = losses.build_loss(setup.recipe, network.outputs[0].shape[1], False)
    logs = {"learning_rate": _RATE}
    for prefix, inputs, truth in zip(("", "val_"), scaled, labels, strict=False):
        probabilities = np.asarray(layer.predict_on_batch(inputs))
        logs[f"{prefix}loss"] = float(loss(truth, probabilities))
        logs[f"{prefix}accuracy"] = float((probabilities.argmax(axis=1) == truth).mean())
    kernel, *bias = (np.asarray(value) for value in layer.get_weights())
    kernel = kernel * inverse[:, None]
    last.set_weights([kernel, *(each - mean @ kernel for each in bias)])
    return logs


def _fit_layer(
    data: tuple[Features, npt.NDArray[np.int64], npt.NDArray[np.float32] | None],
    setup: TrainingSetup,
    last: keras.layers.Dense,
    poll: Callable[[], None],
) -> keras.Model:
    """Multinomial logistic regression on features of deviation 1, with a bias where the layer `last` has one."""
    inputs, labels, weights = data
    steps = max(_STEPS, _PASSES * len(inputs) // _BATCH)
    model = keras.Sequential(
        [
            keras.Input(inputs.shape[1:]),
            keras.layers.Dropout(setup.recipe.dropout, seed=setup.seed),
            keras.layers.Dense(
                last.units,
                activation="softmax",
                use_bias=last.use_bias,
                kernel_initializer="zeros",
                kernel_regularizer=keras.regularizers.L2(_L2),
                dtype="float32",
            ),
        ]
    )
    rate = keras.optimizers.schedules.CosineDecay(_RATE, steps)
    model.compile(keras.optimizers.Adam(rate), losses.build_loss(setup.recipe, last.units, False), jit_compile=False)
    order = np.random.default_rng(setup.seed)
    for _ in range(steps):
        rows = order.choice(len(inputs), min(_BATCH, len(inputs)), replace=False)
        model.train_on_batch(inputs[rows], labels[rows], None if weights is None else weights[rows])
        poll()
    return model


def _features(
    body: keras.Model, part: Batches, cache: FeatureCache, progress: TrainingProgress, poll: Callable[[], None]
) -> Features:
    """float32 (rows, features) of the images that `part` serves, in their own order."""
    images, size = part.split.images, batch_size(body)
    computed = 0

    def compute(pixels: npt.NDArray[np.uint8]) -> Features:
        nonlocal computed
        computed += len(pixels)
        poll()
        return np.asarray(body.predict_on_batch(apply_table(part.table, pixels)), np.float32)

    parts: list[Any] = []
    for found in cache.features((images[int(row)] for row in part.rows), compute, size):
        parts.append(found)
        if computed and len(parts) % 10 == 0:
            progress.tell(f"features of {len(parts) * size:,} of {len(part.rows):,} images")
    progress.tell(f"features of {len(part.rows):,} images: {len(part.rows) - computed:,} were known from before")
    return np.concatenate(parts)


def _describe(network: keras.Model, setup: TrainingSetup) -> str:
    """What the features of an image depend on, besides the image."""
    digest = hashlib.sha256()
    for weight in network.get_weights()[: -len(network.layers[-1].weights)]:
        digest.update(weight.tobytes())
    spec = setup.dataset.input
    facts = (setup.architecture, architectures.source_sha256(setup.architecture), spec.scale, spec.offset)
    return repr((*facts, setup.bfloat16, digest.hexdigest(), version("keras"), keras.backend.backend()))
