"""A file of another format says which one it is, and what makes a .tflite file of it."""

import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest

from edgecnn import ModelFileError
from edgecnn.device.runtime.loading import read_packed
from edgecnn.model_file.card import ModelCard
from edgecnn.model_file.container import read_model
from edgecnn.run_directory import RunDirectory


def zipped(member: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, b"\x80\x02}q.")
    return buffer.getvalue()


HEADER = json.dumps({"weight": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
FILES = {
    "PyTorch": (zipped("classifier/data.pkl"), "is a model of PyTorch.*litert_torch.convert.*edgecnn pack"),
    "old PyTorch": (bytes.fromhex("80028a0a6cfc9c46f9206aa850192e8002"), "is a model of PyTorch"),
    "ONNX": (b"\x08\x09\x12\x05torch\x1a\x052.9.1:\x10", "is a model of ONNX: onnx2tf.*edgecnn pack"),
    "SavedModel": (b"\x08\x01\x12\xd2\x9c\x05\x0a\x40", "saved_model.pb of a SavedModel; give the folder"),
    "safetensors": (len(HEADER).to_bytes(8, "little") + HEADER + bytes(8), "holds weights .safetensors. without"),
    "TensorFlow.js": (b'{"format": "layers-model", "generatedBy": "keras"}', "is a model of TensorFlow.js"),
    "TensorFlow.js of before": (b'{"modelTopology":{"class_name":"Sequential"}}', "is a model of TensorFlow.js"),
    "gzip": (gzip.compress(b"model"), "is an archive; unpack it"),
    "page": (b"\n<!doctype html><html>", "is a web page"),
    "Keras": (zipped("metadata.json"), "one of Keras; edgecnn convert makes"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "one of Keras; edgecnn convert makes"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(99), "is an image, not a model; the model is named first"),
    "photograph": (b"\xff\xd8\xff\xe1\x00\x18Exif", "is an image, not a model"),
    "photograph of a telephone": (b"\0\0\0\x24ftypheic\0\0\0\0", "is an image, not a model"),
    "film": (b"\0\0\0\x20ftypisom\0\0\x02\0", "is not a TFLite model .no"),
    "other zip": (zipped("photo.jpg"), "is not a TFLite model .no"),
}


@pytest.mark.parametrize("kind", FILES)
def test_each_is_called_by_its_name(kind: str, tmp_path: Path) -> None:
    content, words = FILES[kind]
    (tmp_path / "model").write_bytes(content)
    with pytest.raises(ModelFileError, match=words):
        read_model(tmp_path / "model")


def test_a_folder_names_the_file_in_it(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="is a folder; edgecnn convert makes"):
        read_packed(tmp_path)
    for name in ("model.int8.activations.tflite", "model.int8.tflite"):
        (tmp_path / name).touch()
    with pytest.raises(ModelFileError, match=r"is a folder; give a file in it, such as .*model\.int8\.tflite$"):
        read_packed(tmp_path)


def test_a_saved_model_is_no_mere_folder(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01\x12\x00")
    with pytest.raises(ModelFileError, match="is a SavedModel of TensorFlow; edgecnn convert makes a"):
        read_packed(tmp_path)
    with pytest.raises(ModelFileError, match="trained elsewhere edgecnn convert makes one, with --labels"):
        RunDirectory(tmp_path).require()


@pytest.mark.parametrize("kind", ["ONNX", "PyTorch", "picture"])
def test_what_no_option_makes_a_run_of_is_called_by_its_name(kind: str, tmp_path: Path) -> None:
    content, words = FILES[kind]
    (tmp_path / "model").write_bytes(content)
    with pytest.raises(ModelFileError, match=words) as error:
        RunDirectory(tmp_path / "model").require()
    assert "--representative" not in str(error.value)


def test_a_model_without_a_card_is_told_what_is_made_of_one_from_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="of a model that was trained elsewhere, edgecnn convert makes"):
        ModelCard.load(tmp_path / "card.json")
