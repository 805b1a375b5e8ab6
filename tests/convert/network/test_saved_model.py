"""A SavedModel that is a graph alone is refused, and the way that the refusal names works."""

import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgecnn import ModelFileError
from edgecnn.convert import adopt
from edgecnn.device import Classifier
from edgecnn.device.packing import pack_model
from edgecnn.device.runtime.description import Description
from edgecnn.device.runtime.run_options import RunOptions

LABELS = ("red", "green", "blue")


class Module(tf.Module):  # type: ignore[misc]
    """Names the channel that is most, with a variable of its own and those of a Keras 3 layer."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = tf.Variable(tf.constant(3.0))
        self.layer = keras.layers.Dense(3, kernel_initializer=lambda shape, dtype: 3 * tf.eye(3))

    def __call__(self, image: tf.Tensor) -> tf.Tensor:
        """Probabilities (batch, 3) of pixels of 0 to 1."""
        return tf.nn.softmax(self.gain * self.layer(tf.reduce_mean(image, axis=[1, 2])))


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a SavedModel that is a graph alone."""
    module, image = Module(), tf.TensorSpec((None, 8, 8, 3), tf.float32)
    folder = tmp_path_factory.mktemp("saved") / "graph"
    tf.saved_model.save(module, folder, signatures=tf.function(module).get_concrete_function(image))
    return folder


def refusal(folder: Path) -> str:
    """Why `folder` is not taken."""
    with pytest.raises(ModelFileError) as error:
        adopt(folder, LABELS, folder.with_name("run"))
    return str(error.value)


@pytest.mark.filterwarnings("ignore:.* carries no card")
def test_the_line_that_is_named_makes_a_file_that_can_be_packed(
    graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = refusal(graph)
    found = re.search(r'python -c "(.+?)", and .* edgecnn pack (\S+)', words)
    assert found, words
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-c", found[1]], check=True, capture_output=True)
    pack_model(tmp_path / found[2], tmp_path / "p.tflite", RunOptions(description=Description(LABELS, (0.0, 1.0))))
    pixels = np.full((8, 8, 3), (20, 30, 200), np.uint8)
    scores = np.exp(pixels[0, 0] / 255 * 9)
    found_scores = Classifier(tmp_path / "p.tflite").probabilities(pixels)
    np.testing.assert_allclose(found_scores, scores / scores.sum(), atol=1e-5)


def test_file_whose_weights_were_left_behind_is_refused(graph: Path, tmp_path: Path) -> None:
    made = tmp_path / "left-behind.tflite"
    made.write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(graph)).convert())
    description = Description(LABELS, (0.0, 1.0))
    with pytest.raises(ModelFileError, match=r"reads variables that nothing in it sets.*from_concrete_functions"):
        Classifier(made, description=description)
    with pytest.raises(ModelFileError, match="nothing in it sets"):
        pack_model(made, tmp_path / "p.tflite", RunOptions(description=description))


def test_graph_without_a_signature_names_no_line_that_fails(tmp_path: Path) -> None:
    tf.saved_model.save(Module(), tmp_path / "graph")
    words = refusal(tmp_path / "graph")
    assert "no signature serving_default" in words and "python -c" not in words
