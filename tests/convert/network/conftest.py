"""A run that was made of a model trained elsewhere, and models that Keras 2 wrote."""

from pathlib import Path

import pytest

from edgecnn.convert import adopt, read_labels
from tests.support.foreign import Foreign
from tests.support.keras2 import Keras2Models, trained_by_keras2
from tests.support.shared import once


@pytest.fixture(scope="module")
def run(foreign: Foreign, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return adopt(foreign.model, read_labels(foreign.labels), tmp_path_factory.mktemp("adopted") / "tinted")


@pytest.fixture(scope="session")
def keras2(tmp_path_factory: pytest.TempPathFactory) -> Keras2Models:
    pytest.importorskip("tf_keras")
    return once(tmp_path_factory, "keras2", trained_by_keras2)
