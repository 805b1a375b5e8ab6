"""What a file is that is no model of ours, by what it begins with; and what makes one of it."""

import re
from pathlib import Path

_THEN = "edgecnn pack gives that labels and probes"
_BEGINNINGS = {
    rb"PK\x03\x04.{26,}data\.pkl|\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19": (
        "is a model of PyTorch: where its code is, litert_torch.convert makes a .tflite file of it, after "
        f"litert_torch.to_channel_last_io, so that its images have their channels last; {_THEN}"
    ),
    rb"\x08\x01\x12": "is the saved_model.pb of a SavedModel; give the folder that it lies in",
    rb"\x08[\x03-\x1f][\x12:]": f"is a model of ONNX: onnx2tf makes a .tflite file of it, and {_THEN}",
    rb".{6}\0\0\{": "holds weights (safetensors) without the network that they belong to; convert it where its code is",
    rb'\s*\{.{0,40}"(?:format|modelTopology)"': (
        "is a model of TensorFlow.js; take the Keras or the TensorFlow Lite file of the same model (Teachable Machine "
        "exports all three)"
    ),
    rb"\x1f\x8b|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ": "is an archive; unpack it and give the model in it",
    rb"\s*version https://git-lfs": (
        "is a pointer of Git LFS, not the file that it stands for; git lfs pull fetches that"
    ),
    rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF.{4}WEBP|.{4}ftyp(?:hei|mif|avif)": (
        "is an image, not a model; the model is named first, then the images"
    ),
    rb"\s*<": "is a web page, not a model; download the file itself",
}
_KERAS = re.compile(rb"\x89HDF\r\n\x1a\n|PK\x03\x04.{26}(?:metadata|config)\.json", re.DOTALL)
_FORMATS = {re.compile(start, re.DOTALL): sentence for start, sentence in _BEGINNINGS.items()}
START_BYTES = 128


def describe_format(start: bytes) -> str:
    """What follows the file's name in a sentence on what it is and what helps; empty where it is not known.

    Args:
        start: its first `START_BYTES` bytes.
    """
    return next((sentence for pattern, sentence in _FORMATS.items() if pattern.match(start)), "")


def describe_file(path: Path) -> str:
    """The same of a file; empty too where it cannot be read."""
    try:
        with path.open("rb") as file:
            return describe_format(file.read(START_BYTES))
    except OSError:
        return ""


def is_saved_model(folder: Path) -> bool:
    """Whether a folder is a SavedModel of TensorFlow."""
    return (folder / "saved_model.pb").is_file()


def is_keras(start: bytes) -> bool:
    """Whether it is a model of Keras, or its weights, by the first `START_BYTES` bytes."""
    return _KERAS.match(start) is not None
