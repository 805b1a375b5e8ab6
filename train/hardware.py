"""What TensorFlow trains on here, and which arithmetic is fast there."""

import platform
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf


@dataclass(frozen=True)
class Hardware:
    """The processor that trains.

    Attributes:
        description: for people, e.g. "CPU (AMD EPYC, 2 threads)".
        gpu: whether it is one.
        bfloat16: whether it multiplies bfloat16 natively.
    """

    description: str
    gpu: bool
    bfloat16: bool


def detect() -> Hardware:
    """The first GPU that TensorFlow sees, else the CPU."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        tf.config.experimental.enable_op_determinism()  # GPU kernels add in any order otherwise
        details = tf.config.experimental.get_device_details(gpus[0])
        capability = details.get("compute_capability", (0, 0))
        return Hardware(f"GPU ({details.get('device_name', gpus[0].name)})", True, capability >= (8, 0))
    info = _cpu_info()
    threads = info.get("threads", "?")
    native = bool({"avx512_bf16", "amx_bf16", "bf16"} & set(info.get("flags", "").split()))
    return Hardware(f"CPU ({info.get('model', platform.machine())}, {threads} threads)", False, native)


def _cpu_info() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return {}
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    threads = sum(line.startswith("processor") for line in lines)
    flags = fields.get("flags") or fields.get("Features", "")
    return {"model": fields.get("model name", platform.machine()), "flags": flags, "threads": str(threads)}
