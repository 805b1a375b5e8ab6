"""A model that is loaded and ready: tensors in, tensors out, looked up once."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgecnn.errors import InputError, ModelFileError
from edgecnn.model_file.container import PackedModel
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.pixels.input_table import Gather, input_table

from .runtimes import Kernels, find_runtime, open_interpreter, operators
from .tensor_spec import TensorSpec

if TYPE_CHECKING:
    from edgecnn.pixels.dataset import Images

    from .delegates import Delegate, Placement

_MAX_THREADS = 256  # runtimes crash on tens of thousands
_SERVING = "serving_default"  # the signature that TensorFlow names when nobody else does


class Session:
    """A loaded model.

    Attributes:
        input: the one input tensor.
        outputs: output tensors by signature name; never by position, which is arbitrary.
        interpreter: the runtime's own, for looking into.
        delegate: what was asked for; None for the runtime's own choice.
    """

    def __init__(
        self,
        model: PackedModel,
        threads: int = 1,
        kernels: Kernels = "default",
        delegate: "Delegate | None" = None,
        runtime: str | None = None,
    ) -> None:
        """Load `model`; `open_session` is for delegates of every kind.

        Args:
            delegate: built into the runtime, or in a library.
            runtime: insist on one, see `edgecnn.device.runtime.runtimes.RUNTIMES`.

        Raises:
            ModelFileError: the runtime refuses it, or it has not one image input.
            DelegateError: no runtime is installed, or the delegate does not load.
            InputError: `threads` is not 1 to 256.
        """
        if not isinstance(threads, int) or not 1 <= threads <= _MAX_THREADS:
            raise InputError(f"threads must be 1 to {_MAX_THREADS}. Received: {threads!r}")
        found = find_runtime(runtime)
        self._runtime = found
        self.delegate = delegate
        loaded = []
        if delegate:
            from .delegates import load

            loaded, kernels = load(found, delegate), delegate.kernels
        self.interpreter: Any
        self.interpreter, self._listed = open_interpreter(found, model.flatbuffer, model.name, threads, kernels, loaded)
        inputs, self.outputs = _tensors(self.interpreter)
        if len(inputs) != 1 or not inputs[0].is_image:
            shapes = ", ".join(str(tensor.shape) for tensor in inputs)
            raise ModelFileError(
                f"{model.name} must take one image of shape (1, height, width, 1 or 3). Received: inputs {shapes}; "
                "edgecnn runs image classifiers only"
            )
        self.input = inputs[0]
        if self.input.dtype.kind != "f" and self.input.scale <= 0:
            raise ModelFileError(
                f"{model.name} takes {self.input.dtype} without a quantization scale: how pixels are meant is unknown; "
                "convert the model again"
            )
        self._index = self.input.index
        self._set_tensor, self._invoke = self.interpreter.set_tensor, self.interpreter.invoke
        self._get_tensor = self.interpreter.get_tensor

    def table(self, spec: InputSpec) -> npt.NDArray[np.generic]:
        """The input value of every pixel value: (channels, 256) in the input's dtype."""
        return input_table(spec, self.input.dtype, self.input.scale, self.input.zero_point)

    @property
    def runtime(self) -> str:
        """The runtime's name and version."""
        return str(self._runtime)

    def gather(self, spec: InputSpec) -> Gather:
        """What makes the input of pixels that are prepared as `spec` says."""
        return Gather(self.table(spec), spec)

    def placement(self) -> "Placement":
        """Which operators the delegate computes."""
        name = self.delegate.name if self.delegate else "the runtime's own choice"
        from .delegates import placement

        return placement(self._listed or operators(self.interpreter), name)

    def run(self, tensor: npt.NDArray[np.generic]) -> None:
        """Invoke the model on `tensor`: shape and dtype of `input`."""
        self._set_tensor(self._index, tensor)
        self._invoke()

    def output(self, tensor: TensorSpec) -> npt.NDArray[Any]:
        """A copy of an output of the last run, in its own dtype, without the batch dimension."""
        values: npt.NDArray[Any] = self._get_tensor(tensor.index)[0]
        return values

    def run_all(self, images: "Images", spec: InputSpec, tensor: TensorSpec) -> npt.NDArray[Any]:
        """Run uint8 `images` (count, height, width, channels), which are prepared as `spec` says, one by one.

        Returns:
            The output `tensor` of each, stacked, in its own dtype.
        """
        gather = self.gather(spec)
        results = np.empty((len(images), *tensor.shape[1:]), tensor.dtype)
        for row, pixels in enumerate(images):
            self.run(gather(pixels))
            results[row] = self.output(tensor)
        return results


def open_session(
    model: PackedModel,
    threads: int = 1,
    kernels: Kernels = "default",
    delegate: "Delegate | None" = None,
    runtime: str | None = None,
) -> Session:
    """A session with any delegate; see `Session`."""
    if delegate and delegate.is_compiled:
        from .compiled_session import CompiledSession

        return CompiledSession(model, threads, delegate, runtime)
    return Session(model, threads, kernels, delegate, runtime)


def _tensors(interpreter: Any) -> tuple[list[TensorSpec], dict[str, TensorSpec]]:
    """Inputs, and outputs by name: the signature's, or for a file without one the tensors' own."""
    signatures = interpreter.get_signature_list()
    if signatures:
        runner = interpreter.get_signature_runner(_SERVING if _SERVING in signatures else sorted(signatures)[0])
        inputs, outputs = runner.get_input_details(), runner.get_output_details()
    else:
        inputs = {details["name"]: details for details in interpreter.get_input_details()}
        outputs = {details["name"]: details for details in interpreter.get_output_details()}
    return (
        [TensorSpec.from_details(name, details) for name, details in inputs.items()],
        {name: TensorSpec.from_details(name, details) for name, details in outputs.items()},
    )
