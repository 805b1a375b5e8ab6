"""What an installation may lack, or have in a state that does not work, in words with the exact line that mends it."""

import contextlib
import importlib.util
import io
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import cast

from .errors import MissingExtraError
from .native_output import captured_stderr, silence_tensorflow

# What packages say that were built for another NumPy than is there.
_OTHER_NUMPY = ("multiarray failed to import", "_ARRAY_API", "numpy.dtype size changed", "numpy.core", "numpy._core")


def require_jax(what: str) -> None:
    """Make sure that JAX and Keras can be imported; see `require_tensorflow`."""
    for module in ("jax", "keras", "scipy"):
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(f'{what} needs JAX ({module} is not installed): pip install "edgecnn[jax]"')


def require_tensorboard() -> None:
    """Make sure that TensorBoard's files can be written; raises as `require_tensorflow` does."""
    if importlib.util.find_spec("tensorboard") is None:
        raise MissingExtraError('--tensorboard needs TensorBoard: pip install "edgecnn[tensorboard]"')


def require_matplotlib(what: str) -> None:
    """Make sure that pictures can be drawn.

    Raises:
        MissingExtraError: matplotlib is not installed, or cannot be loaded as it is.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtraError(f"{what} needs matplotlib: pip install matplotlib")
    unusable = why_unusable("matplotlib.figure")
    if unusable:
        raise MissingExtraError(f"{what} needs matplotlib, but {unusable}")


def require_package(what: str, package: str, extra: str) -> None:
    """Make sure that a PyPI package can be imported; raises as `require_tensorflow` does.

    Args:
        what: begins the sentence, e.g. "the scheme mixed".
        package: its name on PyPI, whose module is called alike; empty where none is needed.
        extra: the extra of edgecnn that brings it.
    """
    if package and importlib.util.find_spec(package.replace("-", "_")) is None:
        raise MissingExtraError(f'{what} needs {package}: pip install "edgecnn[{extra}]"')


def require_paho() -> None:
    """Make sure that paho-mqtt can be used; raises as `require_tensorflow` does."""
    if importlib.util.find_spec("paho") is None:
        raise MissingExtraError('--mqtt needs paho-mqtt: pip install "edgecnn[mqtt]"')
    found = version_of("paho-mqtt")
    if found.startswith("1."):  # Debian's until bookworm: its callbacks are others
        raise MissingExtraError(f'--mqtt needs paho-mqtt 2 or newer, this is {found}: pip install "edgecnn[mqtt]"')


def require_tensorflow(what: str) -> None:
    """Make sure that TensorFlow and Keras can be imported.

    Args:
        what: begins the sentence, e.g. "edgecnn train".

    Raises:
        MissingExtraError: one of them is not installed.
    """
    for module in ("tensorflow", "keras", "scipy"):
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(
                f'{what} needs TensorFlow ({module} is not installed): pip install "edgecnn[train]", on a 64-bit '
                "computer with Python 3.11 to 3.13"
            )


def load_tensorflow() -> None:
    """Import TensorFlow, as Keras' backend and silenced.

    Without JAX: TensorFlow's converter looks for it, and where it is installed that takes half a second and 100 MB. It
    can be imported afterwards.
    """
    silence_tensorflow()
    if "tensorflow" not in sys.modules and "jax" not in sys.modules:
        with _as_if_missing("jax"):
            _load("tensorflow")


def load_jax() -> None:
    """Import Keras on JAX, silenced.

    Without TensorFlow: Keras asks for it as it sets a seed, and where it is installed that takes three seconds. It can
    be imported afterwards.
    """
    silence_tensorflow("jax")
    if "tensorflow" not in sys.modules:
        with _as_if_missing("tensorflow"):
            _load("keras").utils.set_random_seed(0)  # Keras remembers what it found


def _load(package: str) -> ModuleType:
    """Import a package that is there. What it misses is an ImportError, which the command line explains.

    Raises:
        MissingExtraError: it fails otherwise, as where protobuf is of a version that it does not go with.
    """
    try:
        return importlib.import_module(package)
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # packages raise what they like while they are loaded
        raise MissingExtraError(explain_import_error(error, package)) from error


@contextlib.contextmanager
def _as_if_missing(module: str) -> Iterator[None]:
    """Import another one without `module` inside, and without what native code writes meanwhile."""
    sys.modules[module] = cast(ModuleType, None)  # how Python is told of a module that is not there
    try:
        with captured_stderr():
            yield
    finally:
        del sys.modules[module]


def version_of(package: str) -> str:
    """The installed version of `package`, or "none"."""
    from importlib.metadata import PackageNotFoundError, version  # slow to load

    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def why_unusable(module: str) -> str:
    """Why a module that is installed cannot be loaded, and the line that mends it; empty where it can."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # NumPy speaks of it at length
            importlib.import_module(module)
    except Exception as error:  # packages raise what they like while they are loaded
        return explain_import_error(error, module)
    return ""


def explain_import_error(error: Exception, module: str = "") -> str:
    """Which package is the matter, and the line that mends it.

    Args:
        error: what came of importing it.
        module: that was imported, where the error does not tell.

    Returns:
        A sentence without a capital; empty if the fault is edgecnn's own.
    """
    named = (getattr(error, "name", None) or "").partition(".")[0]
    # Packages that were built for another NumPy miss a part of it.
    package = _distribution_of(named if named not in ("", "numpy") else _failing_module(error) or module)
    if package == "edgecnn":
        return ""
    if named in sys.stdlib_module_names:  # nothing that can be installed
        return f"this is not possible here: Python has no module {named} on this system"
    if isinstance(error, ModuleNotFoundError) and named not in ("", "numpy"):
        return f"{package} is not installed: pip install {package}"
    if not package:
        return f"a package cannot be loaded ({error}); edgecnn doctor says what is there"
    found = f"{package} {version_of(package)}"
    if any(words in str(error) for words in _OTHER_NUMPY):
        numpy = version_of("numpy")
        keeping = 'pip install "numpy<2" ai-edge-litert, which keeps the system\'s packages'
        older = f"{keeping}, or pip install --upgrade {package}"
        return (
            f"{found} was built for another NumPy than {numpy}, which is installed here; "
            f"{'pip install --upgrade numpy' if numpy.startswith('1.') else older}"
        )
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"{found} cannot be loaded ({reason}); install it anew: pip install --force-reinstall {package}"


def _failing_module(error: Exception) -> str:
    """The top module of the package in which an import failed; empty where edgecnn's own line failed."""
    import traceback
    from pathlib import Path

    own = Path(__file__).parent
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if own in Path(frame.filename).parents:
            return ""
        parts = Path(frame.filename).parts
        for folder in ("site-packages", "dist-packages"):
            if folder in parts:
                return parts[parts.index(folder) + 1].partition(".")[0]
    return ""


def _distribution_of(module: str) -> str:
    """The name under which a module is installed."""
    from importlib.metadata import packages_distributions

    top = module.partition(".")[0]
    return next(iter(packages_distributions().get(top, ())), top)
