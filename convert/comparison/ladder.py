"""The ladder: one set of images through Keras, float32, and the quantized file on each kind of kernels."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from edgecnn.device.runtime.delegates import Delegate
from edgecnn.device.runtime.loading import load_model
from edgecnn.device.runtime.opening import open_session
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.device.runtime.runtimes import Kernels
from edgecnn.device.runtime.session import Session
from edgecnn.errors import ModelFileError
from edgecnn.model_file.card import PROBABILITIES, FeatureMap, ModelCard, Parity
from edgecnn.model_file.container import PackedModel, read_model, sha256
from edgecnn.model_file.schemes import Scheme
from edgecnn.pixels.dataset import Dataset, Images
from edgecnn.pixels.input_spec import InputSpec

from ..conversion import output_paths
from ..network.feature_maps import check_card, feature_maps, load_keras, predict, with_named_outputs
from ..tflite.export import to_flatbuffer
from ..tflite.prune_outputs import keep_output
from . import layer_figures
from .agreement import compare
from .layer_figures import LayerFigures

Array = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Rung:
    """One step of the ladder.

    Attributes:
        name: for people.
        parity: accuracy with its interval, and agreement with Keras.
        p: McNemar's exact test of equal accuracy against Keras, two-sided; 1 where no image tells them apart, None
            where nobody knows what the images show.
        max_difference: largest difference of a probability from Keras.
        layers: feature maps against Keras; empty for Keras itself.
        probabilities: float32 (images, classes).
    """

    name: str
    parity: Parity
    p: float | None
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
        dataset_labels: the data set's class names.
    """

    run: Path
    scheme: Scheme
    card: ModelCard
    keras_card: ModelCard
    model_sha256: str
    dataset_labels: tuple[str, ...]
    truth: npt.NDArray[np.int64] | None
    images: Images
    rungs: tuple[Rung, ...]

    @property
    def flipped(self) -> npt.NDArray[np.int64]:
        """Images whose top-1 is another one on the last rung than in Keras."""
        first, last = (rung.probabilities.argmax(axis=1) for rung in (self.rungs[0], self.rungs[-1]))
        return np.flatnonzero(first != last)


def mcnemar(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> float:
    """McNemar's exact two-sided p of two classifiers that were right on these images (1947; the binomial form)."""
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second, 0.5).pvalue)


def climb(
    run: Path,
    files: Path,
    card: ModelCard,
    dataset: Dataset,
    scheme: Scheme,
    progress: Callable[[str], None] = lambda message: None,
    delegate: Delegate | None = None,
) -> Ladder:
    """Compare `model.<scheme>.tflite` in `files` with the Keras model of a run on the test split of `dataset`."""
    model = load_keras(run / "model.keras")
    check_card(model, card, run / "model.keras")
    paths = output_paths(files, scheme, activations=True)
    plain, variant = (read_model(paths[activations]) for activations in (False, True))
    test, spec = dataset.test, plain.card.input if plain.card else card.input
    maps = _check_files(paths, plain, variant, model, card)
    if delegate:
        for path in paths.values():  # what fails is known before the long way up
            placed = load_model(path, delegate=delegate).session.placement()
            progress(f"{path.name}: {placed}")
    some = test.sample(min(layer_figures.images_for(maps), len(test))).images
    reference = layer_figures.Reference(model, maps, some, card.input)
    progress(f"Keras: {len(test):,} images")
    expected = predict(model, test.images, card.input)

    def rung(
        name: str,
        model: PackedModel,
        variant: PackedModel,
        spec: InputSpec,
        kernels: Kernels,
        delegate: Delegate | None = None,
    ) -> Rung:
        progress(f"{name}: {len(test):,} images, and the feature maps of {len(some)}")
        session = open_session(model, RunOptions(kernels=kernels, delegate=delegate))
        output = session.outputs[PROBABILITIES]
        found = output.dequantize(session.run_all(test.images, spec, output))
        if not np.isfinite(found).all():
            raise ModelFileError(f"{model.name} gives probabilities that are no numbers ({name}); convert it otherwise")
        variant_session = open_session(variant, RunOptions(kernels=kernels, delegate=delegate))
        figures = layer_figures.measure(reference, variant_session, spec)
        return _rung(name, expected, found, test.labels, figures)

    with_maps = to_flatbuffer(with_named_outputs(model, maps), "float32", np.empty((0, *card.input.shape), np.float32))
    float32 = [
        PackedModel("the float32 model", f, None, None) for f in (keep_output(with_maps, PROBABILITIES), with_maps)
    ]
    rungs = [
        _rung("Keras", expected, expected, test.labels, ()),
        rung("TFLite, float32", float32[0], float32[1], card.input, "default"),
        rung(f"{scheme}, reference kernels", plain, variant, spec, "reference"),
        rung(f"{scheme}, default kernels", plain, variant, spec, "default"),
    ]
    if delegate:
        rungs.append(rung(f"{scheme}, {Path(delegate.name).name}", plain, variant, spec, "default", delegate))
    return Ladder(
        run=run,
        scheme=scheme,
        card=plain.card or card,
        keras_card=card,
        model_sha256=sha256((run / "model.keras").read_bytes()),
        dataset_labels=dataset.labels,
        truth=test.labels if test.is_labelled else None,
        images=test.images,
        rungs=tuple(rungs),
    )


def _check_files(
    paths: dict[bool, Path], plain: PackedModel, variant: PackedModel, model: keras.Model, card: ModelCard
) -> tuple[FeatureMap, ...]:
    """Make sure that both files can be compared with the Keras model, and are of one another; the maps they share."""
    chosen = {found.name for found in variant.card.feature_maps} if variant.card else set()
    shared = tuple(found for found in feature_maps(model) if not variant.card or found.name in chosen)
    maps = {layer.name: layer.shape for layer in shared}
    sessions = {False: Session(plain), True: Session(variant)}
    for activations, session in sessions.items():
        wanted = {PROBABILITIES: (len(card.labels),), **(maps if activations else {})}
        found = {name: tuple(tensor.shape[1:]) for name, tensor in session.outputs.items()}
        if session.input.shape[1:] != card.input.shape or {name: found.get(name) for name in wanted} != wanted:
            raise ModelFileError(
                f"{paths[activations]} is of another network than the run's model.keras (input, classes or feature "
                "maps differ); convert the run again"
            )
    probe = np.zeros((1, *card.input.shape), np.uint8)
    first, second = (
        session.run_all(probe, card.input, session.outputs[PROBABILITIES]) for session in sessions.values()
    )
    parents = [file.card.provenance.parent_sha256 if file.card else "" for file in (plain, variant)]
    if parents[0] != parents[1] or not np.array_equal(first, second):
        raise ModelFileError(
            f"{paths[True]} is not the activations variant of {paths[False].name}; convert the run again, with both"
        )
    return shared


def _rung(
    name: str,
    expected: Array,
    found: npt.NDArray[np.float32],
    truth: npt.NDArray[np.int64],
    figures: tuple[LayerFigures, ...],
) -> Rung:
    right = [values.argmax(axis=1) == truth for values in (expected, found)]
    labelled = truth.min() >= 0
    return Rung(
        name=name,
        parity=compare(expected, found, truth),
        p=mcnemar(*right) if labelled else None,
        max_difference=float(np.abs(expected - found).max()),
        layers=figures,
        probabilities=found,
    )
