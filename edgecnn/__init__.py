"""edgecnn: from a training box to a Raspberry Pi, and still the same classifier.

The stages are `edgecnn.train`, `edgecnn.convert` and `edgecnn.device`; this package holds only what they share:
the contract (`ModelCard`), the one preprocessing, the packed model file and the errors.
"""

from typing import TYPE_CHECKING

from .errors import (
    ContradictionError,
    DataError,
    DelegateError,
    DeployError,
    EdgecnnError,
    EdgecnnWarning,
    GateError,
    InputError,
    JobLostError,
    MissingExtraError,
    ModelFileError,
    OutputError,
    ServiceError,
    SourceError,
)
from .model_file.card import ModelCard
from .pixels.input_spec import InputSpec

if TYPE_CHECKING:
    __version__: str

__all__ = [
    "ContradictionError",
    "DataError",
    "DelegateError",
    "DeployError",
    "EdgecnnError",
    "EdgecnnWarning",
    "GateError",
    "InputError",
    "InputSpec",
    "JobLostError",
    "MissingExtraError",
    "ModelCard",
    "ModelFileError",
    "OutputError",
    "ServiceError",
    "SourceError",
    "__version__",
]


def __getattr__(name: str) -> str:
    if name == "__version__":  # looking it up costs more than everything else here
        from importlib.metadata import version

        return version("edgecnn")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
