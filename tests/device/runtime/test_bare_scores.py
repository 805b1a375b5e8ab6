"""Label files and scores of other tools' files: several of them, in several languages, and 1,001 of ImageNet's."""

import functools
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecnn import EdgecnnWarning, InputError, ModelFileError
from edgecnn.device import Classifier, Description, FeatureExtractor, explain
from edgecnn.device.packing import pack_model
from edgecnn.device.runtime.bare import ScoreTensor
from edgecnn.device.runtime.run_options import RunOptions
from tests.support.tflite_files import colour_network, converted, converted_colours, with_metadata

RED = np.full((8, 8, 3), (220, 30, 40), np.uint8)


@pytest.fixture(scope="module")
def plain() -> bytes:
    """A float model of colours for pixels of 0 to 1."""
    return converted_colours("softmax", std=255.0)


def opened(path: Path, data: bytes, **said: Any) -> tuple[Classifier, str]:
    """What the file is opened as, and what was said of it."""
    path.write_bytes(data)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", EdgecnnWarning)
        classifier = Classifier(path, description=Description(**said))
    return classifier, "\n".join(str(warning.message) for warning in caught)


def test_labels_of_another_language_are_used_where_there_are_no_others(plain: bytes, tmp_path: Path) -> None:
    german = {"de.txt": "rot\ngrün\nblau"}
    told = with_metadata(plain, files=german, labels=[("de.txt", "de", "AXIS")])
    classifier, said = opened(tmp_path / "m.tflite", told)
    assert classifier.classify(RED)[0].label == "rot" and "(de.txt, in de)" in said
    both = {**german, "en.txt": "red\ngreen\nblue"}
    told = with_metadata(plain, files=both, labels=[("de.txt", "de", "AXIS"), ("en.txt", "en", "AXIS")])
    classifier, said = opened(tmp_path / "m.tflite", told)
    assert classifier.classify(RED)[0].label == "red" and "(en.txt, in en, not de.txt)" in said


def test_file_that_fits_the_classes_is_taken_and_labels_of_values_too(plain: bytes, tmp_path: Path) -> None:
    files = {"animals.txt": "cat\ndog", "colours.txt": "red\ngreen\nblue"}
    told = with_metadata(plain, files=files, labels=[("animals.txt", "", "AXIS"), ("colours.txt", "", "VALUE")])
    classifier, said = opened(tmp_path / "m.tflite", told)
    assert classifier.classify(RED)[0].label == "red" and "(colours.txt, not animals.txt)" in said


@pytest.mark.parametrize(
    ("text", "labels", "said"),
    [
        ("2 blue\n0 red\n1 green", ("red", "green", "blue"), "are numbered"),
        ("crane\ncrane\nblue", ("crane (0)", "crane (1)", "blue"), "names that are empty or there twice"),
        ("red\n\nblue", ("red", "(1)", "blue"), "names that are empty"),
        ("a (1)\na\na", ("a (1) (0)", "a (1)", "a (2)"), "names that are empty or there twice"),
        ("red\tapple\ngreen\nblue", ("red apple", "green", "blue"), "from its metadata"),
    ],
)
def test_names_in_metadata_may_be_as_people_write_them(
    text: str, labels: tuple[str, ...], said: str, plain: bytes, tmp_path: Path
) -> None:
    told = with_metadata(plain, files={"l.txt": text}, labels="l.txt")
    classifier, words = opened(tmp_path / "m.tflite", told)
    assert classifier.labels == labels and said in words


def test_labels_are_those_of_the_output_with_the_scores(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras", reason="boards have no TensorFlow")
    model = colour_network("softmax", std=255.0)
    maps = keras.layers.Conv2D(2, 1, name="maps")(model.inputs[0])
    data = converted(keras.Model(model.inputs, [maps, model.outputs[0]]))
    for place in (0, 1):  # the converter puts the outputs in an order of its own
        told = with_metadata(data, files={"l.txt": "red\ngreen\nblue"}, labels="l.txt", output=place)
        classifier, said = opened(tmp_path / "m.tflite", told)
        shape = classifier.loaded.session.interpreter.get_output_details()[place]["shape"]
        assert classifier.classify(RED)[0].label == ("red" if len(shape) == 2 else "0"), said


@functools.cache
def imagenet(last: str, quantized: str = "") -> tuple[bytes, np.ndarray]:
    """A network of 1,001 classes with random weights, and the kernel of its scores, (3, 1001)."""
    keras = pytest.importorskip("keras", reason="boards have no TensorFlow")
    image = keras.Input((8, 8, 3))
    scores = keras.layers.Dense(1001, activation=last)(keras.layers.GlobalAveragePooling2D()(image))
    model = keras.Model(image, scores)
    kernel = np.random.default_rng(0).normal(0, 1, (3, 1001)).astype(np.float32)
    kernel[:, 417] = 9, 0, 0  # red
    model.layers[-1].set_weights([kernel, np.zeros(1001, np.float32)])
    return converted(model, quantized), kernel


@pytest.mark.parametrize(("last", "quantized"), [("softmax", "uint8"), ("softmax", "int8"), ("linear", "")])
def test_a_thousand_and_one_scores_are_probabilities(last: str, quantized: str, tmp_path: Path) -> None:
    data, kernel = imagenet(last, quantized)
    names = tuple(f"class {number}" for number in range(1001))
    classifier, said = opened(tmp_path / "m.tflite", data, labels=names, input_range=(0.0, 1.0))
    assert ("softmax is applied" in said) == (last == "linear")
    scores = np.exp(RED[0, 0] / 255 @ kernel)
    (best,) = classifier.classify(RED)  # warnings are errors here: that they do not sum to 1 is not said
    assert best.label == "class 417"
    assert best.score == pytest.approx(scores[417] / scores.sum(), abs=0.05 if quantized else 1e-5)
    assert classifier.probabilities(RED).shape == (1001,)


@pytest.mark.filterwarnings("ignore:.* carries no card")
def test_scores_that_are_no_numbers_are_no_answer(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras", reason="boards have no TensorFlow")
    model, path = colour_network("softmax", std=255.0), tmp_path / "m.tflite"
    maps = keras.layers.Conv2D(2, 1, name="maps")(model.inputs[0])
    whole, kernel = converted(keras.Model(model.inputs, [maps, *model.outputs])), (8 * np.eye(3, dtype="f4")).tobytes()
    assert whole.count(kernel) == 1
    path.write_bytes(whole.replace(kernel, np.full(9, np.nan, np.float32).tobytes()))
    description = Description(("red", "green", "blue"), (0.0, 1.0))
    classifier, extractor = Classifier(path, description=description), FeatureExtractor(path, description=description)
    words = r"m\.tflite gives scores that are no numbers \(NaN\); its weights are damaged, copy or"
    for answer in (
        lambda: classifier.classify(RED),
        lambda: classifier.probabilities(RED),
        lambda: classifier.predict_all(RED[None]),
        lambda: classifier.predict_all(RED[None], calibrated=False),
        lambda: extractor.extract(RED),
        lambda: explain(classifier, RED),
        lambda: pack_model(path, tmp_path / "p.tflite", RunOptions(description=description)),
    ):
        with pytest.raises(ModelFileError, match=words):
            answer()


def test_logarithms_of_probabilities_become_probabilities(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras", reason="boards have no TensorFlow")
    model = colour_network("linear", std=255.0)
    data = converted(keras.Model(model.inputs, keras.layers.Activation("log_softmax")(model.outputs[0])))
    classifier, said = opened(tmp_path / "m.tflite", data, labels=("red", "green", "blue"), input_range=(0.0, 1.0))
    expected = np.exp(8.0 * RED[0, 0] / 255)
    np.testing.assert_allclose(classifier.probabilities(RED), expected / expected.sum(), atol=1e-5)
    assert "a softmax is applied" in said


def test_shapes_that_are_no_single_image_say_what_helps(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras", reason="boards have no TensorFlow")
    for shape, layers, words in (
        ((1, 3, 8, 8), [keras.layers.Permute((2, 3, 1))], r"\(1, 3, 8, 8\); its channels come first"),
        ((4, 8, 8, 3), [], r"\(4, 8, 8, 3\); it takes 4 images at once; convert it with a batch of 1"),
        ((1, None, None, 3), [], "images of any size; convert it with the size"),
    ):
        stack = [keras.Input(batch_shape=shape), *layers, keras.layers.GlobalAveragePooling2D(), keras.layers.Softmax()]
        with pytest.raises(ModelFileError, match=words):
            opened(tmp_path / "m.tflite", converted(keras.Sequential(stack)))


def test_the_background_of_imagenet_needs_no_label(tmp_path: Path) -> None:
    data, _ = imagenet("softmax")
    names = tuple(f"class {number}" for number in range(1000))
    classifier, said = opened(tmp_path / "m.tflite", data, labels=names)
    assert classifier.classify(RED)[0].label == "class 416" and "taken for the background's" in said
    told = with_metadata(data, files={"l.txt": "\n".join(names)}, labels="l.txt")
    classifier, said = opened(tmp_path / "m.tflite", told)
    assert classifier.labels[:2] == ("background", "class 0") and "taken for the background's" in said
    with pytest.raises(InputError, match="1001 classes, the label file 999"):
        opened(tmp_path / "m.tflite", data, labels=names[:-1])


def test_one_label_too_few_asks_for_the_background(plain: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is its first one for the background\?"):
        opened(tmp_path / "m.tflite", plain, labels=("green", "blue"))


def test_a_score_far_below_0_is_a_probability_of_0_without_a_warning() -> None:
    one = ScoreTensor("scores", 0, (1, 1), np.dtype(np.float32), 0.0, 0, "logits")
    np.testing.assert_array_equal(one.dequantize(np.array([[-1000.0], [0.0], [1000.0]])), [[1, 0], [0.5, 0.5], [0, 1]])
