"""What is wrong with a file under a model's name is said, with what can help."""

import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from edgecnn import ModelFileError
from edgecnn.convert import Preprocessing, adopt
from edgecnn.run_directory import RunDirectory

LABELS = ("one", "two", "three")
SCALED = Preprocessing((1 / 255,), (0.0,))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with m.h5 and m.keras, as Keras 3 writes them."""
    folder = tmp_path_factory.mktemp("files")
    layers = keras.layers
    last = layers.Dense(3, activation="softmax")
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(24, 3), layers.Flatten(), last])
    model.save(folder / "m.keras")
    model.save(folder / "m.h5")
    return folder


def refusal(path: Path) -> str:
    """Why `path` is not taken, in one line."""
    with pytest.raises(ModelFileError) as error:
        adopt(path, LABELS, path.with_name("run"), SCALED)
    assert "\n" not in str(error.value) and str(path) in str(error.value)
    assert "train it again" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"\0" * 512, "begins neither"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12", "pointer of Git LFS"),
        (b"\n <!DOCTYPE html><title>Sign in</title>", "is a web page, not a model; download the file itself"),
        (b"\x08\x07\x12\x07pytorch", "is a model of ONNX: onnx2tf"),
    ],
    ids=["zeros", "Git LFS", "page", "ONNX"],
)
@pytest.mark.parametrize("name", ["m.h5", "m.keras"])
def test_what_lies_under_the_name_is_told_by_its_beginning(name: str, start: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(start)
    assert words in refusal(tmp_path / name)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_hdf5_file_that_is_cut_off_says_by_how_much(share: float, files: Path, tmp_path: Path) -> None:
    whole = (files / "m.h5").read_bytes()
    kept = int(share * len(whole))
    (tmp_path / "m.h5").write_bytes(whole[:kept])
    assert f"damaged HDF5 file (cut off: {kept:,} bytes of {len(whole):,}); copy" in refusal(tmp_path / "m.h5")


def test_zip_of_something_else_says_what_a_model_has(files: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "converted_keras.zip", "w") as archive:
        archive.write(files / "m.h5", "keras_model.h5")
        archive.writestr("labels.txt", "0 one")
    assert "unpack it and give the keras_model.h5 in it" in refusal(tmp_path / "converted_keras.zip")
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\x02}.")
    assert "is a model of PyTorch: where its code is, litert_torch.convert" in refusal(tmp_path / "m.pt")
    with zipfile.ZipFile(files / "m.keras") as whole, zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for name in ("metadata.json", "config.json"):
            archive.writestr(name, whole.read(name))
    assert "zip without its weights" in refusal(tmp_path / "m.keras")
    with zipfile.ZipFile(files / "m.keras") as whole, zipfile.ZipFile(tmp_path / "null.keras", "w") as archive:
        for name in whole.namelist():
            archive.writestr(name, b"null" if name == "metadata.json" else whole.read(name))
    assert "damaged .keras file (its metadata.json is no JSON object)" in refusal(tmp_path / "null.keras")


@pytest.mark.parametrize("content", [b"", b"\x12junk" * 9], ids=["empty", "nonsense"])
def test_damaged_saved_model_is_called_so(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(content)
    assert "is a damaged SavedModel" in refusal(tmp_path)


def test_a_wrong_suffix_changes_nothing(files: Path, tmp_path: Path) -> None:
    assert h5py.is_hdf5(files / "m.h5") and not h5py.is_hdf5(files / "m.keras")
    weights = []
    for source, name in (("m.h5", "called.keras"), ("m.keras", "called.h5"), ("m.keras", "m.keras")):
        (tmp_path / name).write_bytes((files / source).read_bytes())
        run = RunDirectory(adopt(tmp_path / name, LABELS, tmp_path / f"run of {source} as {name}", SCALED))
        weights.append(keras.models.load_model(run.model).get_weights())
    for other in weights[:-1]:
        for found, expected in zip(other, weights[-1], strict=True):
            np.testing.assert_array_equal(found, expected)
