"""What a conversion is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

from edgecnn.arguments import is_whole, require_kind, require_names, require_path, to_plain
from edgecnn.errors import InputError
from edgecnn.model_file.schemes import DEFAULT_SCHEME, SCHEMES, IoType, Scheme
from edgecnn.pixels.dataset import Dataset, check_seed
from edgecnn.run_directory import REPORTS, RunDirectory

from .pair import Pair
from .targets.table import DEFAULT_TARGET, TARGETS
from .tflite.edgetpu_compiler import compiled_path

DEFAULT_IO: IoType = "int8"
FEWEST_FOR_QAT = 32  # training images: half of them choose, half measure


class SchemeFreeOptions(TypedDict, total=False):
    """The fields of `ConversionRequest` that any scheme has; keyword arguments of `convert_until`."""

    output: str | Path | None
    feature_layers: Sequence[str]
    dense_per_tensor: bool
    target: str
    calibration_images: int
    seed: int
    force: bool


class ConversionOptions(SchemeFreeOptions, total=False):
    """The fields of `ConversionRequest`, each of which `convert` takes as a keyword argument too."""

    scheme: Scheme
    io: IoType
    activations: bool
    qat: int | None


@dataclass(frozen=True)
class ConversionRequest:
    """How a run is to be converted.

    Attributes:
        scheme: one of `edgecnn.convert.SCHEMES`; `edgecnn.model_file.schemes.SCHEMES` has the price of each.
        io: type of int8's input and output; the other schemes have their own.
        output: folder for the files; the run directory by default.
        activations: write the activations variant too.
        feature_layers: names or shell patterns of the convolution and pooling layers whose maps it returns; empty for
            all.
        dense_per_tensor: give dense layers one scale instead of one a channel, for runtimes that need it.
        target: what will run the files, see `edgecnn.convert.TARGETS`: what it needs is switched, what it cannot take
            is refused.
        calibration_images: size of the representative dataset, stratified; from 10 on little is gained.
        seed: draws the calibration images.
        force: replace files that exist.
        qat: epochs of quantization-aware training, after better roundings were chosen; 0 for those alone, None for
            neither.

    Raises:
        InputError: unknown scheme, target or type, a type or training that does not go with the scheme, an impossible
            seed, or what would do nothing: one scale a dense layer of a scheme that rounds no weights, layers of a
            variant that is not made.
    """

    scheme: Scheme = DEFAULT_SCHEME
    io: IoType = DEFAULT_IO
    output: str | Path | None = None
    activations: bool = True
    feature_layers: Sequence[str] = ()
    dense_per_tensor: bool = False
    target: str = DEFAULT_TARGET
    calibration_images: int = 100
    seed: int = 0
    force: bool = False
    qat: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.target, str) or self.target not in TARGETS:
            raise InputError(f"unknown target {self.target!r}; known: {', '.join(TARGETS)}")
        require_scheme(self.scheme)
        io_types = dict.fromkeys(io for row in SCHEMES.values() for io in row.io_types)
        if not isinstance(self.io, str) or self.io not in io_types:
            raise InputError(f"unknown input and output type {self.io!r}; known: {', '.join(io_types)}")
        if self.io != DEFAULT_IO and self.io not in SCHEMES[self.scheme].io_types:
            takers = ", ".join(name for name, row in SCHEMES.items() if self.io in row.io_types)
            raise InputError(
                f"io={self.io} goes with the scheme {takers}; {self.scheme} has input and output of its own"
            )
        check_seed(self.seed)
        to_plain(self, "seed", "calibration_images", "qat")
        if self.qat is not None:
            if not SCHEMES[self.scheme].is_tuned:
                takers = ", ".join(name for name, row in SCHEMES.items() if row.is_tuned)
                raise InputError(
                    f"quantization-aware training goes with the schemes {takers}; leave it out for {self.scheme}"
                )
            if not is_whole(self.qat) or self.qat < 0:
                raise InputError(f"epochs of quantization-aware training must be 0 or more. Received: {self.qat!r}")
        if self.dense_per_tensor and not SCHEMES[self.scheme].rounds_weights:
            takers = ", ".join(f"--{name}" for name, row in SCHEMES.items() if row.rounds_weights)
            raise InputError(f"--dense-per-tensor goes with {takers}; add one of them, or leave it out")
        if self.output is not None:
            require_path(self.output, "the folder for the files")
        require_names(self.feature_layers, "feature_layers")
        if self.feature_layers and not self.activations:
            raise InputError("--feature-layers chooses what the activations variant returns; leave out one of them")

    def of_scheme(self, scheme: Scheme, io: IoType = DEFAULT_IO, qat: int | None = None) -> "ConversionRequest":
        """The same with another scheme: what that cannot have (`io`, `qat`, one scale a dense layer) is left out."""
        row = SCHEMES[scheme]
        return replace(
            self,
            scheme=scheme,
            io=io if row.io_types else DEFAULT_IO,
            qat=qat if row.is_tuned else None,
            dense_per_tensor=self.dense_per_tensor and row.rounds_weights,
        )

    def require_enough(self, dataset: Dataset) -> None:
        """Make sure that `dataset` has the images that calibration and comparison take.

        Raises:
            InputError: it has not.
        """
        require_kind(dataset, Dataset, "dataset")
        if not len(dataset.test):
            raise InputError(f"{dataset.name} has no test images to compare on")
        if not is_whole(self.calibration_images) or not 1 <= self.calibration_images <= len(dataset.train):
            raise InputError(
                f"calibration images must be 1 to {len(dataset.train)}, the size of the training split. "
                f"Received: {self.calibration_images}"
            )

        if self.qat is not None and len(dataset.train) < FEWEST_FOR_QAT:
            raise InputError(
                f"--qat needs {FEWEST_FOR_QAT} training images at least, {dataset.name} has {len(dataset.train)}; "
                "leave it out"
            )

    def folder(self, run: RunDirectory) -> RunDirectory:
        """Where the files of `run` are written."""
        return run if self.output is None else RunDirectory(Path(self.output))

    def paths(self, run: RunDirectory) -> Pair[Path]:
        """The models to write for `run`."""
        folder = self.folder(run)
        variant = folder.tflite(self.scheme, activations=True) if self.activations else None
        return Pair(folder.tflite(self.scheme), variant)

    def changed_paths(self, run: RunDirectory) -> list[Path]:
        """What is written for `run`, and what is removed there."""
        stale, record = self.stale_paths(run), self.folder(run).tuning_record(self.scheme)
        return [*self.paths(run), *stale, *([] if record in stale else [record])]

    def stale_paths(self, run: RunDirectory) -> list[Path]:
        """What is of an earlier conversion beside the models of `run`, its proof too, and this one does not write."""
        folder = self.folder(run)
        record = [] if self.qat is not None else [folder.tuning_record(self.scheme)]
        variant = [] if self.activations else [folder.tflite(self.scheme, activations=True)]
        reports = [folder.parity_report(self.scheme, suffix) for suffix in REPORTS]
        return [*variant, *record, compiled_path(folder.tflite(self.scheme)), *reports]


def require_scheme(scheme: str) -> None:
    """Make sure that there is a scheme of this name.

    Raises:
        InputError: there is not; the message names those that there are.
    """
    if not isinstance(scheme, str) or scheme not in SCHEMES:
        raise InputError(f"unknown scheme {scheme!r}; known: {', '.join(SCHEMES)}")
