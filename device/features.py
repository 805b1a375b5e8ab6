"""Feature maps: what every convolution and pooling layer makes of an image."""

import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from edgecnn.errors import EdgecnnWarning, ModelFileError
from edgecnn.model_file.card import FeatureMap
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.pixels.preprocessing import Invert, Source, prepare_source

from .map_tensors import as_map, map_tensors, where_maps_are
from .runtime.audit import Audit, open_audit
from .runtime.delegates import Delegate
from .runtime.loaded_model import LoadedModel
from .runtime.loading import open_model
from .runtime.run_options import RunOptions
from .runtime.score_reader import ScoreReader
from .runtime.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from edgecnn.pixels.camera_arrays import Order
    from edgecnn.pixels.crop import Crop

    from .runtime.description import Description
    from .runtime.reloading import Reduced


@dataclass(frozen=True)
class Features:
    """What the network made of one image.

    Attributes:
        maps: float32 (height, width, channels) by layer name, in network order; (1, 1, channels) of global pooling.
        probabilities: float32 (classes,), calibrated where the card has a temperature.
    """

    maps: dict[str, npt.NDArray[np.float32]]
    probabilities: npt.NDArray[np.float32]

    def _repr_png_(self) -> bytes:
        """Every filter of every layer as a picture, for notebooks; matplotlib is imported only here."""
        from .pictures.feature_maps import make_contact_sheet_png

        return make_contact_sheet_png(self.maps)


class FeatureExtractor:
    """Reads the feature maps of an activations variant.

        maps = FeatureExtractor("fashion-mnist.activations").extract("shoe.png").maps
        maps["conv2d"].shape  # (26, 26, 64)

    Threads may share it, and forked and unpickled copies load the model again, as for `Classifier`.

    Attributes:
        loaded: the model in its session.
        layers: the feature maps it gives, in network order.
        labels: class names in output order.
        input: how images are turned into its input; see `edgecnn.pixels.preprocessing.prepare`.
        audit: computes a share of the images on the CPU too, feature maps included; None without a delegate from
            elsewhere.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        threads: int = 1,
        delegate: Delegate | None = None,
        runtime: str | None = None,
        trust: bool = False,
        description: "Description | None" = None,
        require_signature: str | Path | None = None,
    ) -> None:
        """Load `model`: an activations variant (`*.activations.tflite`), or the name of a bundled one.

        Args:
            model: path of a file, or name of a bundled activations variant.
            threads: of the runtime, 1 to 256.
            delegate: what computes it instead of the runtime's own choice.
            runtime: `litert`, `tflite-runtime` or `tensorflow`; None for the first that is installed.
            trust: open a file at once, not in a child process first.
            description: what you know of a file without a card; it goes before what the file says.
            require_signature: a file of allowed signers (ssh-keygen(1)), one of whom must have signed the model.

        Raises:
            ModelFileError: missing, damaged, refused by the runtime, not signed as it must be, or a plain model.
            DelegateError: no runtime is installed, or the delegate does not do what is asked for, or computes wrongly.
            InputError: `threads` is out of range, there is no such delegate or runtime, `description` does not fit, or
                `require_signature` does not read.
            MissingExtraError: OpenSSH, which checks signatures, is not installed.
        """
        options = RunOptions(threads, "default", delegate, runtime, trust, description, require_signature)
        self._open(model, options)

    @classmethod
    def with_options(cls, model: str | Path, options: RunOptions) -> "FeatureExtractor":
        """Load `model` as `options` say, which are what `__init__` takes one by one; raises as that does."""
        extractor = cls.__new__(cls)
        extractor._open(model, options)
        return extractor

    def _open(self, model: str | Path, options: RunOptions) -> None:
        loaded = open_model(model, options)
        self.loaded, self._session, self._output = loaded, loaded.session, loaded.probabilities
        self._model, self._options = model, options
        self._tensors, self._scores = _require_maps(loaded, os.fspath(model)), ScoreReader(loaded)
        self._gather = self._session.gather(loaded.input)
        self.audit: Audit | None = open_audit(loaded, options) if options.delegate is not None else None
        self.layers: tuple[FeatureMap, ...] = _layers(loaded, self._tensors)
        self.labels: tuple[str, ...] = loaded.labels
        self.input: InputSpec = loaded.input

    def __reduce__(self) -> "Reduced[FeatureExtractor]":
        """For pickles and copies: the file is opened again."""
        from .runtime.reloading import reduce_loaded

        return reduce_loaded(type(self).with_options, self._model, self._options, self.loaded)

    def _repr_html_(self) -> str:
        """The network from its input to its classes as a table, for notebooks."""
        from html import escape

        from edgecnn.printable import printable

        stages = [("input", "image", self.input.shape), *((one.name, one.layer, one.shape) for one in self.layers)]
        rows = "".join(
            f"<tr><td>{escape(printable(name))}</td><td>{escape(printable(kind))}</td>"
            f"<td>{' x '.join(map(str, shape))}</td></tr>"
            for name, kind, shape in [*stages, ("classes", "probabilities", (len(self.labels),))]
        )
        return f"<table><thead><tr><th>layer</th><th>kind</th><th>shape</th></tr></thead><tbody>{rows}</tbody></table>"

    def extract(
        self, image: Source, invert: Invert = "no", *, order: "Order | None" = None, crop: "Crop | None" = None
    ) -> Features:
        """Feature maps of an image: a path, `-`, a Pillow image, or a uint8 array (height, width[, channels]).

        Args:
            image: an array that has the model's input size already is taken as it is.
            invert: `yes` swaps light and dark, `auto` does so when the rim contradicts the training images'.
            order: of an array's channels, `rgb` for three by default; see `Classifier.classify`.
            crop: what of the image the model is shown; likewise.

        Raises:
            InputError: the image cannot be read or used.
            ModelFileError: the scores are no numbers.
            ContradictionError: an audit finds that the delegate lies.
        """
        prepared = prepare_source(image, self.input, invert, order=order, crop=crop)
        if prepared.is_transparent:
            warnings.warn(prepared.note, EdgecnnWarning, stacklevel=2)
        with self._session.lock:
            self._session.run(self._gather(prepared.pixels))
            raw = self._session.read((*self._tensors, self._output))
        if self.audit is not None:
            self.audit.look(prepared.pixels, raw[-1], list(zip(self._tensors, raw[:-1], strict=True)))
        maps = {
            tensor.name: as_map(tensor.dequantize(values)) for tensor, values in zip(self._tensors, raw, strict=False)
        }
        return Features(maps, self._scores.probabilities(raw[-1]))


def _require_maps(loaded: LoadedModel, model: str) -> list[TensorSpec]:
    tensors = map_tensors(loaded)
    if tensors:
        return tensors
    place, variant = where_maps_are(model, loaded)
    if place == "nowhere":
        raise ModelFileError(f"{model} is of a network without convolution and pooling layers: no feature maps")
    advice = {
        "other": f"{variant} is of another network: convert the run again, with its activations variant",
        "here": f"use its activations variant, {variant}",
        "unwritten": f"use its activations variant, {variant or '*.activations.tflite'}, which edgecnn convert writes "
        "beside it",
        "keras": "edgecnn convert, of the Keras model that it was made of, writes a variant that does",
    }[place]
    raise ModelFileError(f"{model} gives no feature maps, only {', '.join(sorted(loaded.session.outputs))}; {advice}")


def _layers(loaded: LoadedModel, tensors: Iterable[TensorSpec]) -> tuple[FeatureMap, ...]:
    if loaded.card and loaded.card.is_exported:
        return loaded.card.feature_maps
    return tuple(FeatureMap(tensor.name, "unknown", tensor.shape[1:]) for tensor in tensors)
