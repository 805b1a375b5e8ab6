"""What can compute a model beside a runtime's plain kernels: one row each, and everything that is said about it.

`--delegate`, its messages and `edgecnn doctor` are made of these rows; `--help` reads them, so they import nothing.
"""

from typing import Literal, NamedTuple

Kind = Literal["built in", "library", "compiled"]

TIMEOUT_S = 60.0  # to load a model and run it once, where nobody gives it longer


class Accelerator(NamedTuple):
    """How an accelerator is reached, and what its absence means.

    Attributes:
        kind: `built in` for a runtime's own kernels, `library` for an external delegate, `compiled` for what LiteRT's
            CompiledModel has under this name.
        library: file name of an external delegate, as the system's loader finds it.
        package: Python package that it needs beside the runtime.
        machines: processors that the package is for, as `platform.machine()` calls them; empty for all.
        options: its options and their values, the first the default; None for whatever a library takes.
        advice: how a message goes on that says that it does not load or start.
        install: what `edgecnn doctor` says where its library or package is not there.
    """

    kind: Kind
    library: str = ""
    package: str = ""
    machines: tuple[str, ...] = ()
    options: dict[str, tuple[str, ...]] | None = None
    advice: str = ""
    install: str = ""

    @property
    def takes_options(self) -> bool:
        """Whether there is anything that can be set."""
        return self.options is None or bool(self.options)


ACCELERATORS = {
    # The runtime's kernels alone, without the delegate that it would choose itself.
    "cpu": Accelerator("built in", options={}),
    # What a runtime does unless told otherwise.
    "xnnpack": Accelerator("built in", options={}),
    "edgetpu": Accelerator(
        "library",
        library="libedgetpu.so.1",
        advice="install libedgetpu1-std of the version that the runtime was built with, and plug the accelerator in",
        install="for a Coral accelerator, from Coral's archive: sudo apt install libedgetpu1-std",
    ),
    "gpu": Accelerator("compiled", options={}, advice="LiteRT finds no GPU that it can use; use --delegate xnnpack"),
    "npu": Accelerator(
        "compiled",
        package="ai-edge-litert-sdk-intel",
        machines=("x86_64",),
        options={"device": ("NPU", "GPU", "CPU")},
        advice="on an x86-64 computer: pip install ai-edge-litert-sdk-intel; elsewhere LiteRT has none, use --delegate "
        "cpu",
        install="for an Intel NPU: pip install ai-edge-litert-sdk-intel",
    ),
}
# What a delegate library is that has no row: its path is its name.
LIBRARY = Accelerator("library", advice="give the path of a library for this processor and system")


def accelerator(name: str) -> Accelerator:
    """The row of `name`; for the path of a library, what is true of any."""
    return ACCELERATORS.get(name, LIBRARY)
