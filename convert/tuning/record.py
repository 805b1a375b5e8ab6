"""What a tuned file was exported from, kept beside it, so that the parity ladder has something to compare it with."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecnn.errors import ModelFileError
from edgecnn.model_file.card import LayerRange
from edgecnn.pixels.dataset import Dataset
from edgecnn.zip_errors import ZIP_ERRORS

from ..tflite.kernels import Kernel

_DIGEST = "sha256"
_DAMAGED = (*ZIP_ERRORS, KeyError, TypeError, MemoryError)


@dataclass(frozen=True)
class TuningRecord:
    """The network that was exported in place of Keras'.

    Attributes:
        words: what was changed and what that gained, for people.
        parent_sha256: of the Keras model.
        created: when the file was made, as its card has it: of another conversion is what has another time.
        weights: float32, by operator with weights in the order in which they run, channels first; see `Kernel`.
        biases: float32 (channels,), likewise; empty where there are none.
        ranges: by output of the activations variant, lowest and highest value that its integers stand for.
    """

    words: str
    parent_sha256: str
    weights: tuple[npt.NDArray[np.float32], ...]
    biases: tuple[npt.NDArray[np.float32], ...]
    ranges: dict[str, tuple[float, float]]
    created: str = ""

    def notes(self, dataset: Dataset) -> tuple[str, ...]:
        """What was done, and whether the agreement on the test images of `dataset` is to be trusted."""
        if dataset.train is not dataset.test:
            return (self.words,)
        return (
            self.words,
            "it was tuned on the images that it is compared on, so the agreement is somewhat too high; edgecnn parity "
            "with --representative and a folder of other images gives one that is not",
        )

    def to_bytes(self) -> bytes:
        """The contents of the file."""
        file = io.BytesIO()
        arrays: dict[str, npt.NDArray[Any]] = {f"weights_{place}": values for place, values in enumerate(self.weights)}
        arrays |= {f"biases_{place}": values for place, values in enumerate(self.biases)}
        arrays |= {
            "words": np.array(self.words),
            "parent_sha256": np.array(self.parent_sha256),
            "created": np.array(self.created),
            "names": np.array(list(self.ranges), np.str_),
            "ranges": np.array(list(self.ranges.values()), np.float64).reshape(-1, 2),
        }
        arrays[_DIGEST] = np.array(_digest(arrays))
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # the stubs take them for the option that has a name
        return file.getvalue()

    @classmethod
    def load(cls, path: Path) -> "TuningRecord":
        """Read the file.

        Raises:
            ModelFileError: damaged.
        """
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
                file: dict[str, npt.NDArray[Any]] = dict(stored)
            if _DIGEST not in file:
                raise ValueError("it has no digest, as those of an earlier edgecnn")
            if str(file.pop(_DIGEST)) != _digest(file):
                raise ValueError("its numbers were changed")
            count = sum(name.startswith("weights_") for name in file)
            names = [str(name) for name in file["names"]]
            return cls(
                str(file["words"]),
                str(file["parent_sha256"]),
                tuple(file[f"weights_{place}"] for place in range(count)),
                tuple(file[f"biases_{place}"] for place in range(count)),
                {name: (float(low), float(high)) for name, (low, high) in zip(names, file["ranges"], strict=True)},
                str(file["created"]),
            )
        except _DAMAGED as error:
            raise ModelFileError(f"{path} is damaged ({error}); convert the run again, with --qat --force") from None

    def kernels(self, of_keras: Sequence[Kernel]) -> tuple[Kernel, ...]:
        """What the file should have in place of the constants of Keras' network in float32."""
        changed = []
        for kernel, weights, biases in zip(of_keras, self.weights, self.biases, strict=True):
            bias = kernel.bias and replace(kernel.bias, values=biases.astype(np.float64))
            values = weights.astype(np.float64)
            changed.append(replace(kernel, weights=replace(kernel.weights, values=values), bias=bias))
        return tuple(changed)

    def calibrated(self, ranges: Sequence[LayerRange]) -> tuple[LayerRange, ...]:
        """What the card says of the calibration, with the ranges that were chosen afterwards."""
        return tuple(
            replace(each, low=self.ranges[each.name][0], high=self.ranges[each.name][1])
            if each.name in self.ranges
            else each
            for each in ranges
        )


def _digest(arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """SHA-256 of arrays with their names."""
    digest = hashlib.sha256()
    for name, values in sorted(arrays.items()):
        digest.update(f"{name} {values.dtype.str} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
