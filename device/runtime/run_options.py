"""How a model is to be run: what the caller chose, checked, in one value."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from edgecnn.arguments import is_whole, require_choice, to_plain
from edgecnn.errors import InputError

from .runtimes import Kernels

if TYPE_CHECKING:
    from pathlib import Path

    from .delegates import Delegate
    from .description import Description

MOST_THREADS = 256  # runtimes crash on tens of thousands


@dataclass(frozen=True)
class RunOptions:
    """How a model is to be run.

    Attributes:
        threads: of the runtime, 1 to 256.
        kernels: `default` is the runtime's fastest on the CPU; `reference` the slow ones, equal on all machines;
            `plain` the built-in ones without a delegate.
        delegate: what computes the model instead of the runtime's own choice; its own kernels go before `kernels`.
        runtime: insist on one of `edgecnn.device.runtime.runtimes.RUNTIMES`; None for the first that is installed.
        trust: open a file here at once, not in a child process first.
        description: what the caller says of a file without a card.
        require_signature: a file of allowed signers, one of whom must have signed the file; None to ask for none.
        probe: refuse a delegate that gives other answers on the golden probes than the file has.

    Raises:
        InputError: `threads` is out of range, or `kernels`, `delegate`, `runtime` or `description` is none.
    """

    threads: int = 1
    kernels: Kernels = "default"
    delegate: "Delegate | None" = None
    runtime: str | None = None
    trust: bool = False
    description: "Description | None" = None
    require_signature: "str | Path | None" = None
    probe: bool = True

    def __post_init__(self) -> None:
        if not is_whole(self.threads) or not 1 <= self.threads <= MOST_THREADS:
            raise InputError(f"threads must be 1 to {MOST_THREADS}. Received: {self.threads!r}")
        to_plain(self, "threads")
        require_choice(self.kernels, get_args(Kernels), "kernels")
        if self.delegate is not None and not hasattr(self.delegate, "kernels"):
            raise InputError(f"delegate must be an edgecnn.device.Delegate. Received: {self.delegate!r}")
        if self.runtime is not None and not isinstance(self.runtime, str):
            raise InputError(f"runtime must be a name, such as litert. Received: {self.runtime!r}")
        if not isinstance(self.trust, bool):
            raise InputError(f"trust must be True or False. Received: {self.trust!r}")
        if self.description is not None and not hasattr(self.description, "input_range"):
            raise InputError(f"description must be an edgecnn.device.Description. Received: {self.description!r}")


DEFAULTS = RunOptions()
