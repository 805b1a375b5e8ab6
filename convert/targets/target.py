"""What a target is: software or an accelerator that will run the files, with its demands on a conversion."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgecnn.model_file.schemes import IoType

if TYPE_CHECKING:
    from edgecnn.model_file.card import ModelCard
    from edgecnn.model_file.tflite_graph import Graph
    from edgecnn.pixels.input_spec import InputSpec


@dataclass(frozen=True)
class ExportSettings:
    """How a network is exported.

    Attributes:
        scheme: the quantization.
        io: type of input and output, for a scheme with a choice of them.
        dense_per_tensor: give dense layers one scale instead of one a channel.
        pixels_in: move the card's scale and offset into the model, so that its uint8 input is the pixel itself.
    """

    scheme: str
    io: IoType
    dense_per_tensor: bool
    pixels_in: bool = False


class Target:
    """Base of all targets: takes whatever TFLite's built-in operators can do.

    A target is a subclass in a file of its own in this folder, which ends in `TARGET = ThatClass()`; it overrides what
    is not so there. It imports TensorFlow and NumPy inside its methods alone: `edgecnn convert --help` lists it.

    Attributes:
        name: what --target takes.
        package: the PyPI package that a conversion for it needs beyond TensorFlow; an extra of edgecnn of its name.
        stores_members: the files behind the model are not compressed.
    """

    name: str
    package: str = ""
    stores_members: bool = False

    def settings(self, requested: ExportSettings, spec: "InputSpec") -> ExportSettings:
        """Switch what this target needs.

        Args:
            requested: what the user asked for.
            spec: what images become.

        Raises:
            InputError: it cannot take this scheme or these images, whatever is switched.
        """
        return requested

    def require_supported(self, graph: "Graph") -> None:
        """Make sure that it runs a converted model that has passed `rules.require_supported`.

        Raises:
            EdgecnnError: the rule that fails, in words.
        """

    def finish_flatbuffer(self, flatbuffer: bytes, card: "ModelCard") -> bytes:
        """What it wants to be written into the plain model itself; returns a flatbuffer with edgecnn's header."""
        return flatbuffer

    def finish_file(self, path: Path, graph: "Graph") -> tuple[Path | None, tuple[str, ...]]:
        """What is done with the plain model when it has been written.

        Returns:
            A further file that was made of it, if any, and notes for people.

        Raises:
            EdgecnnError: it cannot be done.
        """
        return None, ()
