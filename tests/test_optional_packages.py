"""What is not installed is named, with the line that installs it."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from edgecnn import MissingExtraError
from edgecnn.model_file.bundled import sample_images
from edgecnn.optional_packages import (
    explain_import_error,
    require_jax,
    require_matplotlib,
    require_tensorboard,
    require_tensorflow,
    version_of,
    why_unusable,
)

REQUIREMENTS: list[tuple[Callable[[], None], str, str]] = [
    (lambda: require_tensorflow("edgecnn train"), "tensorflow", 'edgecnn train needs TensorFlow .*"edgecnn.train.'),
    (lambda: require_tensorflow("edgecnn train"), "keras", r"keras is not installed"),
    (lambda: require_tensorflow("edgecnn train"), "scipy", r"scipy is not installed"),
    (lambda: require_jax("--devices"), "jax", '--devices needs JAX .*"edgecnn.jax.'),
    (require_tensorboard, "tensorboard", 'needs TensorBoard: pip install "edgecnn.tensorboard.'),
    (lambda: require_matplotlib("edgecnn features"), "matplotlib", "edgecnn features needs matplotlib: pip install"),
]


@pytest.mark.parametrize(("require", "module", "message"), REQUIREMENTS, ids=[case[1] for case in REQUIREMENTS])
def test_what_is_missing_is_named_with_the_line_that_installs_it(
    require: Callable[[], None], module: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # as Python marks what cannot be imported
    with pytest.raises(MissingExtraError, match=message):
        require()


def test_version_of_what_is_not_installed_is_none_in_words() -> None:
    assert (version_of("numpy"), version_of("edgecnn-has-no-such-package")) == (version("numpy"), "none")


BROKEN = {  # what the package does while it is loaded, what is said of it
    "built for NumPy 1": (
        "import sys; print('A module that was compiled using NumPy 1.x', file=sys.stderr)\n"
        "raise ImportError('numpy.core.multiarray failed to import')",
        "matplotlib 3.6.3 was built for another NumPy than {numpy}, which is installed here; {line}",
    ),
    "library missing": (
        "raise ImportError('libstuff.so.3: cannot open shared object file\\nand more')",
        "matplotlib 3.6.3 cannot be loaded (libstuff.so.3: cannot open shared object file); install it anew: pip "
        "install --force-reinstall matplotlib",
    ),
    "its own need missing": ("import no_such_kiwi", "no_such_kiwi is not installed: pip install no_such_kiwi"),
    "its own fault": ("1 / 0", "matplotlib 3.6.3 cannot be loaded (division by zero); install it anew"),
}


@pytest.fixture(params=BROKEN)
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[dict[str, str], str]:
    """An environment in which matplotlib cannot be loaded, as Debian's beside a newer NumPy, and what is to be said."""
    code, words = BROKEN[request.param]
    packages = tmp_path / "dist-packages"
    for folder in ("matplotlib", "matplotlib-3.6.3.dist-info"):
        (packages / folder).mkdir(parents=True)
    (packages / "matplotlib" / "__init__.py").write_text(code)
    (packages / "matplotlib-3.6.3.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: matplotlib\nVersion: 3.6.3\n"
    )
    (packages / "matplotlib-3.6.3.dist-info" / "top_level.txt").write_text("matplotlib\n")
    numpy = version("numpy")
    line = (
        "pip install --upgrade numpy" if numpy.startswith("1.") else 'pip install "numpy<2" ai-edge-litert, which keeps'
    )
    return {**os.environ, "PYTHONPATH": str(packages)}, words.format(numpy=numpy, line=line)


def any_pip(said: str) -> str:
    """What is said, with the pip of a shell that is in this environment."""
    return re.sub(r"\S+/pip install", "pip install", said)


@pytest.mark.parametrize(
    "arguments", ["features fashion-mnist.activations IMAGE", "benchmark fashion-mnist --png b.png"]
)
def test_a_package_that_cannot_be_loaded_is_a_sentence(
    arguments: str, broken: tuple[dict[str, str], str], tmp_path: Path
) -> None:
    environment, words = broken
    command = [sys.executable, "-m", "edgecnn", *arguments.replace("IMAGE", str(sample_images()[0])).split()]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert " needs matplotlib, but " in done.stderr and words in any_pip(done.stderr)


def test_a_tensorflow_that_fails_otherwise_than_by_what_is_missing_is_a_sentence(tmp_path: Path) -> None:
    pytest.importorskip("keras")
    (tmp_path / "tensorflow.py").write_text("raise TypeError('Descriptors cannot be created directly.\\nIf this call')")
    command = [sys.executable, "-m", "edgecnn", "train", "--output", "run"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "cannot be loaded (Descriptors cannot be created directly.); install it anew" in done.stderr.splitlines()[-1]


def test_the_doctor_names_it_too(broken: tuple[dict[str, str], str], tmp_path: Path) -> None:
    environment, words = broken
    command = [sys.executable, "-m", "edgecnn", "doctor"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and not done.stderr
    assert "drawing         NO  matplotlib 3.6.3 cannot be loaded" in done.stdout and words in any_pip(done.stdout)


def test_a_fault_of_edgecnn_itself_is_not_laid_on_others() -> None:
    def missing() -> ImportError:
        try:
            import edgecnn.no_such_module  # type: ignore[import-not-found]  # noqa: F401
        except ImportError as error:
            return error
        raise AssertionError

    assert explain_import_error(missing()) == ""
    half = ImportError("cannot import name 'x' from 'edgecnn.convert.pair'", name="edgecnn.convert.pair")
    assert explain_import_error(half) == ""
    assert why_unusable("json") == ""


@pytest.mark.parametrize(("wanted", "other"), [("tensorflow", "jax"), ("jax", "tensorflow")])
def test_each_backend_is_loaded_without_the_other_which_can_be_loaded_afterwards(wanted: str, other: str) -> None:
    pytest.importorskip("tensorflow")
    pytest.importorskip("jax")
    code = (
        f"import sys; from edgecnn.optional_packages import load_{wanted}; load_{wanted}()\n"
        "import keras; keras.utils.set_random_seed(1); keras.saving.serialize_keras_object(keras.layers.Dense(1))\n"
        "print(keras.backend.backend(), {'tensorflow', 'jax'} & set(sys.modules))\n"
        "from edgecnn.native_output import captured_stderr\n"
        f"with captured_stderr(): import {other}\n"
        f"print({other}.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert (done.stdout, done.stderr) == (f"{wanted} {{{wanted!r}}}\n{other}\n", "")
