"""The ladder: one set of images through Keras, float32, and the quantized file on each kind of kernels."""

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgecnn.device.runtime.delegates import Delegate
from edgecnn.device.runtime.loading import load_model
from edgecnn.device.runtime.opening import open_session
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.device.runtime.runtimes import Kernels
from edgecnn.device.runtime.session import Session
from edgecnn.errors import ModelFileError
from edgecnn.model_file.card import PROBABILITIES, ModelCard, Parity
from edgecnn.model_file.container import PackedModel, read_model, sha256
from edgecnn.pixels.dataset import Dataset, Images, Split
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.run_directory import RunDirectory
from edgecnn.sanity import Suspicion

from ..network.keras_network import KerasNetwork
from ..pair import Pair
from .agreement import mcnemar, parity_of
from .dequantized import dequantized, in_float32
from .layer_figures import KerasMaps, LayerFigures, images_for
from .parity_request import ParityRequest
from .suspicion import suspicions_of
from .weights import WeightFault

Progress = Callable[[str], None]
Array = npt.NDArray[np.floating]

# The rungs of the file, after its scheme.
DEQUANTIZED = "dequantized weights, float arithmetic"
REFERENCE = "reference kernels"


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
        left_out: why there is no rung of the reference kernels; empty where there is one.
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
    left_out: str = ""

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
    network = _comparable(KerasNetwork.load(run.model, card), paths, packed)
    if delegate:
        for path in paths:  # what fails is known before the long way up
            progress(f"{path.name}: {load_model(path, delegate=delegate).session.placement()}")
    progress(f"Keras: {len(dataset.test):,} images")
    expected = network.predict(dataset.test.images)
    climber = _Climber(network, dataset.test, expected, progress)
    spec = packed.plain.card.input if packed.plain.card else card.input
    float32 = in_float32(network)
    rungs = [
        _rung("Keras", expected, expected, dataset.test.labels, ()),
        climber.rung("TFLite, float32", float32, card.input),
    ]
    own = dequantized(network, float32, packed)
    if own:
        rungs.append(climber.rung(f"{scheme}, {DEQUANTIZED}", own.files, spec))
    reference, left_out = climber.reference_rung(f"{scheme}, {REFERENCE}", packed, spec)
    rungs += [*reference, climber.rung(f"{scheme}, default kernels", packed, spec)]
    if delegate:
        rungs.append(climber.rung(f"{scheme}, {Path(delegate.name).name}", packed, spec, delegate=delegate))
    return Ladder(
        run=run.path,
        scheme=scheme,
        card=packed.plain.card or card,
        keras_card=card,
        model_sha256=sha256(run.model.read_bytes()),
        dataset_labels=dataset.labels,
        truth=dataset.test.labels if dataset.test.is_labelled else None,
        images=dataset.test.images,
        rungs=tuple(rungs),
        suspicions=suspicions_of(network, expected, dataset.test),
        weight_faults=own.faults if own else (),
        left_out=left_out,
    )


class _Climber:
    """Runs one rung after another on the same images."""

    def __init__(
        self, network: KerasNetwork, test: Split, expected: npt.NDArray[np.float32], progress: Progress
    ) -> None:
        self._test, self._expected, self._progress = test, expected, progress
        self._keras = KerasMaps(network, test.sample(min(images_for(network.maps), len(test))).images)

    def reference_rung(self, name: str, files: Pair[PackedModel], spec: InputSpec) -> tuple[list[Rung], str]:
        """That of the reference kernels; where they lack an operator, none, and the reason."""
        try:
            for file in files:
                open_session(file, RunOptions(kernels="reference"))
        except ModelFileError as error:
            lacking = re.search(r"builtin opcode '(\w+)'", str(error))
            return [], f"the runtime has no reference kernel of {lacking[1] if lacking else 'an operator'}"
        return [self.rung(name, files, spec, kernels="reference")], ""

    def rung(
        self,
        name: str,
        files: Pair[PackedModel],
        spec: InputSpec,
        kernels: Kernels = "default",
        delegate: Delegate | None = None,
    ) -> Rung:
        """Run both files of a model, which take images prepared as `spec` says."""
        self._progress(f"{name}: {len(self._test):,} images, and the feature maps of {len(self._keras)}")
        how = RunOptions(kernels=kernels, delegate=delegate)
        session = open_session(files.plain, how)
        output = session.outputs[PROBABILITIES]
        probabilities = output.dequantize(session.run_all(self._test.images, spec, output))
        if not np.isfinite(probabilities).all():
            raise ModelFileError(
                f"{files.plain.name} gives probabilities that are no numbers ({name}); convert it otherwise"
            )
        variant = session
        if files.activations is not None:
            variant = open_session(files.activations, how)
        figures = self._keras.compare(variant, spec)
        return _rung(name, self._expected, probabilities, self._test.labels, figures)


def _comparable(network: KerasNetwork, paths: Pair[Path], packed: Pair[PackedModel]) -> KerasNetwork:
    """Make sure that both files can be compared with the Keras model, and are of one another.

    Returns:
        The network with the maps that the variant has too.
    """
    maps = network.maps
    if packed.activations is not None and packed.activations.card:
        names = {layer.name for layer in packed.activations.card.feature_maps}
        maps = tuple(layer for layer in maps if layer.name in names)
    probabilities: dict[str, tuple[int, ...]] = {PROBABILITIES: (len(network.card.labels),)}
    expected = Pair(probabilities, {**probabilities, **{layer.name: layer.shape for layer in maps}})
    sessions = list(packed.map(Session))
    for path, session, wanted in zip(paths, sessions, expected, strict=True):
        shapes = {name: tuple(tensor.shape[1:]) for name, tensor in session.outputs.items()}
        same_input = session.input.shape[1:] == network.card.input.shape
        if not same_input or {name: shapes.get(name) for name in wanted} != wanted:
            raise ModelFileError(
                f"{path} is of another network than the run's model.keras (input, classes or feature maps differ); "
                "convert the run again"
            )
    probe, spec = np.zeros((1, *network.card.input.shape), np.uint8), network.card.input
    first, second = (session.run_all(probe, spec, session.outputs[PROBABILITIES]) for session in sessions)
    parents = [file.card.provenance.parent_sha256 if file.card else "" for file in packed]
    if parents[0] != parents[1] or not np.array_equal(first, second, equal_nan=first.dtype.kind == "f"):
        raise ModelFileError(
            f"{paths.activations} is not the activations variant of {paths.plain.name}; convert the run again, with "
            "both"
        )
    return dataclasses.replace(network, maps=maps)


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
