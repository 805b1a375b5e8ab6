"""Shared parts: the real data set, a small real training, its conversion, and the command line."""

import contextlib
import dataclasses
import gc
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from edgecnn.cli import main
from edgecnn.convert import Conversion, convert
from edgecnn.model_file.schemes import Scheme
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.train import TrainingRun, load_fashion_mnist, train
from edgecnn.train.data.fashion_mnist import cache_folder
from edgecnn.user_cache import cache_root
from tests.support.command_line import Run, in_new_process, in_this_process
from tests.support.foreign import Foreign, trained_elsewhere
from tests.support.npz_files import save_some
from tests.support.shared import once

# As in every command (edgecnn/cli/app.py, edgecnn/native_output.py), also where a test's file loads NumPy or TensorFlow
# first. Where workers share the processors, threads for the matrices of --qat wait for each other and double its time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# Where $EDGECNN_CONVERTED holds what was converted elsewhere: emulated Raspberry Pis are slow and have no TensorFlow.
ON_A_BOARD = "EDGECNN_CONVERTED" in os.environ

Trained = tuple[Path, "subprocess.CompletedProcess[str]"]  # a run, and what `edgecnn train` said

# Files of the most processor time and the longest waits, the longest first: at the end no worker waits for another.
LONGEST = (
    "test_data_parallel.py", "test_keras2.py", "test_docs.py", "test_tuning.py", "test_services.py",
    "test_checkpoint.py", "test_distillation.py", "test_convert.py", "test_training.py", "test_ladder.py",
    "test_deploying.py", "test_examples.py", "test_transfer.py", "test_fit.py", "test_planted_faults.py",
    "test_rollout.py", "test_delegates.py", "test_tflite_runtime_2_14.py", "test_schemes.py", "test_pretrained.py",
    "test_verification_bare.py", "test_damage.py", "test_reference.py", "test_applications.py",
)  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Give the tests a cache of their own: what was found right by another version of this code counts for nothing.

    Data sets that were downloaded before are still found in it, and fonts. Workers inherit it.
    """
    if "EDGECNN_TEST_CACHE" in os.environ:
        return
    folder = tempfile.TemporaryDirectory(prefix="edgecnn-test-cache-")
    config.add_cleanup(folder.cleanup)
    own = cache_root().parent
    for kept in (cache_folder(), own / "matplotlib"):  # its list of fonts takes seconds to make
        link = Path(folder.name) / kept.relative_to(own)
        with contextlib.suppress(OSError):
            kept.mkdir(parents=True, exist_ok=True)
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(kept)
    os.environ["XDG_CACHE_HOME"] = os.environ["EDGECNN_TEST_CACHE"] = folder.name


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="module", autouse=True)
def _settled() -> None:
    """Hand what lives by now, TensorFlow's million objects above all, to Python's collector as what it need not visit.

    TensorFlow asks for a full collection twice a conversion, which took half of its time.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def fashion() -> Dataset:
    """All of Fashion-MNIST."""
    return load_fashion_mnist()


@pytest.fixture(scope="session")
def small(fashion: Dataset) -> Dataset:
    """6,000 training and 1,000 test images: the real thing, but quick."""
    return dataclasses.replace(
        fashion, train=fashion.train.take(6000), test=Split(fashion.test.images[:1000], fashion.test.labels[:1000])
    )


@pytest.fixture(scope="session")
def few(fashion: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .npz file for `--data`, of 100 training and 20 test images a class: a command that trains is done soon."""
    return save_some(tmp_path_factory.mktemp("few") / "few.npz", fashion, 1000, 200)


@pytest.fixture(scope="session")
def small_run(small: Dataset, tmp_path_factory: pytest.TempPathFactory) -> TrainingRun:
    """A real training of two epochs."""
    pytest.importorskip("tensorflow")
    return once(tmp_path_factory, "run", lambda folder: train(folder / "run", small, recipe="fast"))


@pytest.fixture(scope="session")
def trained_apart(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run of one epoch, for tests that copy it, and what `edgecnn train` said in a process of its own."""
    pytest.importorskip("tensorflow")

    def make(folder: Path) -> Trained:
        run = folder / "run"
        return run, in_new_process("train", "--epochs", "1", "--data", few, "--output", run)

    return once(tmp_path_factory, "trained-apart", make)


@pytest.fixture(scope="session")
def int8(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Conversion:
    """The small run in int8, with its activations variant."""
    return once(tmp_path_factory, "int8", lambda folder: converted("int8", request))


@pytest.fixture(scope="session")
def float32(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Conversion:
    """The small run in float32, with its activations variant."""
    return once(tmp_path_factory, "float32", lambda folder: converted("float32", request))


def converted(scheme: Scheme, request: pytest.FixtureRequest) -> Conversion:
    if ON_A_BOARD:
        made: Conversion = pickle.loads(Path(os.environ["EDGECNN_CONVERTED"], f"{scheme}.pickle").read_bytes())
        return made
    run = request.getfixturevalue("small_run")
    return convert(run.path, request.getfixturevalue("small"), scheme=scheme)


@pytest.fixture(scope="session")
def foreign(small: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Foreign:
    """RGB, batch normalisation, residual, depthwise, a model in a model, pixels rescaled inside, logits."""
    pytest.importorskip("keras")
    return once(tmp_path_factory, "foreign", lambda folder: trained_elsewhere(folder, small))


@pytest.fixture(scope="session")
def old_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with tflite-runtime 2.14, which needs Python 3.11 and numpy below 2."""
    pytest.importorskip("tensorflow", reason="boards have one runtime")
    if sys.version_info[:2] != (3, 11):
        pytest.skip("tflite-runtime 2.14 has no wheel for this Python")
    return once(tmp_path_factory, "old", old_runtime)


def old_runtime(folder: Path) -> Path:
    uv, python = [sys.executable, "-m", "uv"], folder / "bin" / "python"
    packages = ("tflite-runtime==2.14.0", "numpy==1.26.4", "pillow", "click")
    for command in (
        ["venv", "--clear", "--python", sys.executable, folder],
        ["pip", "install", "--python", python, *packages],
    ):
        subprocess.run([*uv, *map(str, command)], check=True, capture_output=True, timeout=600)
    return python


@pytest.fixture(scope="session")
def with_project() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run this tree's command line with another Python: `with_project(python, "verify", path)`."""

    def run(python: Path, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        command = [str(python), "-m", "edgecnn", *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)

    return run


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A real delegate, which takes MAX_POOL_2D and can be told to fail."""
    return once(tmp_path_factory, "delegate", compiled_library)


def compiled_library(folder: Path) -> str:
    source = Path(__file__).with_name("support") / "pool_delegate.cc"
    path = folder / "pool_delegate.so"
    compiler = os.environ.get("CXX", "g++")
    command = [compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", str(path), str(source)]
    subprocess.run(command, check=True, timeout=300)
    return str(path)


@pytest.fixture(scope="session")
def edgecnn() -> Run:
    """Run a command line in this process: `edgecnn("verify", path)`."""
    return in_this_process


@pytest.fixture(scope="session")
def commands() -> dict[str, click.Command]:
    """Every command of the command line by name, such as `service install`, and the group itself as `edgecnn`."""
    from scripts.write_cli_reference import leaves

    return {"edgecnn": main, **dict(leaves(main, click.Context(main, info_name="edgecnn")))}


@pytest.fixture
def spec() -> InputSpec:
    """The reference network's input."""
    return InputSpec(28, 28, 1, "grayscale", "pad", "bilinear", (1 / 255,), (0.0,), "dark")
