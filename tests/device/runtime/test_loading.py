"""Opening model files: whole, without a card, damaged."""

import dataclasses
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from edgecnn import EdgecnnWarning, InputError, ModelFileError
from edgecnn.convert import Conversion
from edgecnn.device import Classifier, FeatureExtractor
from edgecnn.device.map_reader import MapReader
from edgecnn.device.runtime.loading import open_model
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.model_file.bundled import find_model, sample_images
from edgecnn.model_file.container import read_model
from edgecnn.pixels.dataset import Dataset
from tests.support.command_line import Run, sentence
from tests.support.model_files import fields_of_card, repacked, write_bare


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """The bundled model as TensorFlow would have written it: no header, no card."""
    return write_bare(tmp_path / "bare.tflite")


def test_file_without_a_card_runs_with_a_warning_and_indices(bare: Path, fashion: Dataset) -> None:
    with pytest.warns(EdgecnnWarning, match="carries no card"):
        classifier = Classifier(bare)
    assert classifier.labels == tuple("0123456789") and classifier.card is None
    expected = Classifier("fashion-mnist").predict_all(fashion.test.images[:20], calibrated=False)
    np.testing.assert_array_equal(classifier.predict_all(fashion.test.images[:20]), expected)


def test_only_a_trusted_file_is_opened_without_a_child(
    bare: Path, edgecnn: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # where no file is known to run
    monkeypatch.setattr(sys, "executable", "/bin/false")  # what a child is started with
    shoe = next(path for path in sample_images() if "sneaker" in path.name)
    commands = [("classify", bare, shoe), ("features", bare, shoe, "--output", tmp_path / "maps")]
    for command in commands:
        assert f"{bare} cannot be opened" in edgecnn(*command).output
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    for command in commands:
        assert "no process can be started" in edgecnn(*command).output
    assert edgecnn(*commands[0], "--trust").exit_code == 0
    # It is opened, and found to be no activations variant; nobody is sent to one that never was.
    assert "edgecnn convert, of the Keras model that it was made of" in edgecnn(*commands[1], "--trust").output


def test_file_with_a_card_gives_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Classifier("fashion-mnist")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.filterwarnings("ignore::edgecnn.EdgecnnWarning")
def test_truncated_file_without_a_card_is_a_sentence(share: float, bare: Path) -> None:
    whole = bare.read_bytes()
    bare.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ModelFileError):
        Classifier(bare)


def test_opening_a_file_runs_no_code_of_the_current_folder(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare.parent / "numpy.py").write_text("import pathlib; pathlib.Path('ran').touch()")
    monkeypatch.chdir(bare.parent)
    with pytest.warns(EdgecnnWarning):
        Classifier(bare)
    assert not (bare.parent / "ran").exists()


def test_activations_of_a_file_without_a_card_are_found(tmp_path: Path, fashion: Dataset) -> None:
    path = write_bare(tmp_path / "bare.activations.tflite", "fashion-mnist.activations")
    with pytest.warns(EdgecnnWarning):
        extractor = FeatureExtractor(path)
    expected = FeatureExtractor("fashion-mnist.activations").extract(fashion.test.images[0]).maps
    maps = extractor.extract(fashion.test.images[0]).maps
    assert set(maps) == set(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(maps[name], values)


def test_a_file_of_another_tool_keeps_its_maps_when_it_is_packed(tmp_path: Path, edgecnn: Run) -> None:
    described = ("--labels", tmp_path / "labels.txt", "--input-range", "0", "1")
    (tmp_path / "labels.txt").write_text("".join(f"{label}\n" for label in Classifier("fashion-mnist").labels))
    shoe = sample_images()[0]
    for name in ("fashion-mnist", "fashion-mnist.activations"):
        bare, packed = write_bare(tmp_path / f"{name}.tflite", name), tmp_path / f"{name}.packed.tflite"
        assert edgecnn("pack", bare, *described, "--output", packed).exit_code == 0
        result = edgecnn("features", packed, shoe, "--npz", "--output", tmp_path / "maps", "--force")
        if name == "fashion-mnist":
            assert "edgecnn convert, of the Keras model that it was made of" in sentence(result)
    expected = FeatureExtractor("fashion-mnist.activations").extract(shoe).maps
    with np.load(tmp_path / "maps" / "features.npz") as found:
        for layer, values in expected.items():
            np.testing.assert_array_equal(found[layer][0], values)
    reader = MapReader(Classifier(packed).loaded)
    assert set(reader.layers) == set(expected)


def test_unknown_model_lists_the_bundled_ones() -> None:
    with pytest.raises(ModelFileError, match=r"bundled: fashion-mnist, fashion-mnist\.activations"):
        Classifier("imagenet")


def test_plain_model_gives_no_features_but_the_name_of_the_file_that_does(int8: Conversion) -> None:
    with pytest.raises(ModelFileError, match=r"use its activations variant, .*model\.int8\.activations\.tflite"):
        FeatureExtractor(int8.plain.path)
    with pytest.raises(ModelFileError, match=r"use its activations variant, fashion-mnist\.activations"):
        FeatureExtractor("fashion-mnist")


def test_a_variant_of_another_network_is_not_recommended(tmp_path: Path) -> None:
    variant = tmp_path / "m.activations.tflite"
    variant.write_bytes(find_model("fashion-mnist.activations").read_bytes())
    fields = fields_of_card()
    plain = repacked(tmp_path / "m.tflite", fields=fields)
    with pytest.raises(ModelFileError, match=r"use its activations variant, .*m\.activations\.tflite$"):
        FeatureExtractor(plain)
    fields["provenance"]["parent_sha256"] = "0" * 64
    repacked(plain, fields=fields)
    with pytest.raises(ModelFileError, match=r"m\.activations\.tflite is of another network: convert the run again"):
        FeatureExtractor(plain)
    variant.write_bytes(b"cut off")
    with pytest.raises(ModelFileError, match="use its activations variant"):
        FeatureExtractor(plain)


def edited(tmp_path: Path, **changes: object) -> Path:
    """The bundled model with another card behind it, as someone might edit it."""
    return repacked(tmp_path / "edited.tflite", fields=fields_of_card() | changes)


def test_repacked_card_is_fine(tmp_path: Path) -> None:
    labels = [f"class {i}" for i in range(10)]
    assert Classifier(edited(tmp_path, labels=labels)).labels == tuple(labels)


def test_card_with_too_few_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="names 2 labels, the model has 10 outputs"):
        Classifier(edited(tmp_path, labels=["a", "b"]))


def test_card_with_another_input_size_is_refused(tmp_path: Path) -> None:
    model = read_model(find_model("fashion-mnist"))
    assert model.card
    spec = dataclasses.asdict(dataclasses.replace(model.card.input, height=32))
    with pytest.raises(ModelFileError, match="is not the model's"):
        Classifier(edited(tmp_path, input=spec))


def test_impossible_kernels_are_a_sentence() -> None:
    with pytest.raises(InputError, match="kernels must be default, reference or plain"):
        RunOptions(kernels="fast")  # type: ignore[arg-type]


@pytest.mark.parametrize("threads", [0, -1, 257, 10**6, 1.5, "2"])
def test_impossible_threads_are_a_sentence(threads: int) -> None:
    with pytest.raises(InputError, match=r"threads must be 1 to 256\. Received: "):
        Classifier("fashion-mnist", threads=threads)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": []}, r"the card's feature map 'conv2d' is \(\), the model's \(26, 26, 64\)"),
        ({"shape": [64, 26, 26]}, r"the card's feature map 'conv2d' is \(64, 26, 26\), the model's"),
        ({"name": "nowhere"}, "the card names a feature map 'nowhere', the model has none; convert it again"),
    ],
    ids=["none", "turned", "unknown"],
)
def test_feature_maps_of_the_card_are_those_of_the_model(
    change: dict[str, object], message: str, tmp_path: Path
) -> None:
    fields = fields_of_card("fashion-mnist.activations")
    fields["feature_maps"][0].update(change)
    path = repacked(tmp_path / "m.tflite", "fashion-mnist.activations", fields=fields)
    with pytest.raises(ModelFileError, match=message):
        open_model(path, RunOptions(trust=True))
