"""What a training does on a GPU, as far as it can be known without one: TensorFlow and JAX are asked of stand-ins."""

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import tensorflow as tf

from edgecnn.train.devices.backend import choose_backend
from edgecnn.train.devices.data_parallel import Parallel
from edgecnn.train.devices.processor import detect_processor


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """TensorFlow sees two GPUs; the list is filled with what is asked of it."""
    asked: list[Any] = []
    config = tf.config.experimental
    gpus = [tf.config.PhysicalDevice(f"gpu{number}", "GPU") for number in (0, 1)]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus if kind == "GPU" else [])
    monkeypatch.setattr(config, "enable_op_determinism", lambda: asked.append("in order"))
    monkeypatch.setattr(config, "enable_tensor_float_32_execution", lambda on: asked.append(("TF32", on)))
    monkeypatch.setattr(config, "set_memory_growth", lambda gpu, on: asked.append((gpu.name, on)))
    return asked


@pytest.mark.parametrize(("capability", "bfloat16"), [((7, 5), False), ((8, 0), True), ((9, 0), True), (None, False)])
def test_a_gpu_computes_in_order_in_full_float32_and_takes_the_memory_that_it_needs(
    two_gpus: list[Any], capability: tuple[int, int] | None, bfloat16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    details = {"device_name": "Example 1", **({"compute_capability": capability} if capability else {})}
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: details)
    processor = detect_processor("tensorflow", Parallel())
    assert (processor.description, processor.gpu, processor.bfloat16) == ("GPU (Example 1)", True, bfloat16)
    assert two_gpus == ["in order", ("TF32", False), ("gpu0", True), ("gpu1", True)]


def test_a_gpu_that_this_process_computes_on_already_is_used_as_it_is(
    two_gpus: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(gpu: tf.config.PhysicalDevice, on: bool) -> None:
        raise RuntimeError("Physical devices cannot be modified after being initialized")

    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", refuse)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {})
    assert detect_processor("tensorflow", Parallel()).description == "GPU (gpu0)"


@pytest.mark.parametrize(
    ("platform", "capability", "bfloat16"),
    [("gpu", "7.5", False), ("gpu", "8.9", True), ("gpu", "10.0", True), ("gpu", "gfx90a", True), ("tpu", None, True)],
)
def test_jax_computes_in_bfloat16_where_the_accelerator_has_it(
    platform: str, capability: str | None, bfloat16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = SimpleNamespace(platform=platform, device_kind="Example 2")
    if capability:
        device.compute_capability = capability
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(local_devices=lambda: [device]))
    processor = detect_processor("jax", Parallel())
    assert (processor.description, processor.gpu, processor.bfloat16) == ("GPU (Example 2), JAX", True, bfloat16)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("", "--xla_gpu_deterministic_ops=true"),
        ("--xla_gpu_deterministic_ops=false", "--xla_gpu_deterministic_ops=false"),
        ("--xla_dump_to=x", "--xla_dump_to=x --xla_gpu_deterministic_ops=true"),
    ],
)
def test_jax_adds_in_order_on_a_gpu_unless_the_user_wants_it_otherwise(
    flags: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setenv("XLA_FLAGS", flags)
    monkeypatch.delitem(sys.modules, "keras")  # it runs on TensorFlow in this process
    assert choose_backend() == "jax"
    assert os.environ["XLA_FLAGS"] == expected


def test_xla_knows_the_flag() -> None:
    environment = os.environ | {"XLA_FLAGS": "--xla_gpu_deterministic_ops=true"}
    code = "import jax; print(jax.numpy.ones(2).sum())"  # a flag that XLA does not know ends the process
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout == "2.0\n", done.stderr
