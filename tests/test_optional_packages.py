"""What is not installed is named, with the line that installs it."""

import sys
from collections.abc import Callable
from importlib.metadata import version

import pytest

from edgecnn import MissingExtraError
from edgecnn.optional_packages import (
    require_jax,
    require_matplotlib,
    require_tensorboard,
    require_tensorflow,
    version_of,
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
