"""Train usual networks with tf-keras, save them as Keras 2 does, and write down what they answer: FOLDER.

Others are not trained: their answers need code that Keras does not bring, or tell what a trained network's would not.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

os.environ.update(TF_USE_LEGACY_KERAS="1", TF_CPP_MIN_LOG_LEVEL="3")

import h5py
import numpy as np
import own_layers  # type: ignore[import-not-found]  # it lies beside this program
import tensorflow as tf
import tf_keras

layers = tf_keras.layers
SHAPE, CLASSES = (24, 24, 3), 3


def pictures(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A bright square of one colour on noise: uint8 (count, 24, 24, 3), and classes (count,)."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 110, (count, *SHAPE))
    classes = np.arange(count) % CLASSES
    for image, channel in zip(images, classes, strict=True):
        row, column = generator.integers(2, 12, 2)
        image[row : row + 9, column : column + 9, channel] += 140
    return images.astype(np.uint8), classes


def sequential() -> Any:
    """A Rescaling inside, max pooling, Flatten, and what only training has."""
    stack = [layers.Rescaling(1 / 255, input_shape=SHAPE), layers.RandomFlip("horizontal"), layers.Conv2D(8, 3)]
    stack += [layers.BatchNormalization(), layers.ReLU(), layers.SpatialDropout2D(0.1), layers.MaxPooling2D()]
    stack += [layers.Dropout(0.2), layers.Flatten()]
    return tf_keras.Sequential([*stack, layers.Dense(CLASSES, activation="softmax")])


def functional() -> Any:
    """Functions of TensorFlow on the input, as `preprocess_input` leaves them; a residual; logits."""
    image = tf_keras.Input(SHAPE)
    x = tf_keras.applications.mobilenet_v2.preprocess_input(image)
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="stem")(x)
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(x)
    y = layers.LeakyReLU(0.1)(layers.BatchNormalization()(y))
    x = layers.MaxPooling2D(name="pool")(tf.concat([x + y, y], -1))
    return tf_keras.Model(image, layers.Dense(CLASSES, name="logits")(layers.GlobalAveragePooling2D(name="gap")(x)))


def nested() -> Any:
    """A functional model in a functional one, with separable and transposed convolutions."""
    inner = tf_keras.Input(SHAPE)
    x = layers.SeparableConv2D(8, 3, activation="relu", name="separable")(inner)
    x = layers.Conv2DTranspose(8, 2, strides=2, name="up")(layers.AveragePooling2D(name="halved")(x))
    base = tf_keras.Model(inner, layers.Activation("relu6")(layers.BatchNormalization()(x)), name="base")
    image = tf_keras.Input(SHAPE)
    x = base(layers.Rescaling(1 / 127.5, offset=-1)(image), training=False)
    x = layers.Dropout(0.2)(layers.GlobalMaxPooling2D(name="gmp")(x))
    return tf_keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x))


def teachable() -> Any:
    """As Teachable Machine nests them: Sequentials, in one of them a MobileNet; pixels of -1 to 1."""
    image = tf_keras.Input(SHAPE)
    x = layers.ZeroPadding2D(((0, 1), (0, 1)), name="Conv1_pad")(image)
    x = layers.Conv2D(8, 3, strides=2, use_bias=False, name="Conv1")(x)
    x = layers.ReLU(6.0, name="Conv1_relu")(layers.BatchNormalization(name="bn_Conv1")(x))
    y = layers.Conv2D(24, 1, use_bias=False, name="expand")(x)
    y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="expand_depthwise")(y)
    y = layers.Conv2D(8, 1, use_bias=False, name="project")(layers.ReLU(6.0)(layers.BatchNormalization()(y)))
    base = tf_keras.Model(image, layers.Add()([x, layers.BatchNormalization()(y)]), name="mobilenet")
    features = tf_keras.Sequential([base, layers.GlobalAveragePooling2D()], name="sequential_1")
    head = [layers.Dense(16, activation="relu"), layers.Dense(CLASSES, activation="softmax", use_bias=False)]
    model = tf_keras.Sequential([features, tf_keras.Sequential(head, name="sequential_3")], name="sequential_4")
    model.build((None, *SHAPE))
    return model


def normalized() -> Any:
    """A Normalization with learned statistics, blue first, and a layer that is called twice."""
    image = tf_keras.Input(SHAPE)
    normalization = layers.Normalization()
    normalization.adapt(pictures(60, 2)[0].astype(np.float32))
    x = layers.PReLU(shared_axes=[1, 2])(
        layers.Conv2D(8, 3, padding="same", name="conv")(normalization(image)[..., ::-1])
    )
    again = layers.BatchNormalization(scale=False)
    x = layers.Concatenate()([again(x), layers.Multiply()([x, layers.Activation("sigmoid")(again(x))])])
    x = layers.MaxPooling2D(4, name="pool")(x)
    return tf_keras.Model(image, layers.Dense(CLASSES, activation="softmax")(layers.Flatten()(x)))


def with_groups(path: Path) -> None:
    """Change a .h5 file to what TensorFlow 2.4 wrote: `groups` of a depthwise convolution, and its Keras' version."""
    with h5py.File(path, "r+") as file:
        config = file.attrs["model_config"].replace('"depth_multiplier": 1', '"groups": 1, "depth_multiplier": 1')
        file.attrs["model_config"], file.attrs["keras_version"] = config, "2.4.0"


def with_code() -> Any:
    """A Lambda whose code lies in the file; it uses a name of TensorFlow's."""
    stack = [layers.Lambda(lambda pixels: tf.cast(pixels, tf.float32) / 255, input_shape=SHAPE, name="scaled")]
    return tf_keras.Sequential([*stack, layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(CLASSES, "softmax")])


def with_own_layers() -> Any:
    """A layer of somebody's own, and a Lambda of a function with a name."""
    stack = [layers.Conv2D(4, 3, input_shape=SHAPE), own_layers.Gain(0.1, name="gain")]
    stack += [layers.Lambda(own_layers.half, name="half"), layers.Flatten(), layers.Dense(CLASSES, "softmax")]
    return tf_keras.Sequential(stack)


def wrapped() -> Any:
    """Layers that are made of layers: a word of Keras 2 in them is none of Keras 3's."""
    image = tf_keras.Input(SHAPE)
    x = layers.TimeDistributed(layers.Dense(6, activation="relu"))(layers.Reshape((24, 72))(image / 255))
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True), merge_mode="sum")(x)
    x = layers.RNN([layers.GRUCell(5), layers.LSTMCell(4)], return_sequences=True)(x)
    x = layers.Bidirectional(layers.GRU(4), backward_layer=layers.LSTM(4, go_backwards=True))(x)
    return tf_keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x))


def of_bytes() -> Any:
    """A network that takes the bytes of an image."""
    image = tf_keras.Input(SHAPE, dtype="uint8")
    x = layers.Conv2D(8, 3, activation="relu")(tf.cast(image, tf.float32) / 64)
    return tf_keras.Model(image, layers.Dense(CLASSES, activation="softmax")(layers.GlobalAveragePooling2D()(x)))


def of_one_mind() -> Any:
    """A network whose probabilities are 1 and 0 whatever its layers compute: the last bias is larger than all that."""
    image = tf_keras.Input(SHAPE)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Conv2D(4, 3)(image)))
    model = tf_keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x))
    model.layers[-1].bias.assign([1e4, 0, 0])
    return model


def of_its_batch() -> Any:
    """A model within whose batch normalisation takes the images that are asked together: built with training=True."""
    inner = tf_keras.Input(SHAPE)
    base = tf_keras.Model(inner, layers.BatchNormalization()(layers.Conv2D(4, 3)(inner)), name="base")
    image = tf_keras.Input(SHAPE)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(base(image, training=True)))
    return tf_keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x))


# File, network, and what pixels are divided by and what is taken away before the network gets them.
NETWORKS = {
    "sequential.h5": (sequential, 1, 0), "functional.keras": (functional, 1, 0), "nested_saved_model": (nested, 1, 0),
    "teachable.h5": (teachable, 127.5, 1), "normalized.h5": (normalized, 1, 0),
}  # fmt: skip
UNTRAINED = {
    "code.h5": with_code, "own.keras": with_own_layers, "code_saved_model": with_code, "wrapped.h5": wrapped,
    "bytes.keras": of_bytes, "mind.h5": of_one_mind,
}  # fmt: skip


def main(folder: Path) -> None:
    """Write the files and `answers.npz`: of each file the answers to `images`, (images, classes)."""
    images, classes = pictures(360, 0)
    test, _ = pictures(120, 1)
    answers = {}
    for name, (build, divisor, taken) in NETWORKS.items():
        tf_keras.utils.set_random_seed(0)
        model = build()
        is_softmax = getattr(model.layers[-1], "activation", None) is not tf_keras.activations.linear
        loss = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=not is_softmax)
        model.compile(tf_keras.optimizers.Adam(0.02), loss)
        model.fit(images / divisor - taken, classes, batch_size=60, epochs=14, verbose=0)
        model.save(folder / name)
        scores = model.predict(test / divisor - taken, verbose=0)
        answers[name] = scores if is_softmax else tf.nn.softmax(scores).numpy()
    # So TensorFlow 2.11 and before named it.
    shutil.copy(folder / "sequential.h5", folder / "hdf5.keras")
    answers["hdf5.keras"] = answers["sequential.h5"]
    for name, build in UNTRAINED.items():
        tf_keras.utils.set_random_seed(0)
        model = build()
        model.save(folder / name)
        answers[name] = model.predict(test.astype(np.float32), verbose=0)
    of_its_batch().save(folder / "batch.h5")
    with_groups(folder / "teachable.h5")
    np.savez(folder / "answers.npz", images=test, **answers)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
