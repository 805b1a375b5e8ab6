"""What Keras computes with: TensorFlow, or JAX, which trains on more than one device."""

import importlib.util
import os
import sys
from typing import Literal

from edgecnn.errors import EdgecnnError
from edgecnn.optional_packages import load_jax, load_tensorflow, require_jax, require_tensorflow

Backend = Literal["tensorflow", "jax"]


def choose_backend(parallel: bool = False) -> Backend:
    """Settle the backend before Keras is imported: JAX for `parallel`, for KERAS_BACKEND=jax and without TensorFlow.

    Raises:
        MissingExtraError: it is not installed.
        EdgecnnError: Keras runs on the other one in this process already.
    """
    wants_jax = parallel or os.environ.get("KERAS_BACKEND") == "jax"
    only_jax = importlib.util.find_spec("tensorflow") is None and importlib.util.find_spec("jax") is not None
    backend: Backend = "jax" if wants_jax or only_jax else "tensorflow"
    keras = sys.modules.get("keras")
    if keras is not None and keras.backend.backend() != backend:
        raise EdgecnnError(
            f"Keras runs on {keras.backend.backend()} in this process already, this training needs {backend}; "
            "start it in a process of its own"
        )
    if backend == "jax":
        require_jax("training with JAX")
        _add_in_order()
        load_jax()
    else:
        require_tensorflow("edgecnn train")
        load_tensorflow()
    return backend


def _add_in_order() -> None:
    """Have XLA's GPU kernels add in the same order every time, unless the user has said what they are to do."""
    flags = os.environ.get("XLA_FLAGS", "")
    wanted = "--xla_gpu_deterministic_ops"
    if wanted not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {wanted}=true".strip()
