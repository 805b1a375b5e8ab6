"""Convert a trained network to packed .tflite files; imports TensorFlow only when called."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgecnn.atomic_files import being_read, claimed
from edgecnn.model_file.card import ModelCard
from edgecnn.model_file.schemes import SCHEMES
from edgecnn.native_output import captured_stderr
from edgecnn.optional_packages import load_tensorflow, require_package, require_tensorflow
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import RunDirectory

from .request import ConversionOptions, ConversionRequest
from .result import Conversion
from .targets.table import TARGETS

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .original import Original


def convert(
    run: str | Path,
    dataset: Dataset,
    request: ConversionRequest | None = None,
    *,
    progress: Callable[[str], None] = lambda _: None,
    **options: "Unpack[ConversionOptions]",
) -> Conversion:
    """Convert a run's Keras model, compare it with Keras on the test split, and pack it with its card.

    Writes `model.<scheme>.tflite` and `model.<scheme>.activations.tflite`.

    Args:
        run: a run directory with model.keras and card.json, or the path of its model.keras.
        dataset: the one the network was trained on; calibrates from its training split, compares on its test split.
        request: scheme, target, folder, ...; int8 for LiteRT, into the run directory, by default.
        progress: is told each step in words.
        **options: fields of `ConversionRequest`, in place of those of `request`: `scheme` (one of `SCHEMES`), `io`
            (type of int8's input and output), `output` (folder for the files), `activations` (write the variant too),
            `feature_layers` (names or patterns of the layers whose maps it returns), `dense_per_tensor`, `target`
            (one of `TARGETS`), `calibration_images`, `seed`, `force`, `qat` (epochs of quantization-aware training).

    Returns:
        The files that were written, and what they cost.

    Raises:
        MissingExtraError: TensorFlow, or what scheme or target need beyond it, is not installed.
        ModelFileError: no run there, or its files are damaged or of another data set.
        InputError: unknown scheme or target or one that does not go with the other, or a number of calibration
            images that the training split does not have.
        OutputError: a file exists or cannot be written, or the run is being trained.
        EdgecnnError: TensorFlow cannot convert the network, or the target cannot run what it becomes.
    """
    return Converter(run, dataset).convert(request, progress=progress, **options)


class Converter:
    """Conversions of one run: its network is loaded, and predicts, once for all of them."""

    def __init__(self, run: str | Path, dataset: Dataset) -> None:
        """Say what is converted.

        Args:
            run: a run directory with model.keras and card.json, or the path of its model.keras.
            dataset: the one the network was trained on.

        Raises:
            MissingExtraError: TensorFlow is not installed.
            InputError: `run` is no path.
        """
        require_tensorflow("edgecnn convert")
        self._run, self._dataset = RunDirectory.of(run), dataset
        self._original: Original | None = None

    def convert(
        self,
        request: ConversionRequest | None = None,
        *,
        progress: Callable[[str], None] = lambda _: None,
        **options: "Unpack[ConversionOptions]",
    ) -> Conversion:
        """Convert once; arguments, result and errors are those of the function `convert`."""
        request = replace(request or ConversionRequest(), **options)
        require_package(f"the target {request.target}", TARGETS[request.target].package, request.target)
        require_package(f"the scheme {request.scheme}", SCHEMES[request.scheme].package, "train")
        request.require_enough(self._dataset)
        with being_read([self._run.model]):
            card = self._run.read_card(self._dataset)
            with claimed(request.changed_paths(self._run), request.force):
                progress("loading TensorFlow")
                load_tensorflow()
                with captured_stderr():
                    from . import pipeline

                return pipeline.run(self._original_of(card, tuple(request.feature_layers)), request, progress)

    def _original_of(self, card: ModelCard, patterns: tuple[str, ...]) -> "Original":
        """The one of the conversion before, unless the network is another by now, or other maps are wanted."""
        from .original import Original

        wanted = Original(self._run, card, self._dataset, patterns)
        facts = [(one.model_sha256, one.card, one.patterns) for one in (self._original, wanted) if one]
        if self._original is None or facts[0] != facts[1]:
            self._original = wanted
        return self._original
