"""The ladder: one set of images through Keras, float32, and the quantized file on each kind of kernels."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgecnn.device.runtime.loading import open_model
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.device.runtime.trial import try_model
from edgecnn.errors import ModelFileError
from edgecnn.free_memory import give_back_memory
from edgecnn.model_file.card import ModelCard
from edgecnn.model_file.container import PackedModel, read_model, sha256
from edgecnn.pixels.dataset import Dataset, Images
from edgecnn.run_directory import RunDirectory
from edgecnn.sanity import Suspicion

from .. import run_cache
from ..network.answer_cache import Seen
from ..network.keras_network import KerasNetwork
from ..pair import Pair
from ..tflite.constants_behind import has_constants_behind
from ..tflite.sixteen_bits import takes_16_bits
from ..tuning.record import TuningRecord
from .dequantized import dequantized
from .keras_maps import KerasMaps, images_for
from .operator_fault import OperatorFault
from .other_build import built_otherwise
from .parity_request import ParityRequest
from .reference_kernels import REFERENCE_KERNELS
from .report_identity import ReportIdentity
from .rungs import Climber, Progress, Rung, name_of, rung_of
from .same_network import require_same_network
from .suspicion import suspicions_of
from .weights import WeightFault


@dataclass(frozen=True)
class Ladder:
    """What climbing it found.

    Attributes:
        run: the run directory.
        scheme: of the file that was compared.
        card: the file's; its ranges are those that were chosen where it was tuned.
        keras_card: of the run.
        truth: int64 (images,), the labels; None where nobody knows them.
        compared: which files, on what, and with what.
        images: uint8 (images, height, width, channels).
        places: int64 (images,), where they stand in the test split; None where they are all of it.
        rungs: from Keras up.
        suspicions: why Keras itself may be wrong.
        dataset_labels: the data set's class names.
        weight_faults: the layers whose weights in the file are not Keras', in network order.
        operator_faults: those whose operators compute otherwise.
        left_out: why there is no rung of the reference kernels; empty where there is one.
        other_build: the layer whose operators are others than Keras', and a sentence; None where they are the same.
        tuning: what was exported in place of Keras' numbers, and so is compared with the file; empty where they were.
        takes_16_bits: whether the network can be converted to --int16x8.
    """

    run: Path
    scheme: str
    card: ModelCard
    keras_card: ModelCard
    dataset_labels: tuple[str, ...]
    truth: npt.NDArray[np.int64] | None
    compared: ReportIdentity
    images: Images
    rungs: tuple[Rung, ...]
    suspicions: tuple[Suspicion, ...] = ()
    weight_faults: tuple[WeightFault, ...] = ()
    operator_faults: tuple[OperatorFault, ...] = ()
    left_out: str = ""
    other_build: tuple[str, str] | None = None
    tuning: str = ""
    takes_16_bits: bool = True
    places: npt.NDArray[np.int64] | None = None

    @property
    def flipped(self) -> npt.NDArray[np.int64]:
        """Images whose top-1 is another one on the last rung than in Keras."""
        first, last = (rung.probabilities.argmax(axis=1) for rung in (self.rungs[0], self.rungs[-1]))
        return np.flatnonzero(first != last)


def climb(
    run: RunDirectory,
    files: RunDirectory,
    card: ModelCard,
    dataset: Dataset,
    request: ParityRequest,
    progress: Progress = lambda _: None,
) -> Ladder:
    """Compare both files of a scheme with the Keras model of a run on the test split.

    Args:
        run: with the Keras model.
        files: the folder of the converted files.
        card: the run's.
        dataset: whose test split is used.
        request: names the scheme, and the delegate of a last rung.
        progress: is told each step in words.

    Raises:
        ModelFileError: a file is damaged, or of another network than the other or the run's.
        DelegateError: the delegate does not load or run.
    """
    scheme, delegate = request.scheme, request.delegate
    paths = Pair(files.tflite(scheme), files.tflite(scheme, activations=True))
    packed = paths.map(_read)
    record = _tuning_record(files, scheme, packed.plain)
    network = require_same_network(KerasNetwork.load(run.model, card), run, paths, packed)
    if delegate:
        for path in paths:  # what fails is known before the long way up
            progress(f"{path.name}: {open_model(path, RunOptions(delegate=delegate, probe=False)).session.placement()}")
    progress(f"Keras: {len(dataset.test):,} images")
    some = np.asarray(dataset.test.sample(min(images_for(network.maps), len(dataset.test))).images)
    seen = Seen(network)
    maps = KerasMaps(some, seen.maps_of)
    expected = run_cache.predictions(run, network, dataset.test.images, seen.answers)
    climber = Climber(maps.finite(), dataset.test, expected, progress)
    spec = packed.plain.card.input if packed.plain.card else card.input
    float32 = run_cache.in_float32(run, network)
    with_16_bits = takes_16_bits(float32.flatbuffer)
    climber.add("float32", "TFLite, float32", Pair(float32), card.input)
    file_card = _with_chosen_ranges(packed.plain.card or card, record)
    own = dequantized(network, run, float32, packed, record)
    faults, operator_faults = (own.faults, own.operator_faults) if own else ((), ())
    other_build = built_otherwise(float32.flatbuffer, (packed.activations or packed.plain).flatbuffer)
    del float32  # as large as the network, as that of `own`
    give_back_memory()
    if own:
        climber.add("dequantized", name_of("dequantized", scheme), Pair(own.variant), spec)
        del own
    if not (left_out := _lacks_reference(paths)):
        climber.add("reference", name_of("reference", scheme), packed, spec, REFERENCE_KERNELS)
    climber.add("default", name_of("default", scheme), packed, spec)
    if delegate:
        climber.add("delegate", f"{scheme}, {Path(delegate.name).name}", packed, spec, RunOptions(delegate=delegate))
    return Ladder(
        run=run.path,
        scheme=scheme,
        card=file_card,
        keras_card=card,
        dataset_labels=dataset.labels,
        truth=dataset.test.labels if dataset.test.is_labelled else None,
        compared=ReportIdentity.of(sha256(run.model.read_bytes()), packed, dataset),
        images=dataset.test.images,
        rungs=(rung_of("keras", "Keras", expected, expected, dataset.test.labels, ()), *climber.rungs()),
        suspicions=suspicions_of(network, expected, dataset.test),
        weight_faults=faults,
        operator_faults=operator_faults,
        left_out=left_out,
        other_build=other_build,
        tuning=record.words if record else "",
        takes_16_bits=with_16_bits,
    )


def _read(path: Path) -> PackedModel:
    packed = read_model(path)
    if has_constants_behind(packed.flatbuffer):  # as edgecnn itself wrote large files of mixed once
        raise ModelFileError(f"the weights of {path} lie where they cannot be compared; convert the run again")
    return packed


def _tuning_record(files: RunDirectory, scheme: str, packed: PackedModel) -> TuningRecord | None:
    """What the file was exported from where that is not Keras' network; None where it is."""
    path = files.tuning_record(scheme)
    if not path.is_file():
        return None
    record = TuningRecord.load(path)
    made = packed.card and packed.card.provenance
    if made and (made.parent_sha256, made.created) != (record.parent_sha256, record.created):
        raise ModelFileError(
            f"{path} is of another conversion than {packed.name}; remove it if that file was made without --qat, else "
            "convert the run again"
        )
    return record


def _with_chosen_ranges(card: ModelCard, record: TuningRecord | None) -> ModelCard:
    return replace(card, ranges=record.calibrated(card.ranges)) if record else card


def _lacks_reference(paths: Pair[Path]) -> str:
    """Why the reference kernels do not run a file; empty where they do. Some end the process: a child tries them."""
    try:
        try_model(paths.plain, RunOptions(kernels="reference"))
    except ModelFileError as error:
        lacking = re.search(r"builtin opcode '(\w+)'", str(error))
        return (
            f"the runtime has no reference kernel of {lacking[1]}"
            if lacking
            else "its reference kernels do not run this file"
        )
    return ""
