"""What a run's network answers, and what it is in float32 TFLite: kept in the run directory, for the next command."""

import contextlib
import functools
import hashlib
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from edgecnn import __version__
from edgecnn.atomic_files import replacing
from edgecnn.errors import ModelFileError, OutputError
from edgecnn.model_file.container import PackedModel, sha256
from edgecnn.pixels.dataset import Images
from edgecnn.run_directory import RunDirectory

from .network.answer_cache import key_of
from .network.custom_code import sha256_of_code
from .network.finite_answers import require_answers
from .network.keras_network import KerasNetwork
from .tflite.export import to_float32_flatbuffer

_CHECKED = 32  # images that are predicted anew
_TOLERANCE = 1e-4  # of a probability: what another processor or number of threads makes
_HASHED = 256  # images at once


def predictions(
    run: RunDirectory,
    network: KerasNetwork,
    images: Images,
    known: Mapping[bytes, npt.NDArray[np.float32]] | None = None,
) -> npt.NDArray[np.float32]:
    """Keras' probabilities of images, float32 (count, classes): those of an earlier command, or new ones.

    Kept ones are of the same model file, the same pixels and the same versions, and are compared with the known ones;
    where there are none, some are computed anew.

    Args:
        run: the run directory of `network`.
        network: what predicts.
        images: uint8 (count, height, width, channels).
        known: `Seen.answers`.

    Raises:
        ModelFileError: they are no probabilities.
    """
    digest = hashlib.sha256(repr(network.card.input).encode())
    for start in range(0, len(images), _HASHED):
        digest.update(np.asarray(images[start : start + _HASHED]).tobytes())
    found = [(row, known[key]) for row, key in enumerate(map(key_of, images)) if key in known] if known else []
    rows = np.linspace(0, len(images) - 1, min(_CHECKED, len(images)), dtype=np.int64)
    if found:
        rows = np.array([row for row, _ in found])

    def predict_rows() -> npt.NDArray[np.float32]:
        return np.stack([answer for _, answer in found]) if found else network.predict(images[rows])

    def is_right(kept: npt.NDArray[Any]) -> bool:
        if kept.shape != (len(images), len(network.card.labels)) or kept.dtype != np.float32:
            return False
        return np.allclose(kept[rows], predict_rows(), rtol=0, atol=_TOLERANCE)

    def predict() -> npt.NDArray[np.float32]:
        return predict_rows() if len(found) == len(images) else network.predict(images)

    answers = _kept(run, "keras", digest.hexdigest(), is_right, predict)
    _require_probabilities(answers, run)
    return answers


def _require_probabilities(found: npt.NDArray[np.float32], run: RunDirectory) -> None:
    require_answers(found, run.model)
    if not np.allclose(found.sum(axis=1), 1, atol=1e-2) or found.min() < 0:
        raise ModelFileError(f"{run.model} does not give probabilities (they must sum to 1); end it with a softmax")


def of_float32(run: RunDirectory, network: KerasNetwork) -> bytes:
    """What the calibrated schemes of a run's network are made of, with feature maps; see `to_float32`.

    Args:
        run: the run directory of `network`.
        network: its maps are outputs.
    """
    from .tflite.float32 import to_float32  # which not every TensorFlow has

    facts = repr((network.card.input, [wanted.name for wanted in network.maps]))
    flatbuffer = _kept(
        run,
        "float32",
        f"before quantization {facts}",
        lambda kept: kept.dtype == np.uint8 and kept.ndim == 1,
        lambda: np.frombuffer(to_float32(network.with_maps), np.uint8),
    )
    return flatbuffer.tobytes()


def in_float32(run: RunDirectory, network: KerasNetwork) -> PackedModel:
    """The activations variant of a run's network in float32 TFLite; arguments as those of `of_float32`."""
    flatbuffer = to_float32_flatbuffer(network.with_maps, lambda: of_float32(run, network))
    return PackedModel("the float32 model", flatbuffer, None, None)


def _kept(
    run: RunDirectory,
    name: str,
    facts: str,
    is_right: Callable[[npt.NDArray[Any]], bool],
    compute: Callable[[], npt.NDArray[Any]],
) -> npt.NDArray[Any]:
    """An array that was kept under `name` for exactly these facts, or a new one.

    Where nothing can be read or written (a read-only folder, a full disk), it is computed each time.
    """
    versions = (__version__, keras.__version__, tf.__version__)
    maker = sha256("\n".join((_model_sha256(run), sha256_of_code(), *versions)).encode())
    path = run.kept / f"{maker[:16]}.{name}.{sha256(f'{maker} {facts}'.encode())[:16]}.npz"
    # zipfile checks a CRC of what it reads.
    with (
        contextlib.suppress(OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile),
        open(path, "rb") as stream,
        np.load(stream) as file,
    ):
        found: npt.NDArray[Any] = file["kept"]
        if is_right(found):
            return found
    made = compute()
    with contextlib.suppress(OSError, OutputError):
        run.kept.mkdir(exist_ok=True)
        for old in run.kept.glob("*.npz"):
            if not old.name.startswith(maker[:16]):  # of the network that was there before, or of other versions
                old.unlink(missing_ok=True)
        with replacing(path) as temporary, open(temporary, "wb") as file_there:
            np.savez(file_there, kept=made)
    return made


def _model_sha256(run: RunDirectory) -> str:
    stat = run.model.stat()
    return _sha256_of(str(run.model.resolve()), stat.st_mtime_ns, stat.st_size)


@functools.cache
def _sha256_of(path: str, _mtime_ns: int, _size: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
