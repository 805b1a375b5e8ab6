"""Every row of the tables of schemes and targets is complete."""

import re
import typing
from pathlib import Path

import pytest

from edgecnn.convert import SCHEMES, TARGETS
from edgecnn.convert.targets.table import DEFAULT_TARGET
from edgecnn.convert.targets.table import TARGETS as TARGET_TABLE
from edgecnn.convert.targets.target import Target
from edgecnn.convert.tflite.exporters import EXPORTERS
from edgecnn.model_file.schemes import DEFAULT_SCHEME, Scheme, climb
from edgecnn.model_file.schemes import SCHEMES as SCHEME_TABLE

DOCS = Path(__file__).parents[2] / "docs"


def test_the_public_names_are_those_of_the_tables() -> None:
    assert tuple(SCHEME_TABLE) == SCHEMES and tuple(TARGET_TABLE) == TARGETS and TARGETS[0] == DEFAULT_TARGET
    assert {"float32", "float16", "dynamic", "mixed", "int8", "int16x8"} <= set(SCHEMES), "files of these are in use"
    assert {"litert", "tflite-runtime-2.14", "edgetpu", "mediapipe"} <= set(TARGETS)


def test_the_names_for_type_checkers_are_those_of_the_table() -> None:
    assert typing.get_args(Scheme) == tuple(SCHEME_TABLE) and DEFAULT_SCHEME in SCHEME_TABLE


@pytest.mark.parametrize("scheme", SCHEME_TABLE)
def test_every_scheme_has_an_exporter_and_its_row_is_complete(scheme: str) -> None:
    row = SCHEME_TABLE[scheme]
    assert scheme in EXPORTERS, f"{scheme} has no exporter in convert/tflite/exporters.py"
    assert row.summary.endswith(".") and row.price.endswith(".") and 0 < row.tolerance < 0.5
    assert {row.input_type, row.output_type} <= {"float32", "int8", "uint8", "int16"}
    assert not row.io_types or row.input_type in row.io_types
    assert row.climbs_to is None or row.climbs_to in SCHEME_TABLE


def test_every_exporter_has_a_row() -> None:
    assert set(EXPORTERS) == set(SCHEME_TABLE)


def test_the_climb_tries_each_scheme_once() -> None:
    steps = climb()
    assert steps[0] == DEFAULT_SCHEME and len(steps) > 1 and len(set(steps)) == len(steps)


@pytest.mark.parametrize(
    ("page", "begins", "ends"),
    [
        ("how-to/choose-scheme-and-target.md", "`--auto` takes the first of ", " that stays within them"),
        ("explanation/parity-ladder.md", "`convert --auto` climbs another stair: ", ", until your gate holds"),
    ],
)
def test_pages_name_the_schemes_that_auto_tries_in_their_order(page: str, begins: str, ends: str) -> None:
    text = (DOCS / page).read_text()
    sentence = text[text.index(begins) :].partition(ends)[0].replace("int8 with `--qat`", "")
    named = [word for word in re.findall(r"\w+", sentence) if word in SCHEME_TABLE]
    assert tuple(named) == climb()


@pytest.mark.parametrize("name", TARGET_TABLE)
def test_every_target_is_documented_and_called_as_its_row_is(name: str) -> None:
    target = TARGET_TABLE[name]
    assert isinstance(target, Target) and target.name == name and type(target).__doc__
