"""What a comparison is asked for."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from edgecnn.arguments import require_kind, require_path
from edgecnn.device.runtime.delegates import Delegate
from edgecnn.model_file.schemes import DEFAULT_SCHEME, Scheme

from ..request import require_scheme
from .gate import Gate


class ParityOptions(TypedDict, total=False):
    """The fields of `ParityRequest`, each of which `parity` takes as a keyword argument too."""

    scheme: Scheme
    output: str | Path | None
    images: int | None
    gate: Gate | None
    force: bool
    files: str | Path | None
    delegate: Delegate | None


@dataclass(frozen=True)
class ParityRequest:
    """How a converted file is to be compared.

    Attributes:
        scheme: of the file to compare.
        output: folder for parity.<scheme>.html and .json; the folder of the files by default.
        images: compare on so many test images only, of every class as many.
        gate: what the file must hold to pass; None for nothing.
        force: replace reports that exist.
        files: the folder with both converted files; the run directory by default.
        delegate: of a last rung, on this machine's accelerator.

    Raises:
        InputError: unknown scheme, or an argument of another kind.
    """

    scheme: Scheme = DEFAULT_SCHEME
    output: str | Path | None = None
    images: int | None = None
    gate: Gate | None = None
    force: bool = False
    files: str | Path | None = None
    delegate: Delegate | None = None

    def __post_init__(self) -> None:
        require_scheme(self.scheme)
        for path, what in ((self.output, "the folder for the reports"), (self.files, "the folder of the files")):
            if path is not None:
                require_path(path, what)
        for value, kind, name in ((self.gate, Gate, "gate"), (self.delegate, Delegate, "delegate")):
            if value is not None:
                require_kind(value, kind, name)
