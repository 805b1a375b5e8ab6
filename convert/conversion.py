"""Convert a trained network to packed .tflite files; imports TensorFlow only when called."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgecnn.atomic_files import claimed
from edgecnn.model_file.schemes import SCHEMES
from edgecnn.native_output import captured_stderr, silence_tensorflow
from edgecnn.optional_packages import require_package, require_tensorflow
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import RunDirectory

from .request import ConversionOptions, ConversionRequest
from .result import Conversion
from .targets.table import TARGETS

if TYPE_CHECKING:
    from typing_extensions import Unpack


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
        OutputError: a file exists or cannot be written.
        EdgecnnError: TensorFlow cannot convert the network, or the target cannot run what it becomes.
    """
    require_tensorflow("edgecnn convert")
    request = replace(request or ConversionRequest(), **options)
    require_package(f"the target {request.target}", TARGETS[request.target].package, request.target)
    require_package(f"the scheme {request.scheme}", SCHEMES[request.scheme].package, "train")
    request.require_enough(dataset)
    directory = RunDirectory.of(run)
    card = directory.read_card(dataset)
    record = request.folder(directory).tuning_record(request.scheme)
    with claimed((*request.paths(directory), *([record] if request.qat is not None else [])), request.force):
        silence_tensorflow()
        progress("loading TensorFlow")
        with captured_stderr():
            from . import pipeline

        return pipeline.run(directory, card, dataset, request, progress)
