"""Another tool's file with a card and golden probes of its own."""

import io
import json
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn import InputError, InputSpec, ModelFileError
from edgecnn.device import Classifier, Description, describe, packing, verify
from edgecnn.device.packing import pack_model, patterns, split_files
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.model_file.container import add_header, read_model
from edgecnn.model_file.golden import golden_of
from edgecnn.model_file.golden_probes import most_bytes
from edgecnn.pixels.input_spec import Colour
from tests.support.command_line import Run, printed
from tests.support.tflite_files import converted, converted_colours, with_constants_behind, with_metadata

COLOURS = {"red": (220, 30, 40), "green": (30, 210, 60), "blue": (40, 50, 230)}
LABELS = "red\ngreen\nblue\n"
SAID_OF_THE_SOURCE = pytest.mark.filterwarnings("ignore:.* carries no card")


@pytest.fixture(scope="module")
def logits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float model of colours that ends in a dense layer and takes pixels of -1 to 1; labels beside it."""
    folder = tmp_path_factory.mktemp("logits")
    (folder / "m.tflite").write_bytes(converted_colours("linear", mean=127.5, std=127.5))
    (folder / "labels.txt").write_text(LABELS)
    return folder / "m.tflite"


def test_packed_file_needs_nothing_said_twice(logits: Path, tmp_path: Path, edgecnn: Run) -> None:
    path = tmp_path / "packed.tflite"
    said = ("--labels", logits.with_name("labels.txt"), "--input-range", "-1", "1", "--fit", "crop")
    result = edgecnn("pack", logits, *said, "--output", path)
    assert result.exit_code == 0 and "patterns" in result.stdout, result.output
    classifier = Classifier(path)  # warnings are errors here: nothing is assumed
    assert classifier.input.fit == "crop"
    for name, colour in COLOURS.items():
        pixels = np.full((8, 8, 3), colour, np.uint8)
        expected = np.exp(8 / 255 * (np.array(colour) - 127.5))  # the logits, of which a softmax is to be made
        np.testing.assert_allclose(classifier.probabilities(pixels), expected / expected.sum(), atol=1e-5)
        assert classifier.classify(pixels)[0].label == name


@SAID_OF_THE_SOURCE
def test_constants_behind_the_tables_are_the_same_when_packed(logits: Path, tmp_path: Path, edgecnn: Run) -> None:
    path, packed = tmp_path / "m.tflite", tmp_path / "m.packed.tflite"
    path.write_bytes(with_constants_behind(logits.read_bytes()))
    said = ("--labels", logits.with_name("labels.txt"), "--input-range", "-1", "1")
    printed(edgecnn("pack", path, *said))
    spoken = Description(("red", "green", "blue"), (-1.0, 1.0))
    before, after = Classifier(path, description=spoken), Classifier(packed)
    for colour in COLOURS.values():
        pixels = np.full((8, 8, 3), colour, np.uint8)
        np.testing.assert_array_equal(after.probabilities(pixels), before.probabilities(pixels))
    assert verify(packed).passed


@SAID_OF_THE_SOURCE
def test_file_that_answers_otherwise_when_packed_is_not_written(
    logits: Path, tmp_path: Path, edgecnn: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_other_weights(flatbuffer: bytes) -> bytes:
        exchanged = with_header(flatbuffer.replace(gain, np.float32(-1).tobytes()))
        assert exchanged != with_header(flatbuffer)
        return exchanged

    with_header, gain = add_header, np.float32(8 * 127.5 / 255).tobytes()
    monkeypatch.setattr(packing, "add_header", with_other_weights)
    said = ("--labels", logits.with_name("labels.txt"), "--input-range", "-1", "1")
    result = edgecnn("pack", logits, *said, "--output", tmp_path / "p.tflite")
    assert result.exit_code == 1 and "would answer otherwise with a card than it does without" in result.stderr
    assert not (tmp_path / "p.tflite").exists()


@SAID_OF_THE_SOURCE
def test_its_probes_are_this_runtimes_and_said_so(logits: Path, tmp_path: Path, edgecnn: Run) -> None:
    said = RunOptions(description=Description(("red", "green", "blue"), (-1.0, 1.0)))
    path = tmp_path / "packed.tflite"
    packed = pack_model(logits, path, said)
    verification = verify(path)
    assert verification.passed and verification.probes == packed.probes > 2
    assert verification.keras_top1_equal is None and packed.host_runtime == verification.runtime
    shown = printed(edgecnn("verify", path))
    assert "where it was packed" in shown and "Keras" not in shown and "PASS" in shown
    assert "pack, of another tool's file" in printed(edgecnn("info", path))
    file = read_model(path)
    golden = golden_of(file)
    assert golden
    scores = np.exp(8 / 255 * (golden.images.mean(axis=(1, 2)) - 127.5))
    np.testing.assert_allclose(golden.host, scores / scores.sum(axis=1, keepdims=True), atol=1e-5)


def test_what_nobody_says_is_asked_for(logits: Path, tmp_path: Path, edgecnn: Run) -> None:
    result = edgecnn("pack", logits, "--output", tmp_path / "p.tflite")
    assert result.exit_code == 1 and "say it with --labels and --input-range" in result.output
    result = edgecnn("pack", logits, "--labels", logits.with_name("labels.txt"), "--output", tmp_path / "p.tflite")
    assert result.exit_code == 1 and "say it with --input-range" in result.output and "--labels" not in result.output
    assert not (tmp_path / "p.tflite").exists()


def test_metadata_says_all_and_stays_for_other_tools(logits: Path, tmp_path: Path, edgecnn: Run) -> None:
    data = with_metadata(logits.read_bytes(), mean=[127.5], std=[127.5], files={"n.txt": LABELS}, labels="n.txt")
    (tmp_path / "m.tflite").write_bytes(data)
    result = edgecnn("pack", tmp_path / "m.tflite", "--json")
    assert result.exit_code == 0, result.output
    path = Path(json.loads(result.stdout)["path"])
    assert path == tmp_path / "m.packed.tflite" and Classifier(path).labels == ("red", "green", "blue")
    with zipfile.ZipFile(path) as archive:
        assert archive.read("n.txt").decode() == LABELS
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
    assert edgecnn("verify", path).exit_code == 0


@SAID_OF_THE_SOURCE
def test_one_sigmoid_and_whole_numbers(tmp_path: Path) -> None:
    for quantized, scheme in (("", "float32"), ("uint8", "int8")):
        source, path = tmp_path / f"s{quantized}.tflite", tmp_path / f"p{quantized}.tflite"
        source.write_bytes(converted_colours("sigmoid", quantized, units=1, std=255.0))
        packed = pack_model(source, path, RunOptions(description=Description(("other", "blue"), (0.0, 1.0))))
        assert packed.card.quantization.scheme == scheme and verify(path).passed
        opened = Classifier(path)
        named = [opened.classify(np.full((8, 8, 3), colour, np.uint8))[0].label for colour in COLOURS.values()]
        assert named == ["other", "other", "blue"]


@SAID_OF_THE_SOURCE
def test_softmax_of_whole_numbers_is_that_of_all_scores(tmp_path: Path) -> None:
    (tmp_path / "l.tflite").write_bytes(converted_colours("linear", "int8", std=255.0))
    said = RunOptions(description=Description(("red", "green", "blue"), (0.0, 1.0)))
    pack_model(tmp_path / "l.tflite", tmp_path / "p.tflite", said)
    classifier = Classifier(tmp_path / "p.tflite")
    # The same best score each time, beside others that differ.
    for green in (0, 60, 120, 180):
        pixels = np.full((8, 8, 3), (220, green, 30), np.uint8)
        (best,) = classifier.classify(pixels)
        assert best.score == pytest.approx(float(classifier.probabilities(pixels)[best.index]), abs=1e-6)
        exact = np.exp(8 / 255 * (np.array([220, green, 30]) - 127.5))
        assert best.score == pytest.approx(exact[0] / exact.sum(), abs=0.03)  # a step is 0.03 of a logit


def test_probes_are_of_the_images_that_are_given(logits: Path, tmp_path: Path, edgecnn: Run) -> None:
    (tmp_path / "photos").mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (8, 8), colour).save(tmp_path / "photos" / f"{name}.png")
    said = ("--labels", logits.with_name("labels.txt"), "--input-range", "-1", "1")
    path = tmp_path / "p.tflite"
    assert edgecnn("pack", logits, *said, "--representative", tmp_path / "photos", "-o", path).exit_code == 0
    golden = golden_of(read_model(path))
    assert golden
    assert {tuple(image[0, 0]) for image in golden.images} == set(COLOURS.values())
    result = edgecnn("pack", logits, *said, "--representative", tmp_path / "none", "-o", path, "--force")
    assert result.exit_code == 1 and "no folder" in result.output
    assert edgecnn("pack", logits, *said, "-o", path).exit_code == 1  # it is there already


def test_file_with_a_card_is_not_packed_again(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="carries a card already"):
        pack_model("fashion-mnist", tmp_path / "p.tflite")


@pytest.mark.parametrize(("height", "width", "channels"), [(28, 28, 1), (9, 16, 3), (160, 160, 3)])
def test_patterns_are_gradients_over_colours_and_take_no_more_memory_than_they_need(
    height: int, width: int, channels: int
) -> None:
    colour: Colour = "grayscale" if channels == 1 else "rgb"
    numbers = (1.0,) * channels
    spec = InputSpec(height, width, channels, colour, "stretch", "bilinear", numbers, numbers, "any")
    tracemalloc.start()
    images = patterns(spec)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 2.5 * images.nbytes + 2_000_000  # of that what NumPy imports
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width] / max(height, width)
    slopes = rng.uniform(-200, 200, (len(images), 2, 1, 1, channels))
    planes = rng.uniform(0, 255, (len(images), 1, 1, channels))
    values = planes + slopes[:, 0] * x[None, :, :, None] + slopes[:, 1] * y[None, :, :, None]
    np.testing.assert_array_equal(images, np.clip(values, 0, 255).astype(np.uint8))  # sealed files answer to these


def test_zip_that_does_not_read_stays_where_it_is() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "abc")
    assert split_files(b"model" + buffer.getvalue()) == (b"model", {"a.txt": b"abc"})
    damaged = b"model" + buffer.getvalue()[:-8]
    assert split_files(damaged) == (damaged, {})


@SAID_OF_THE_SOURCE
def test_info_shows_how_a_file_is_understood(logits: Path, edgecnn: Run) -> None:
    said = ("--labels", logits.with_name("labels.txt"), "--input-range", "-1", "1")
    shown = printed(edgecnn("info", logits, *said))
    assert "red, green, blue" in shown and "value = pixel * 0.00784314 + -1" in shown
    assert describe(logits, Description(("a", "b", "c"), (-1.0, 1.0))).labels == ("a", "b", "c")
    with pytest.raises(InputError, match="3 classes"):
        describe(logits, Description(("a", "b")))


@pytest.fixture(scope="module")
def large() -> bytes:
    """A small network that takes images 160 x 160."""
    keras = pytest.importorskip("keras", reason="boards have no TensorFlow")
    image = keras.Input((160, 160, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(32, 5)(image))
    return converted(keras.Model(image, keras.layers.Dense(3, "softmax")(pooled)))


@SAID_OF_THE_SOURCE
@pytest.mark.parametrize("from_images", [False, True])
def test_probes_never_outweigh_their_network(from_images: bool, large: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(large)
    for number in range(5 * from_images):
        noise = np.random.default_rng(number).integers(0, 256, (160, 160, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{number}.png")
    said = RunOptions(description=Description(("a", "b", "c"), (0.0, 1.0)))
    pack_model(tmp_path / "m.tflite", tmp_path / "p.tflite", said, tmp_path if from_images else None)
    packed = read_model(tmp_path / "p.tflite")
    assert packed.golden and len(packed.golden) <= most_bytes(len(packed.flatbuffer))
    assert verify(tmp_path / "p.tflite").passed


@SAID_OF_THE_SOURCE
def test_images_that_all_get_one_class_are_warned_of(logits: Path, tmp_path: Path, edgecnn: Run) -> None:
    for number in range(12):
        Image.new("RGB", (8, 8), (200 + number, 30, 40)).save(tmp_path / f"{number}.png")
    said = ("--labels", logits.with_name("labels.txt"), "--input-range", "-1", "1")
    result = edgecnn("pack", logits, *said, "--representative", tmp_path, "-o", tmp_path / "p.tflite")
    assert result.exit_code == 0 and "warning: all 12 images get one class, 'red'" in result.stderr


def test_scores_that_are_no_probabilities_are_warned_of(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(converted_colours("tanh", std=255.0))
    said = Description(labels=("red", "green", "blue"), input_range=(0.0, 1.0))
    told: list[str] = []
    pack_model(tmp_path / "m.tflite", tmp_path / "packed.tflite", RunOptions(description=said), progress=told.append)
    assert any("do not sum to 1" in line for line in told)
