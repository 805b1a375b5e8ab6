"""A run that was made of a model trained elsewhere."""

from pathlib import Path

import pytest

from edgecnn.convert import adopt, read_labels
from tests.support.foreign import Foreign


@pytest.fixture(scope="module")
def run(foreign: Foreign, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return adopt(foreign.model, read_labels(foreign.labels), tmp_path_factory.mktemp("adopted") / "tinted")
