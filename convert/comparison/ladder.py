"""The ladder: one set of images through Keras, float32, and the quantized file on each kind of kernels."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgecnn.device.runtime.loading import open_model
from edgecnn.device.runtime.opening import open_session
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.device.runtime.trial import try_model
from edgecnn.errors import ModelFileError
from edgecnn.model_file.card import ModelCard, Parity
from edgecnn.model_file.container import PackedModel, read_model, sha256
from edgecnn.pixels.dataset import Dataset, Images, Split
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.run_directory import RunDirectory
from edgecnn.sanity import Suspicion

from .. import kept
from ..network.keras_network import KerasNetwork
from ..network.seen import Seen
from ..pair import Pair
from ..tuning.record import TuningRecord
from .agreement import mcnemar, parity_of
from .answers import answer_all
from .dequantized import dequantized
from .layer_figures import KerasMaps, LayerFigures, images_for
from .operators import OperatorFault
from .parity_request import ParityRequest
from .reference_kernels import REFERENCE_KERNELS, compare_on_reference
from .same_network import require_same_network
from .suspicion import suspicions_of
from .weights import WeightFault

Progress = Callable[[str], None]
Array = npt.NDArray[np.floating]

# The rungs of the file, after its scheme.
DEQUANTIZED = "dequantized weights, float arithmetic"
REFERENCE = "reference kernels"
DEFAULT = "default kernels"
_PLAINLY = RunOptions()


@dataclass(frozen=True)
class Rung:
    """One step of the ladder.

    Attributes:
        name: for people.
        parity: accuracy with its interval, and agreement with Keras.
        mcnemar_p: McNemar's exact test of equal accuracy against Keras, two-sided; 1 where no image tells them apart,
            None where nobody knows what the images show.
        max_difference: largest difference of a probability from Keras.
        layers: feature maps against Keras; empty for Keras itself.
        probabilities: float32 (images, classes).
    """

    name: str
    parity: Parity
    mcnemar_p: float | None
    max_difference: float
    layers: tuple[LayerFigures, ...]
    probabilities: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Ladder:
    """What climbing it found.

    Attributes:
        run: the run directory.
        scheme: of the file that was compared.
        card: the file's.
        keras_card: of the run.
        model_sha256: of its model.keras.
        truth: int64 (images,), the labels; None where nobody knows them.
        images: uint8 (images, height, width, channels).
        rungs: from Keras up.
        suspicions: why Keras itself may be wrong.
        dataset_labels: the data set's class names.
        weight_faults: the layers whose weights in the file are not Keras', in network order.
        operator_faults: those whose operators compute otherwise.
        left_out: why there is no rung of the reference kernels; empty where there is one.
        tuning: what was exported in place of Keras' numbers, and so is compared with the file; empty where they were.
    """

    run: Path
    scheme: str
    card: ModelCard
    keras_card: ModelCard
    model_sha256: str
    dataset_labels: tuple[str, ...]
    truth: npt.NDArray[np.int64] | None
    images: Images
    rungs: tuple[Rung, ...]
    suspicions: tuple[Suspicion, ...] = ()
    weight_faults: tuple[WeightFault, ...] = ()
    operator_faults: tuple[OperatorFault, ...] = ()
    left_out: str = ""
    tuning: str = ""

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
    packed = paths.map(read_model)
    network = require_same_network(KerasNetwork.load(run.model, card), run, paths, packed)
    if delegate:
        for path in paths:  # what fails is known before the long way up
            progress(f"{path.name}: {open_model(path, RunOptions(delegate=delegate, probe=False)).session.placement()}")
    progress(f"Keras: {len(dataset.test):,} images")
    some = np.asarray(dataset.test.sample(min(images_for(network.maps), len(dataset.test))).images)
    seen = Seen(network, some)
    maps = KerasMaps(some, seen.maps())
    expected = kept.predictions(run, network, dataset.test.images, seen.answers)
    climber = _Climber(maps, dataset.test, expected, progress)
    spec = packed.plain.card.input if packed.plain.card else card.input
    float32 = kept.in_float32(run, network)
    climber.run("TFLite, float32", Pair(float32), card.input)
    record = _tuning_record(files, scheme, packed.plain)
    own = dequantized(network, run, float32, packed, record)
    if own:
        climber.run(f"{scheme}, {DEQUANTIZED}", Pair(own.variant), spec)
    left_out = _lacks_reference(paths)
    if not left_out:
        climber.run(f"{scheme}, {REFERENCE}", packed, spec, REFERENCE_KERNELS)
    climber.run(f"{scheme}, {DEFAULT}", packed, spec)
    if delegate:
        climber.run(f"{scheme}, {Path(delegate.name).name}", packed, spec, RunOptions(delegate=delegate))
    return Ladder(
        run=run.path,
        scheme=scheme,
        card=packed.plain.card or card,
        keras_card=card,
        model_sha256=sha256(run.model.read_bytes()),
        dataset_labels=dataset.labels,
        truth=dataset.test.labels if dataset.test.is_labelled else None,
        images=dataset.test.images,
        rungs=(_rung("Keras", expected, expected, dataset.test.labels, ()), *climber.rungs),
        suspicions=suspicions_of(network, expected, dataset.test),
        weight_faults=own.faults if own else (),
        operator_faults=own.operator_faults if own else (),
        left_out=left_out,
        tuning=record.words if record else "",
    )


def _tuning_record(files: RunDirectory, scheme: str, packed: PackedModel) -> TuningRecord | None:
    """What the file was exported from where that is not Keras' network; None where it is."""
    path = files.tuning_record(scheme)
    if not path.is_file():
        return None
    record = TuningRecord.load(path)
    if packed.card and packed.card.provenance.parent_sha256 != record.parent_sha256:
        raise ModelFileError(f"{path} is of another conversion than {packed.name}; convert the run again, with --qat")
    return record


class _Climber:
    """Runs one model after another on the same images."""

    def __init__(self, keras: KerasMaps, test: Split, expected: npt.NDArray[np.float32], progress: Progress) -> None:
        self._keras, self._test, self._expected, self._progress = keras, test, expected, progress
        self.rungs: list[Rung] = []

    def run(self, name: str, files: Pair[PackedModel], spec: InputSpec, how: RunOptions = _PLAINLY) -> None:
        """Run a model, which takes images prepared as `spec` says; without a variant it has maps itself."""
        self._progress(f"{name}: {len(self._test):,} images, and the feature maps of {len(self._keras)}")
        reference = compare_on_reference(files, self._keras, spec) if how.kernels == "reference" else None
        session = reference.session if reference else open_session(files.plain, how)
        known = reference.known if reference else {}
        probabilities = answer_all(session, files.plain, self._test.images, spec, known)
        if not np.isfinite(probabilities).all():
            raise ModelFileError(
                f"{files.plain.name} gives probabilities that are no numbers ({name}); convert it otherwise"
            )
        if reference:
            figures = reference.figures
        else:
            figures = self._keras.compare(
                session if files.activations is None else open_session(files.activations, how), spec
            )
        self.rungs.append(_rung(name, self._expected, probabilities, self._test.labels, figures))


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


def _rung(
    name: str,
    keras: Array,
    probabilities: npt.NDArray[np.float32],
    truth: npt.NDArray[np.int64],
    layers: tuple[LayerFigures, ...],
) -> Rung:
    right = [values.argmax(axis=1) == truth for values in (keras, probabilities)]
    return Rung(
        name=name,
        parity=parity_of(keras, probabilities, truth),
        mcnemar_p=mcnemar(*right) if truth.min() >= 0 else None,
        max_difference=float(np.abs(keras - probabilities).max()),
        layers=layers,
        probabilities=probabilities,
    )
