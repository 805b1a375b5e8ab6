"""A model and its activations variant are of one conversion, whatever stood there before."""

import pytest

from edgecnn import OutputError
from edgecnn.convert import convert, parity
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import RunDirectory
from tests.support.moments import read_files, require_one_set, watch


def test_model_and_variant_of_two_conversions_never_stand_side_by_side(
    copy: RunDirectory, small: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = convert(copy.path, small, calibration_images=20)
    before = read_files(copy.path)
    seen = watch(copy.path, monkeypatch)
    convert(copy.path, small, calibration_images=20, seed=1, force=True)
    assert first.activations
    require_one_set(before, seen, {first.plain.path.name, first.activations.path.name})
    alone = convert(copy.path, small, calibration_images=20, seed=2, force=True, activations=False)
    assert not first.activations.path.exists()
    assert "model.int8.activations.tflite was of the conversion before and is removed" in alone.notes


def test_a_proof_goes_with_the_files_that_it_is_of(copy: RunDirectory, small: Dataset) -> None:
    convert(copy.path, small, calibration_images=20)
    parity(copy.path, small, images=20)
    other = copy.parity_report("mixed", "html")  # of files that stay
    other.write_text("another proof")
    with pytest.raises(OutputError, match="exists already"):
        convert(copy.path, small, calibration_images=20, seed=1)
    assert copy.parity_report("int8", "json").exists()
    again = convert(copy.path, small, calibration_images=20, seed=1, force=True)
    assert "parity.int8.html was of the conversion before and is removed" in again.notes
    assert sorted(path.name for path in copy.path.glob("parity.*")) == ["parity.mixed.html"]


def test_a_variant_that_stands_alone_is_not_removed_without_force(copy: RunDirectory, small: Dataset) -> None:
    variant = copy.tflite("int8", activations=True)
    variant.write_bytes(b"somebody's")
    with pytest.raises(OutputError, match=r"model\.int8\.activations\.tflite exists already"):
        convert(copy.path, small, activations=False)
    assert variant.read_bytes() == b"somebody's"
