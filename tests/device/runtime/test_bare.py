"""Files of other tools, which carry no card: their metadata, their scores, their inputs."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn import DelegateError, EdgecnnWarning, InputError, ModelFileError
from edgecnn.device import Classifier, Delegate, Description, describe
from edgecnn.device.runtime.accelerators import ACCELERATORS
from edgecnn.device.runtime.child_process import blame_delegate
from edgecnn.device.runtime.loaded_model import LoadedModel
from edgecnn.device.runtime.loading import open_model
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import add_header, pack_card, read_model
from tests.support.command_line import Run, sentence
from tests.support.model_files import card_and_golden
from tests.support.tflite_files import compiled_for_edge_tpu, converted_colours, with_metadata

COLOURS = {"red": (220, 30, 40), "green": (30, 210, 60), "blue": (40, 50, 230)}
LABELS = "red\ngreen\nblue\n"


@pytest.fixture(scope="module")
def logits() -> bytes:
    """A float model of colours that ends in a dense layer and takes pixels of -1 to 1."""
    return converted_colours("linear", mean=127.5, std=127.5)


def _opened(path: Path, data: bytes, **said: object) -> tuple[Classifier, str]:
    """What the file is opened as, and what was said of it."""
    path.write_bytes(data)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", EdgecnnWarning)
        classifier = Classifier(path, **said)  # type: ignore[arg-type]
    return classifier, "\n".join(str(warning.message) for warning in caught)


def _pixels(colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((8, 8, 3), colour, np.uint8)


def _softmax(logits: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(logits) / np.exp(logits).sum())


def test_labels_and_normalization_of_metadata_are_used_and_said(tmp_path: Path, logits: bytes) -> None:
    data = with_metadata(logits, mean=[127.5], std=[127.5], files={"names.txt": LABELS}, labels="names.txt")
    classifier, said = _opened(tmp_path / "colours.tflite", data)
    assert "labels are from its metadata (names.txt)" in said and "(pixel - 127.5) / 127.5" in said
    assert "otherwise" not in said  # nothing is assumed
    for name, colour in COLOURS.items():
        assert classifier.classify(_pixels(colour))[0].label == name
        # 8 / 255 a pixel step above the middle: what the network was built to say, then its softmax.
        expected = _softmax(8 / 255 * (np.array(colour) - 127.5))
        np.testing.assert_allclose(classifier.probabilities(_pixels(colour)), expected, atol=1e-5)


def test_logits_get_a_softmax_with_a_note_and_probabilities_do_not(tmp_path: Path, logits: bytes) -> None:
    classifier, said = _opened(tmp_path / "logits.tflite", logits)
    assert "logits: a softmax is applied" in said and "labels are indices" in said and "otherwise" in said
    assert classifier.probabilities(_pixels((1, 2, 3))).sum() == pytest.approx(1, abs=1e-6)
    classifier, said = _opened(tmp_path / "certain.tflite", converted_colours("softmax", std=255.0))
    assert "softmax is applied" not in said
    colour = COLOURS["green"]
    expected = _softmax(8 / 255 * (np.array(colour) - 127.5))
    np.testing.assert_allclose(classifier.probabilities(_pixels(colour)), expected, atol=1e-5)


def test_one_sigmoid_is_two_labels(tmp_path: Path) -> None:
    data = converted_colours("sigmoid", units=1, std=255.0)
    said_labels = Description(labels=("other", "blue"))
    classifier, said = _opened(tmp_path / "sigmoid.tflite", data, description=said_labels)
    assert "1 - p and p" in said
    p = 1 / (1 + np.exp(-8 / 255 * (230 - 127.5)))
    np.testing.assert_allclose(classifier.probabilities(_pixels(COLOURS["blue"])), [1 - p, p], atol=1e-5)
    assert [classifier.classify(_pixels(colour))[0].label for colour in COLOURS.values()] == ["other", "other", "blue"]


@pytest.mark.parametrize("quantized", ["", "uint8", "int8", "float16"])
def test_several_sigmoids_are_refused(quantized: str, tmp_path: Path, edgecnn: Run) -> None:
    path = tmp_path / "sigmoids.tflite"
    path.write_bytes(converted_colours("sigmoid", quantized, std=255.0))
    with pytest.raises(ModelFileError, match=r"ends in 3 sigmoids.*multi-label"):
        Classifier(path)
    (tmp_path / "labels.txt").write_text(LABELS)
    labels = "--labels", tmp_path / "labels.txt"
    done = edgecnn("pack", path, *labels, "--input-range", "0", "1", "--output", tmp_path / "packed.tflite")
    assert "multi-label" in sentence(done) and not (tmp_path / "packed.tflite").exists()


@pytest.mark.parametrize(("mean", "std"), [([0.0], [1.0]), ([127.5], [127.5])])
def test_uint8_input_takes_pixels_as_they_are(mean: list[float], std: list[float], tmp_path: Path) -> None:
    quantized = converted_colours("softmax", "uint8", std=255.0)
    data = with_metadata(quantized, mean=mean, std=std, files={"l.txt": LABELS}, labels="l.txt")
    classifier, said = _opened(tmp_path / "bytes.tflite", data)
    assert "pixels go in as they are" in said and "softmax is" not in said  # steps of 1/256 are probabilities
    table = classifier.loaded.session.table(classifier.input)
    np.testing.assert_array_equal(table, np.tile(np.arange(256, dtype=np.uint8), (3, 1)))
    assert [classifier.classify(_pixels(colour))[0].label for colour in COLOURS.values()] == list(COLOURS)


def test_what_the_caller_says_goes_before_the_metadata(tmp_path: Path, logits: bytes) -> None:
    data = with_metadata(logits, mean=[0.0], std=[255.0], files={"l.txt": LABELS}, labels="l.txt")
    said = Description(("r", "g", "b"), (-1.0, 1.0), "crop", "nearest")
    classifier, text = _opened(tmp_path / "colours.tflite", data, description=said)
    assert "metadata" not in text and classifier.labels == ("r", "g", "b")
    assert (classifier.input.fit, classifier.input.resize_filter) == ("crop", "nearest")
    expected = _softmax(8 / 255 * (np.array(COLOURS["red"]) - 127.5))
    np.testing.assert_allclose(classifier.probabilities(_pixels(COLOURS["red"])), expected, atol=1e-5)
    with pytest.raises(InputError, match="3 classes, the label file 2"):
        _opened(tmp_path / "colours.tflite", data, description=Description(("a", "b")))


def test_description_of_a_file_with_a_card_is_refused() -> None:
    with pytest.raises(InputError, match="carries a card"):
        Classifier("fashion-mnist", description=Description(input_range=(0, 1)))


@pytest.mark.parametrize(
    ("files", "labels", "said"),
    [
        ({"a.txt": "red\ngreen\n"}, "a.txt", "names 2 labels for 3 classes"),
        ({"a.txt": LABELS}, "b.txt", "label file b.txt, which is not in the file"),
        (None, "b.txt", "label file b.txt does not read"),
    ],
)
def test_labels_that_cannot_be_used_are_said(
    files: dict[str, str] | None, labels: str, said: str, tmp_path: Path, logits: bytes
) -> None:
    classifier, text = _opened(tmp_path / "m.tflite", with_metadata(logits, files=files, labels=labels))
    assert said in text and "labels are indices" in text and classifier.labels == ("0", "1", "2")


def test_edge_tpu_file_says_what_it_is_and_what_it_needs(tmp_path: Path, logits: bytes) -> None:
    path = tmp_path / "compiled.tflite"
    path.write_bytes(compiled_for_edge_tpu(logits))
    for delegate in (None, Delegate("cpu")):
        with pytest.raises(ModelFileError, match=r"compiled for Google's Edge TPU .* --delegate edgetpu"):
            Classifier(path, delegate=delegate)


@pytest.mark.filterwarnings("ignore:the model.s scores")  # what a delegate makes of them is not to be seen
def test_edge_tpu_file_is_tried_and_run_with_its_delegate(
    tmp_path: Path, logits: bytes, library: str, edgecnn: Run
) -> None:
    path = tmp_path / "compiled.tflite"
    path.write_bytes(compiled_for_edge_tpu(logits))
    said = Description(("red", "green", "blue"), (-1.0, 1.0))
    classifier, _ = _opened(path, path.read_bytes(), delegate=Delegate(library), description=said)
    assert [classifier.classify(_pixels(colour))[0].label for colour in COLOURS.values()] == list(COLOURS)
    crashing = Delegate(library, (("crash_invoke", "1"),))
    with pytest.raises(DelegateError, match="crashes"):  # in a child process, or this one would be gone
        Classifier(path, delegate=crashing)
    Image.new("RGB", (8, 8), COLOURS["blue"]).save(tmp_path / "blue.png")
    shown = edgecnn("classify", path, tmp_path / "blue.png", "--delegate", library, "--delegate-report")
    assert shown.exit_code == 0, shown.output
    assert "1 of 2 operators" in shown.stderr and "the CPU cannot run this file" in shown.stderr
    for delegate in (("--delegate", library, "--delegate-option", "reject=1"), ()):
        result = edgecnn("classify", path, tmp_path / "blue.png", *delegate)
        assert result.exit_code == 1 and "compiled for Google's Edge TPU" in result.stderr
        for useless in ("damaged", "convert", "--delegate cpu"):
            assert useless not in result.stderr


def test_info_of_an_edge_tpu_file_shows_what_is_written_in_it(tmp_path: Path, logits: bytes, edgecnn: Run) -> None:
    path = tmp_path / "compiled.tflite"
    data = with_metadata(compiled_for_edge_tpu(logits), files={"l.txt": LABELS}, labels="l.txt")
    path.write_bytes(data)
    result = edgecnn("info", path)
    assert result.exit_code == 0 and "compiled for Google's Edge TPU" in result.stderr
    assert "edgetpu-custom-op" in result.stdout and "[1, 8, 8, 3]" in result.stdout and "MEAN" in result.stdout
    assert "red, green, blue" in result.stdout


def test_info_of_an_edge_tpu_file_with_a_card_shows_the_cards_labels_and_input(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="boards have no TensorFlow")
    packed, (card, golden) = read_model(find_model("fashion-mnist")), card_and_golden()
    path = tmp_path / "compiled.tflite"
    path.write_bytes(pack_card(add_header(compiled_for_edge_tpu(packed.flatbuffer)), card, golden))
    with pytest.warns(EdgecnnWarning, match=r"cannot run .*compiled\.tflite"):
        info = describe(path)
    assert info.labels == card.labels and info.input == card.input


def _sentences() -> list[str]:
    """What is said of delegates that fail, with what is advised."""
    said = []
    for delegate in (Delegate("edgetpu"), Delegate("gpu")):
        blame = blame_delegate(delegate)
        ends = blame.killed, blame.silent, blame.vanishes, blame.garbles
        said += [blame.hangs(60), blame.crashes("Segmentation fault"), *ends]
    return [*said, *(f"{name} does not start; {row.advice}" for name, row in ACCELERATORS.items() if row.advice)]


@pytest.mark.parametrize("words", _sentences())
def test_edge_tpu_file_is_never_advised_what_no_cpu_does(
    words: str, tmp_path: Path, logits: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DelegateError(words)

    monkeypatch.setattr("edgecnn.device.runtime.delegate_opening.open_delegated", fail)
    path = tmp_path / "compiled.tflite"
    path.write_bytes(compiled_for_edge_tpu(logits))
    with pytest.raises(DelegateError, match="it needs a Coral accelerator") as raised:
        Classifier(path, delegate=Delegate("/some/library.so", isolate=False))
    assert "use --delegate" not in str(raised.value)
    assert ("--delegate-timeout" in str(raised.value)) == ("--delegate-timeout" in words)


def test_name_of_a_picture_file(tmp_path: Path, logits: bytes) -> None:
    data = with_metadata(logits, mean=[127.5] * 3, std=[127.5] * 3, files={"l.txt": LABELS}, labels="l.txt")
    classifier, _ = _opened(tmp_path / "colours.tflite", data)
    for name, colour in COLOURS.items():
        Image.new("RGB", (40, 30), colour).save(tmp_path / f"{name}.png")
        assert classifier.classify(tmp_path / f"{name}.png")[0].label == name


def test_trusted_file_is_understood_alike(tmp_path: Path, logits: bytes) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(with_metadata(logits, mean=[127.5], std=[127.5]))
    with pytest.warns(EdgecnnWarning, match="from its metadata"):
        loaded: LoadedModel = open_model(path, RunOptions(trust=True))
    assert loaded.input.scale == pytest.approx((1 / 127.5,) * 3)
