"""edgecnn: from a training box to a Raspberry Pi, and still the same classifier.

The stages are `edgecnn.train`, `edgecnn.convert` and `edgecnn.device`; this package holds only what they share:
the contract (`ModelCard`), the one preprocessing, the packed model file and the errors.
"""

from importlib.metadata import version

from .card import InputSpec, ModelCard
from .errors import (
    DataError,
    DelegateError,
    EdgecnnError,
    EdgecnnWarning,
    InputError,
    MissingExtraError,
    ModelFileError,
    OutputError,
)

__version__ = version("edgecnn")

__all__ = [
    "DataError",
    "DelegateError",
    "EdgecnnError",
    "EdgecnnWarning",
    "InputError",
    "InputSpec",
    "MissingExtraError",
    "ModelCard",
    "ModelFileError",
    "OutputError",
    "__version__",
]
