"""Which files a parity report is of, so that nobody takes it for another's."""

from dataclasses import dataclass
from pathlib import Path

from edgecnn.device.runtime.runtimes import find_runtime
from edgecnn.model_file.card import Provenance
from edgecnn.model_file.container import PackedModel
from edgecnn.model_file.provenance import stamp
from edgecnn.pixels.dataset import Dataset

from ..pair import Pair


@dataclass(frozen=True)
class ComparedFile:
    """A converted file.

    Attributes:
        name: its name.
        size_bytes: of the whole file.
        seal_sha256: of all that is in it, as `edgecnn info` shows it; it stays when the file is signed.
    """

    name: str
    size_bytes: int
    seal_sha256: str


@dataclass(frozen=True)
class ReportIdentity:
    """What was compared, on what, and with what.

    Attributes:
        keras_sha256: of model.keras.
        files: the model, and its activations variant.
        dataset: name of the data set.
        dataset_sha256: of its images and labels.
        runtime: name and version of what ran the files.
        made: the versions of the rest, and when.
    """

    keras_sha256: str
    files: tuple[ComparedFile, ...]
    dataset: str
    dataset_sha256: str
    runtime: str
    made: Provenance

    @classmethod
    def of(cls, keras_sha256: str, packed: Pair[PackedModel], dataset: Dataset) -> "ReportIdentity":
        """What is compared here and now."""
        files = tuple(ComparedFile(Path(one.name).name, len(one.content), one.seal_sha256) for one in packed)
        return cls(keras_sha256, files, dataset.name, dataset.sha256, str(find_runtime()), stamp())
