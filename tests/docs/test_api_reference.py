"""The page on the API names every public name, and nothing else."""

import importlib
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "api.md").read_text()
FRONTS = ("edgecnn", "edgecnn.train", "edgecnn.convert", "edgecnn.device")


@pytest.mark.parametrize("front", FRONTS)
def test_every_public_name_is_documented(front: str) -> None:
    documented = set(re.findall(rf"(?:^::: |`){re.escape(front)}\.(\w+)(?=$|`)", PAGE, re.MULTILINE))
    assert documented == set(importlib.import_module(front).__all__)


def test_every_directive_names_something_that_there_is() -> None:
    names = re.findall(r"^::: ([\w.]+)$", PAGE, re.MULTILINE)
    assert len(names) == PAGE.count("\n::: ") > 0
    for name in names:
        front, _, attribute = name.rpartition(".")
        assert front in FRONTS and hasattr(importlib.import_module(front), attribute), name
