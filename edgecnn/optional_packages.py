"""What an installation may lack, said in words with the exact line that installs it."""

import importlib.util

from .errors import MissingExtraError


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
    """Make sure that pictures can be drawn; raises as `require_tensorflow` does."""
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtraError(f"{what} needs matplotlib: pip install matplotlib")


def require_package(what: str, package: str, extra: str) -> None:
    """Make sure that a PyPI package can be imported; raises as `require_tensorflow` does.

    Args:
        what: begins the sentence, e.g. "the scheme mixed".
        package: its name on PyPI, whose module is called alike; empty where none is needed.
        extra: the extra of edgecnn that brings it.
    """
    if package and importlib.util.find_spec(package.replace("-", "_")) is None:
        raise MissingExtraError(f'{what} needs {package}: pip install "edgecnn[{extra}]"')


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


def version_of(package: str) -> str:
    """The installed version of `package`, or "none"."""
    from importlib.metadata import PackageNotFoundError, version  # slow to load

    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
