"""Several devices and several processes train the network that one would have trained. Runs on JAX, on CPUs."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from edgecnn import EdgecnnError, ModelCard
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import TRAINING_FILES
from edgecnn.train import train
from tests.support.command_line import killed_when
from tests.support.npz_files import save_some
from tests.support.ports import free_port

EPOCHS = 4

# Whether Keras compiles the step of a training with every augmentation.
COMPILED = """
import dataclasses, numpy as np
from edgecnn.optional_packages import load_jax
load_jax()
import keras
from edgecnn.train.fitting.training_model import build_training_model
from edgecnn.train.recipes import AUGMENTATIONS, RECIPES
layers = [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")]
recipe = dataclasses.replace(RECIPES["notebook"], augment=AUGMENTATIONS)
model = build_training_model(keras.Sequential(layers), recipe, (0.0,))
model.compile(loss="sparse_categorical_crossentropy", jit_compile="auto")
model.fit(np.zeros((4, 8, 8, 1), np.float32), np.zeros(4, np.int32), verbose=0)
print(keras.backend.backend(), model.jit_compile)
"""

# A small network: what is compiled is no matter of its size.
NETWORK = f"{Path(__file__).parents[2] / 'support' / 'own_architectures.py'}:normalised"
OPTIONS = [
    *("train", "--recipe", "notebook", "--epochs", str(EPOCHS), "--architecture", NETWORK),
    *("--validation-split", "0.2", "--augment", "flip", "--augment", "shift", "--seed", "5"),
]


def start(data: Path, output: Path, *options: str, lost: bool = False, **variables: str) -> "subprocess.Popen[str]":
    """A process that trains; one to be `lost` is killed when an epoch is saved."""
    arguments = (*OPTIONS, "--data", str(data), "--output", str(output), *options)
    command = [sys.executable, "-m", "edgecnn", *arguments]
    if lost:
        command = killed_when(output / "checkpoint.npz", 1, *arguments)
    # What one process has compiled, the next needs not compile again, and no code for a second of work is worth
    # optimizing: half of the time of each.
    compiled = {
        "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
        "JAX_COMPILATION_CACHE_DIR": str(data.with_name("compiled")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    return subprocess.Popen(
        command, env=os.environ | compiled | variables, text=True, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )


def job(
    data: Path, output: Path, *options: str, slurm: bool = False, lost: int | None = None
) -> "list[subprocess.Popen[str]]":
    """Two processes of a job on this machine, described as Keras wants it or as Slurm's srun does; one may be lost."""
    port = free_port()
    if slurm:  # JAX takes the port from the job's number
        shared = {"SLURM_JOB_ID": str(port), "SLURM_STEP_NODELIST": "127.0.0.1", "SLURM_NTASKS": "2"}
        own: tuple[str, ...] = ("SLURM_PROCID", "SLURM_LOCALID")
    else:
        shared = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{port}", "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
        own = ("KERAS_DISTRIBUTION_PROCESS_ID",)
    numbers = [dict.fromkeys(own, str(number)) for number in range(2)]
    return [
        start(data, output, "--distributed", *options, lost=place == lost, **shared, **number)
        for place, number in enumerate(numbers)
    ]


def finish(process: "subprocess.Popen[str]") -> tuple[str, str]:
    said = process.communicate(timeout=300)
    assert process.returncode == 0, said[1]
    assert "Gloo" not in "".join(said) and "I0000" not in "".join(said)
    return said


def weights(run: Path) -> list[Any]:
    values: list[Any] = []
    with (
        zipfile.ZipFile(run / "model.keras") as archive,
        h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file,
    ):
        file.visititems(lambda _, item: values.append(item[()]) if isinstance(item, h5py.Dataset) else None)
    return values


def assert_same_curve(run: Path, expected: Path) -> None:
    """float32 adds in another order: 1e-7 a sum, which Adam lets grow a thousandfold over a hundred steps.

    Every batch divides by two; the last, of what is left over, would be cut for two processes and not for one.
    Processes that trained on the same half of every batch would differ by 1e-1 already in the first epoch.
    """
    curves = []
    for path in (run, expected):
        with (path / "history.csv").open() as file:
            curves.append([[float(row["loss"]), float(row["validation_loss"])] for row in csv.DictReader(file)])
    np.testing.assert_allclose(curves[0][0], curves[1][0], rtol=3e-5)
    np.testing.assert_allclose(curves[0], curves[1], rtol=1e-2)


@pytest.fixture(scope="module")
def fewer(fashion: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .npz file: six batches an epoch, all whole."""
    return save_some(tmp_path_factory.mktemp("fewer") / "fewer.npz", fashion, 240, 60)


@pytest.fixture(scope="module")
def alone(fewer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("alone") / "run"
    finish(start(fewer, run, KERAS_BACKEND="jax"))
    return run


@pytest.fixture(scope="module")
def together(fewer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained by two processes; only process 0 writes and speaks of results."""
    run = tmp_path_factory.mktemp("together") / "run"
    said = [finish(process) for process in job(fewer, run)]
    assert said[0][0].startswith("test accuracy") and "2 devices of 2 process(es)" in said[0][1]
    assert said[1][0] == "" and "process 1 of the job is done" in said[1][1]
    assert {path.name for path in run.iterdir()} == set(TRAINING_FILES)
    return run


def test_two_processes_train_the_network_that_one_trains(alone: Path, together: Path) -> None:
    assert_same_curve(together, alone)


def test_all_devices_of_a_process_train_the_network_that_one_trains(alone: Path, fewer: Path, tmp_path: Path) -> None:
    # A CPU is one device. XLA can make believe that it is several, but these lock each other out now and then.
    said = finish(start(fewer, tmp_path / "run", "--devices"))
    assert "1 devices of 1 process(es)" in said[1]
    assert_same_curve(tmp_path / "run", alone)


@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_process_ends_the_job_with_a_sentence_and_it_can_be_resumed(
    lost: int, together: Path, fewer: Path, tmp_path: Path
) -> None:
    processes = job(fewer, tmp_path / "run", slurm=True, lost=lost)
    said = processes[1 - lost].communicate(timeout=300)[1]
    processes[lost].communicate(timeout=60)
    assert [processes[lost].returncode, processes[1 - lost].returncode] == [-signal.SIGKILL, 1]
    assert said.splitlines()[-1].startswith("Error: a process of the job was lost") and "--resume" in said
    assert "Traceback" not in said and said.count("Error:") == 1
    if lost == 1:  # process 0 alone writes: what is left is as whole as after a Ctrl-C
        with np.load(tmp_path / "run" / "checkpoint.npz") as arrays:
            assert json.loads(str(arrays["state"]))["history"]
        return
    for process in job(fewer, tmp_path / "run", "--resume"):
        finish(process)
    for found, expected in zip(weights(tmp_path / "run"), weights(together), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_training_step_is_compiled_whatever_the_augmentation() -> None:
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    done = subprocess.run([sys.executable, "-c", COMPILED], env=environment, capture_output=True, text=True)
    assert done.stdout == "jax True\n", done.stderr


def test_a_run_on_jax_is_converted_by_tensorflow(alone: Path, fewer: Path) -> None:
    command = [sys.executable, "-m", "edgecnn", "convert", str(alone), "--data", str(fewer), "--int8"]
    result = subprocess.run(
        command, env=os.environ | {"KERAS_BACKEND": "jax"}, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    assert ModelCard.load(alone / "card.json").labels[0] == "T-shirt/top"


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({}, "found no job to join"),
        (
            {"KERAS_DISTRIBUTION_PROCESS_ID": "0"},
            "set KERAS_DISTRIBUTION_JOB_ADDRESSES, KERAS_DISTRIBUTION_NUM_PROCESSES",
        ),
    ],
)
def test_a_job_that_nobody_described_is_a_sentence(
    variables: dict[str, str], sentence: str, fewer: Path, tmp_path: Path
) -> None:
    process = start(fewer, tmp_path / "run", "--distributed", lost=False, **variables)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 1 and sentence in said and "Traceback" not in said
    assert not (tmp_path / "run").exists()


def test_another_backend_than_the_running_one_is_a_sentence(small: Dataset, tmp_path: Path) -> None:
    import keras

    assert keras.backend.backend() == "tensorflow"
    with pytest.raises(EdgecnnError, match="in a process of its own"):
        train(tmp_path / "run", small, devices=True)
