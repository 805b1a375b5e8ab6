"""A model that is loaded and ready: tensors in, tensors out, looked up once."""

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgecnn.errors import DelegateError, ModelFileError
from edgecnn.model_file.container import PackedModel

from .forking import never_release, tell_of_forks
from .run_options import DEFAULTS, RunOptions
from .runner import Runner
from .runtimes import REFUSALS, find_runtime, open_interpreter, operators
from .tensor_spec import TensorSpec, advice_on_shape

if TYPE_CHECKING:
    from .placement import DelegatePlacement

_SERVING = "serving_default"  # the signature that TensorFlow names when nobody else does


class Session(Runner):
    """A model that an interpreter of this process runs.

    Attributes:
        options: how it is run.
    """

    def __init__(self, model: PackedModel, options: RunOptions = DEFAULTS) -> None:
        """Load `model`; `opening.open_session` is for delegates of every kind.

        Args:
            model: a file that has been read and checked.
            options: how it is to run; a delegate must be built into the runtime, or in a library.

        Raises:
            ModelFileError: the runtime refuses it, or it has not one image input.
            DelegateError: no runtime is installed, or the delegate does not load.
            InputError: there is no such runtime.
        """
        self._runtime = find_runtime(options.runtime)
        self._model, self.options = model, options
        self.delegate = options.delegate
        self.lock = threading.Lock()
        self.last_input = None
        self.interpreter, self._operators = self._open(model, options)
        inputs, self.outputs = _tensors(self.interpreter, model.name)
        if len(inputs) != 1 or not inputs[0].is_image:
            shapes = ", ".join(str(tensor.shape) for tensor in inputs)
            raise ModelFileError(
                f"{model.name} must take one image of shape (1, height, width, 1 or 3). Received: inputs {shapes}; "
                f"{advice_on_shape(inputs[0].shape if len(inputs) == 1 else ())}"
            )
        self.input = inputs[0]
        if self.input.dtype.kind != "f" and self.input.scale <= 0:
            raise ModelFileError(
                f"{model.name} takes {self.input.dtype} without a quantization scale: how pixels are meant is unknown; "
                "convert the model again"
            )
        self._index = self.input.index
        by_library = options.delegate is not None and not options.delegate.is_built_in
        self._shapes = self._shapes_of_outputs() if by_library else None
        self._bind()
        tell_of_forks(self)

    def _shapes_of_outputs(self) -> dict[str, tuple[int, ...]]:
        """By name what the file says, for a library may change the runtime's own tensors; not where a size is open."""
        return {name: one.shape for name, one in self.outputs.items() if one.shape and min(one.shape) > 0}

    def _bind(self) -> None:
        self._set_tensor, self._invoke = self.interpreter.set_tensor, self.interpreter.invoke
        self._get_tensor = self.interpreter.get_tensor

    def become_copy(self) -> None:
        """In a forked child: load the model anew before it runs again, or say why that cannot be."""
        never_release(self.interpreter)
        self.lock, self.last_input = threading.Lock(), None
        self._set_tensor = self._load_again

    def refusal_after_fork(self) -> DelegateError:
        """Why an accelerator does not go on in a forked child."""
        return DelegateError(
            f"{self._model.name} was loaded with the delegate {self.delegate.name if self.delegate else ''} before "
            "this process was forked, and an accelerator belongs to the process that opened it; load the model in the "
            "child process"
        )

    def _load_again(self, index: int, tensor: npt.NDArray[np.generic]) -> None:
        """Stands for `set_tensor` until the child process has an interpreter of its own."""
        if self.delegate is not None and not self.delegate.is_built_in:
            raise self.refusal_after_fork()
        self.interpreter, self._operators = self._open(self._model, self.options)
        self._bind()
        self._set_tensor(index, tensor)

    def _open(self, model: PackedModel, options: RunOptions) -> tuple[Any, list[dict[str, Any]]]:
        loaded, kernels = [], options.kernels
        if options.delegate:
            from .delegates import load_delegate

            loaded, kernels = load_delegate(self._runtime, options.delegate), options.delegate.kernels
        return open_interpreter(self._runtime, model.flatbuffer, model.name, options.threads, kernels, loaded)

    @property
    def runtime(self) -> str:
        """The runtime's name and version."""
        return str(self._runtime)

    def placement(self) -> "DelegatePlacement":
        """Which operators the delegate computes."""
        from .placement import DelegatePlacement

        name = self.delegate.name if self.delegate else "the runtime's own choice"
        return DelegatePlacement.from_operators(self._operators or operators(self.interpreter), name)

    def _invoke_on(self, tensor: npt.NDArray[np.generic]) -> None:
        self._set_tensor(self._index, tensor)
        self._invoke()

    def output(self, tensor: TensorSpec) -> npt.NDArray[Any]:
        """A copy of an output of the last run, in its own dtype, without the batch dimension.

        Raises:
            RuntimeError: a delegate's library has made another tensor of it, or none (ValueError).
        """
        values: npt.NDArray[Any] = self._get_tensor(tensor.index)
        if self._shapes is not None:
            expected = self._shapes.setdefault(tensor.name, values.shape)
            if values.dtype != tensor.dtype or values.shape != expected:
                raise RuntimeError(
                    f"its {tensor.name} are {values.dtype} {values.shape}, and not {tensor.dtype} {expected}"
                )
        one: npt.NDArray[Any] = values[0]
        return one


def _tensors(interpreter: Any, name: str) -> tuple[list[TensorSpec], dict[str, TensorSpec]]:
    """Inputs, and outputs by name: the signature's, or for a file without one the tensors' own."""
    try:
        signatures = interpreter.get_signature_list()
        if signatures:
            runner = interpreter.get_signature_runner(_SERVING if _SERVING in signatures else sorted(signatures)[0])
            inputs, outputs = runner.get_input_details(), runner.get_output_details()
        else:
            inputs = {details["name"]: details for details in interpreter.get_input_details()}
            outputs = {details["name"]: details for details in interpreter.get_output_details()}
        return (
            [TensorSpec.from_details(own, details) for own, details in inputs.items()],
            {own: TensorSpec.from_details(own, details) for own, details in outputs.items()},
        )
    except (*REFUSALS, LookupError, ArithmeticError) as error:
        # Runtimes take flatbuffers whose signature names tensors that are not there.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelFileError(
            f"{name}: its inputs and outputs do not read ({reason}); convert the model again"
        ) from None
