"""Every failure that edgecnn expects.

EdgecnnError              the command line prints it and exits 1
├── ModelFileError        a model file or card is missing, damaged, or of another version
├── InputError            an image, an array or a label the caller gave
├── SourceError           a camera, a film or a stream that gives no images
├── DataError             a data set that is missing or damaged
├── OutputError           a file or folder that cannot be written
├── GateError             a conversion that was asked to pass a gate does not
├── DelegateError         an accelerator or runtime that will not load or run
│   └── ContradictionError    one that gave other answers than the CPU
├── DeployError          a device that a model cannot be brought to
├── ServiceError         a service of the system that cannot be installed, removed or asked
├── JobLostError          another process of a distributed training has gone
└── MissingExtraError     an optional part, such as TensorFlow, is not installed here

EdgecnnWarning            something the caller should know, though the work goes on
"""

from typing import Any

from .printable import printable


class EdgecnnError(Exception):
    """Base of all expected failures; the message is one sentence that names the cause and the next step."""

    def __str__(self) -> str:
        """The sentence, in one line."""
        return printable(super().__str__())


class ModelFileError(EdgecnnError):
    """A model file or model card is missing, damaged, or of another version."""


class InputError(EdgecnnError):
    """An image, an array or a label that the caller gave cannot be used."""


class SourceError(EdgecnnError):
    """A camera, a film or a stream gives no images."""


class DataError(EdgecnnError):
    """A data set is missing or damaged."""


class OutputError(EdgecnnError):
    """A file or folder cannot be written."""


class DelegateError(EdgecnnError):
    """A runtime or an accelerator will not load or run."""


class ContradictionError(DelegateError):
    """An accelerator gave another answer than the CPU: what it answered since they last agreed is not to be trusted.

    Attributes:
        unconfirmed: names of the images that it answered since then, where they have any.
    """

    unconfirmed: tuple[str, ...] = ()


class GateError(EdgecnnError):
    """No scheme passes the gate that was asked for.

    Attributes:
        conversions: those that were made all the same, one a scheme, of `edgecnn.convert.Conversion`.
    """

    conversions: tuple[Any, ...] = ()


class DeployError(EdgecnnError):
    """A model cannot be brought to a device, or not be shown to work there."""


class ServiceError(EdgecnnError):
    """A service of the system cannot be installed, removed or asked."""


class JobLostError(EdgecnnError):
    """Another process of a distributed training has gone."""


class MissingExtraError(EdgecnnError):
    """An optional part of edgecnn, such as TensorFlow, is not installed here."""


class EdgecnnWarning(UserWarning):
    """Something that the caller should know, though the work goes on."""

    def __str__(self) -> str:
        """The sentence, in one line."""
        return printable(super().__str__())


def is_memory_short(error: Exception) -> bool:
    """Whether `error` says that there was not enough memory: Python's, or TensorFlow's and JAX' own, of a GPU too.

    Neither need be loaded to know theirs.
    """
    named = isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"
    return named or "RESOURCE_EXHAUSTED" in str(error)
