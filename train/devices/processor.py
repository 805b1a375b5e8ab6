"""What Keras trains on here, and which arithmetic is fast there."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from edgecnn.cpu_info import read_cpu_info

from .backend import Backend
from .data_parallel import Parallel


@dataclass(frozen=True)
class Processor:
    """The processor that trains.

    Attributes:
        description: for people, e.g. "CPU (AMD EPYC, 2 threads)".
        gpu: whether it is one.
        bfloat16: whether it multiplies bfloat16 natively.
        note: on a GPU that is there and is not used, in words; else empty.
    """

    description: str
    gpu: bool
    bfloat16: bool
    note: str = ""


def detect_processor(backend: Backend, parallel: Parallel) -> Processor:
    """The first GPU that the backend sees, else the CPU; with JAX, all devices that take part."""
    return _detect_with_jax(parallel) if backend == "jax" else _detect_with_tensorflow()


def _detect_with_jax(parallel: Parallel) -> Processor:
    import jax

    device = jax.local_devices()[0]
    gpu = device.platform != "cpu"
    name = f"GPU ({device.device_kind})" if gpu else _cpu()[0]
    several = f"{parallel.devices} devices of {parallel.processes} process(es), each " if parallel.distribution else ""
    # NVIDIA GPUs multiply bfloat16 from 8.0 on. XLA emulates it on CPUs, those that have it included.
    capability = str(getattr(device, "compute_capability", ""))
    before_ampere = capability.replace(".", "").isdecimal() and float(capability) < 8
    note = "" if gpu else words_on_idle_gpu("JAX", "jax[cuda13]")
    return Processor(f"{several}{name}, JAX", gpu, gpu and not before_ampere, note)


def _detect_with_tensorflow() -> Processor:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        tf.config.experimental.enable_op_determinism()  # GPU kernels add in any order otherwise
        # float32 means float32, for convert and parity too, which compare to the fourth digit and further.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        details = tf.config.experimental.get_device_details(gpus[0])
        capability = details.get("compute_capability", (0, 0))
        return Processor(f"GPU ({details.get('device_name', gpus[0].name)})", True, capability >= (8, 0))
    description, flags = _cpu()
    note = words_on_idle_gpu("TensorFlow", "edgecnn[gpu]")
    return Processor(description, False, bool({"avx512_bf16", "amx_bf16", "bf16"} & flags), note)


def words_on_idle_gpu(library: str, package: str, devices: Path = Path("/dev")) -> str:
    """Words on NVIDIA GPUs that the system has and `library` does not see, unless the user hides them."""
    if "CUDA_VISIBLE_DEVICES" in os.environ or not any(devices.glob("nvidia[0-9]*")):
        return ""
    return (
        f"an NVIDIA GPU is here that {library} does not see: this trains on the CPU; pip install '{package}' brings "
        "what it needs, and nvidia-smi says whether the driver works"
    )


def _cpu() -> tuple[str, frozenset[str]]:
    """For people, and what it can do."""
    info = read_cpu_info()
    if info is None:
        return f"CPU ({platform.machine()}, ? threads)", frozenset()
    return f"CPU ({info.model}, {info.threads} threads)", info.flags
