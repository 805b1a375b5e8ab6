"""What a training does on a GPU, as far as it can be known without one: TensorFlow and JAX are asked of stand-ins."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tensorflow as tf

from edgecnn.train.devices import processor
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
    return asked


@pytest.mark.parametrize(("capability", "bfloat16"), [((7, 5), False), ((8, 0), True), ((9, 0), True), (None, False)])
def test_a_gpu_computes_in_order_and_in_full_float32(
    two_gpus: list[Any], capability: tuple[int, int] | None, bfloat16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    details = {"device_name": "Example 1", **({"compute_capability": capability} if capability else {})}
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: details)
    found = detect_processor("tensorflow", Parallel())
    assert (found.description, found.gpu, found.bfloat16) == ("GPU (Example 1)", True, bfloat16)
    assert two_gpus == ["in order", ("TF32", False)]


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
    found = detect_processor("jax", Parallel())
    assert (found.description, found.gpu, found.bfloat16) == ("GPU (Example 2), JAX", True, bfloat16)


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


def test_a_gpu_that_is_there_and_not_seen_is_said_unless_it_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert processor.words_on_idle_gpu("TensorFlow", "edgecnn[gpu]", tmp_path) == ""
    (tmp_path / "nvidiactl").touch()  # of the driver, also where there is no card
    assert processor.words_on_idle_gpu("TensorFlow", "edgecnn[gpu]", tmp_path) == ""
    (tmp_path / "nvidia0").touch()
    assert "pip install 'edgecnn[gpu]'" in processor.words_on_idle_gpu("TensorFlow", "edgecnn[gpu]", tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert processor.words_on_idle_gpu("TensorFlow", "edgecnn[gpu]", tmp_path) == ""


def test_xla_knows_the_flag() -> None:
    environment = os.environ | {"XLA_FLAGS": "--xla_gpu_deterministic_ops=true"}
    code = "import jax; print(jax.numpy.ones(2).sum())"  # a flag that XLA does not know ends the process
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout == "2.0\n", done.stderr
