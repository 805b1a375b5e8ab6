"""Convert a trained network to packed .tflite files; imports TensorFlow only when called."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from edgecnn.atomic_files import refuse_existing
from edgecnn.errors import InputError, ModelFileError
from edgecnn.model_file.card import ModelCard, Parity
from edgecnn.model_file.schemes import IoType, Scheme
from edgecnn.native_output import captured_stderr, silence_tensorflow
from edgecnn.optional_packages import require_mediapipe, require_quantizer, require_tensorflow
from edgecnn.pixels.dataset import Dataset, check_seed

Target = Literal["litert", "tflite-runtime-2.14", "edgetpu", "mediapipe"]
TARGETS: tuple[Target, ...] = get_args(Target)
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
IO_TYPES: tuple[IoType, ...] = ("int8", "uint8", "float32")


@dataclass(frozen=True)
class LayerParity:
    """SQNR in dB of one layer's converted output against Keras'; higher is closer, infinite is equal."""

    name: str
    sqnr_db: float


@dataclass(frozen=True)
class ConvertedFile:
    """One file that a conversion wrote.

    Attributes:
        path: the packed .tflite file.
        size_bytes: of the whole file, card and probes included.
        ratio: `size_bytes` over those of a float32 file with the same card and probes.
        parity: against Keras on the test split.
    """

    path: Path
    size_bytes: int
    ratio: float
    parity: Parity


@dataclass(frozen=True)
class Conversion:
    """What a conversion made.

    Attributes:
        scheme: the quantization.
        plain: the model.
        activations: its activations variant; None if it was not asked for.
        float32_bytes: size of the bare float32 TFLite model, for comparison.
        bit_equal: both files gave equal probabilities, to the bit, on every test image; None without variant.
        layers: distance of every feature map, then of the probabilities, from Keras; empty without variant.
        notes: what the target makes of it, in words.
        compiled: the file that the Edge TPU compiler made of the model, where there is one.
    """

    scheme: Scheme
    plain: ConvertedFile
    activations: ConvertedFile | None
    float32_bytes: int
    bit_equal: bool | None
    layers: tuple[LayerParity, ...]
    notes: tuple[str, ...] = ()
    compiled: Path | None = None


def convert(
    run: str | Path,
    dataset: Dataset,
    *,
    scheme: Scheme = "int8",
    io: IoType = "int8",
    output: str | Path | None = None,
    activations: bool = True,
    feature_layers: Sequence[str] = (),
    dense_per_tensor: bool = False,
    target: Target = "litert",
    calibration_images: int = 100,
    seed: int = 0,
    force: bool = False,
    progress: Callable[[str], None] = lambda message: None,
) -> Conversion:
    """Convert a run's Keras model, compare it with Keras on the test split, and pack it with its card.

    Writes `model.<scheme>.tflite` and `model.<scheme>.activations.tflite`.

    Args:
        run: a run directory with model.keras and card.json, or the path of its model.keras.
        dataset: the one the network was trained on; calibrates from its training split, compares on its test split.
        scheme: one of `SCHEMES`; `edgecnn.convert.tflite.export.to_flatbuffer` says what each costs.
        io: type of int8's input and output; the other schemes have their own.
        output: folder for the files; the run directory by default.
        activations: write the activations variant too.
        feature_layers: names or shell patterns of the convolution and pooling layers whose maps it returns; empty for
            all.
        dense_per_tensor: give dense layers one scale instead of one a channel, for runtimes that need it.
        target: what will run the files, see `TARGETS`: what it needs is switched, what it cannot take is refused.
        calibration_images: size of the representative dataset, stratified; from 10 on little is gained.
        seed: draws the calibration images.
        force: replace files that exist.
        progress: is told each step in words.

    Raises:
        MissingExtraError: TensorFlow is not installed.
        ModelFileError: no run there, or its files are damaged or of another data set.
        InputError: unknown scheme or target or one that does not go with the other, or a number of calibration
            images that the training split does not have.
        OutputError: a file exists or cannot be written.
        EdgecnnError: TensorFlow cannot convert the network, or the target cannot run what it becomes.
    """
    require_tensorflow("edgecnn convert")
    if target not in TARGETS:
        raise InputError(f"unknown target {target!r}; known: {', '.join(TARGETS)}")
    if target == "mediapipe":
        require_mediapipe()
    if scheme == "mixed":
        require_quantizer()
    if scheme not in SCHEMES:
        raise InputError(f"unknown scheme {scheme!r}; known: {', '.join(SCHEMES)}")
    if io not in IO_TYPES:
        raise InputError(f"unknown input and output type {io!r}; known: {', '.join(IO_TYPES)}")
    if io != "int8" and scheme != "int8":
        raise InputError(f"io={io} goes with the scheme int8; {scheme} has input and output of its own")
    check_seed(seed)
    if not len(dataset.test):
        raise InputError(f"{dataset.name} has no test images to compare on")
    if not isinstance(calibration_images, int) or not 1 <= calibration_images <= len(dataset.train):
        raise InputError(
            f"calibration images must be 1 to {len(dataset.train)}, the size of the training split. "
            f"Received: {calibration_images}"
        )
    source = run_folder(run)
    job = Job(
        model=source / "model.keras",
        card=read_run_card(source, dataset),
        dataset=dataset,
        scheme=scheme,
        io=io,
        activations=activations,
        feature_layers=tuple(feature_layers),
        dense_per_tensor=dense_per_tensor,
        target=target,
        calibration_images=calibration_images,
        seed=seed,
        folder=Path(output) if output is not None else source,
    )
    refuse_existing(job.paths.values(), force)
    silence_tensorflow()
    progress("loading TensorFlow")
    with captured_stderr():
        from . import pipeline

    return pipeline.run(job, progress)


@dataclass(frozen=True)
class Job:
    """A conversion that has been asked for; the arguments of `convert`, checked."""

    model: Path
    card: ModelCard
    dataset: Dataset
    scheme: Scheme
    io: IoType
    activations: bool
    feature_layers: tuple[str, ...]
    dense_per_tensor: bool
    target: Target
    calibration_images: int
    seed: int
    folder: Path

    @property
    def paths(self) -> dict[bool, Path]:
        """The files to write; see `output_paths`."""
        return output_paths(self.folder, self.scheme, self.activations)


def output_paths(folder: Path, scheme: Scheme, activations: bool) -> dict[bool, Path]:
    """The files of a conversion: False for the plain model, True for the activations variant if it is wanted."""
    paths = {False: folder / f"model.{scheme}.tflite"}
    if activations:
        paths[True] = folder / f"model.{scheme}.activations.tflite"
    return paths


def run_folder(run: str | Path) -> Path:
    """The run directory that `run` names, itself or by its model.keras."""
    return Path(run).parent if Path(run).name == "model.keras" else Path(run)


def require_run(run: str | Path) -> Path:
    """The run directory that `run` names.

    Raises:
        ModelFileError: there is no model.keras.
    """
    folder = run_folder(run)
    if Path(run).is_file() and Path(run).name != "model.keras":
        raise ModelFileError(
            f"{run} is no run directory; a Keras model that was trained elsewhere needs --labels and --representative"
        )
    if not (folder / "model.keras").is_file():
        raise ModelFileError(f"{folder} is not a run directory (no model.keras there); make one with edgecnn train")
    return folder


def read_run_card(run: Path, dataset: Dataset) -> ModelCard:
    """The card of a run directory, if `dataset` is what the run was trained on.

    Raises:
        ModelFileError: no run there, an invalid card, or another data set.
    """
    card = ModelCard.load(require_run(run) / "card.json")
    if card.training and card.training.dataset_sha256 != dataset.sha256:
        raise ModelFileError(
            f"{run} was trained on {card.training.dataset} with SHA-256 {card.training.dataset_sha256[:12]}…, "
            f"the data set here has {dataset.sha256[:12]}…; give the one it was trained on (--data)"
        )
    if card.labels != dataset.labels:
        raise ModelFileError(
            f"{run}: the card's labels are not the data set's; give the one it was trained on (--data)"
        )
    return card
