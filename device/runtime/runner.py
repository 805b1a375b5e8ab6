"""What runs a loaded model: tensors in, tensors out."""

import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from edgecnn.pixels.input_spec import InputSpec
from edgecnn.pixels.input_table import Gather, input_table

from .tensor_spec import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgecnn.arrays import Pixels
    from edgecnn.pixels.dataset import Images

    from .delegates import Delegate
    from .placement import DelegatePlacement


class Watcher(Protocol):
    """What is shown the images and their outputs; an audit."""

    def look(self, pixels: "Pixels", raw: npt.NDArray[Any], /) -> None:
        """After each image: uint8 (height, width, channels), and an output."""
        ...

    def finish(self) -> None:
        """After the last."""
        ...


class Runner(ABC):
    """What runs a loaded model, here or in another process.

    Attributes:
        input: the one input tensor.
        outputs: output tensors by signature name; never by position, which is arbitrary.
        interpreter: the runtime's own, for looking into; None where another process has it.
        delegate: what was asked for; None for the runtime's own choice.
        lock: to be held from making the input until the outputs are read, where several threads may use the session.
        last_input: the tensor of the last run, which its `Gather` overwrites at the next call; None if there is none.
    """

    input: TensorSpec
    outputs: dict[str, TensorSpec]
    interpreter: Any
    delegate: "Delegate | None"
    lock: threading.Lock
    last_input: npt.NDArray[np.generic] | None

    @property
    @abstractmethod
    def runtime(self) -> str:
        """The runtime's name and version."""

    @abstractmethod
    def placement(self) -> "DelegatePlacement":
        """Which operators the delegate computes."""

    def run(self, tensor: npt.NDArray[np.generic]) -> None:
        """Invoke the model on `tensor`: shape and dtype of `input`."""
        self.last_input = None  # for one that fails leaves the outputs of the run before
        self._invoke_on(tensor)
        self.last_input = tensor

    @abstractmethod
    def _invoke_on(self, tensor: npt.NDArray[np.generic]) -> None:
        """What `run` does."""

    @abstractmethod
    def output(self, tensor: TensorSpec) -> npt.NDArray[Any]:
        """A copy of an output of the last run, in its own dtype, without the batch dimension."""

    def read(self, tensors: "Sequence[TensorSpec]") -> list[npt.NDArray[Any]]:
        """`output` of each of `tensors`."""
        return [self.output(one) for one in tensors]

    def table(self, spec: InputSpec) -> npt.NDArray[np.generic]:
        """The input value of every pixel value: (channels, 256) in the input's dtype."""
        return input_table(spec, self.input.dtype, self.input.scale, self.input.zero_point)

    def gather(self, spec: InputSpec) -> Gather:
        """What makes the input of pixels that are prepared as `spec` says."""
        return Gather(self.table(spec), spec)

    def outputs_of(
        self, pixels: npt.NDArray[np.uint8], gather: Gather, tensors: "Sequence[TensorSpec]"
    ) -> list[npt.NDArray[Any]]:
        """What `tensors` are for prepared pixels: most often of the run before, which was of them; else runs them."""
        with self.lock:
            tensor = gather(pixels)
            if self.last_input is None or self.last_input is tensor or not np.array_equal(tensor, self.last_input):
                self.run(tensor)
                self.last_input = tensor.copy()
            return self.read(tensors)

    def run_all(
        self, images: "Images", spec: InputSpec, tensor: TensorSpec, watcher: "Watcher | None" = None
    ) -> npt.NDArray[Any]:
        """Run uint8 `images` (count, height, width, channels), which are prepared as `spec` says, one by one.

        Args:
            images: what the model is run on.
            spec: of its input.
            tensor: the output that is wanted.
            watcher: is shown each image and its output.

        Returns:
            The output `tensor` of each, stacked, in its own dtype.
        """
        gather = self.gather(spec)
        results = np.empty((len(images), *tensor.shape[1:]), tensor.dtype)
        for row, pixels in enumerate(images):
            with self.lock:
                self.run(gather(pixels))
                results[row] = self.output(tensor)
            if watcher is not None:
                watcher.look(pixels, results[row])
        if watcher is not None:
            watcher.finish()
        return results
