"""What pages and JSON Schemas list is what the tables in the code have: a new row shows where it must be told."""

import json
import re
import typing
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from edgecnn.convert.comparison.verdict import Verdict
from edgecnn.convert.targets.table import TARGETS
from edgecnn.device.explaining import scoring
from edgecnn.device.explaining.methods import METHODS
from edgecnn.device.live.steady import Reason
from edgecnn.device.runtime.accelerators import ACCELERATORS
from edgecnn.fleet import drift, status
from edgecnn.model_file.confidence import HeldOut
from edgecnn.model_file.schemes import SCHEMES
from edgecnn.pixels import input_spec
from edgecnn.pixels.training_loaders import LOADERS
from edgecnn.train.backbones import BACKBONES

DOCS = Path(__file__).parents[2] / "docs"


def literal(kind: object) -> tuple[str, ...]:
    return typing.get_args(kind)


@pytest.mark.parametrize(
    ("schema", "path", "known"),
    [
        ("card", "$defs/quantization/properties/scheme", SCHEMES),
        ("card", "$defs/input/properties/colour", literal(input_spec.Colour)),
        ("card", "$defs/input/properties/fit", literal(input_spec.Fit)),
        ("card", "$defs/input/properties/resize_filter", literal(input_spec.ResizeFilter)),
        ("card", "$defs/input/properties/background", literal(input_spec.Background)),
        ("card", "$defs/input/properties/jpeg_decoding", literal(input_spec.JpegDecoding)),
        ("card", "$defs/confidence/properties/source", literal(HeldOut)),
        ("convert", "items/properties/scheme", SCHEMES),
        ("parity", "properties/scheme", SCHEMES),
        ("parity", "properties/verdict", literal(Verdict)),
        ("explain", "properties/explanations/items/properties/scores/items/properties/ranking", scoring.RANKINGS),
        ("explain", "properties/explanations/items/properties/scores/items/properties/fill", scoring.FILLS),
        ("fleet-drift", "properties/devices/items/properties/verdict", literal(drift.Verdict)),
        ("fleet-status", "properties/findings/items/properties/kind", status.FINDING_KINDS),
        ("live", "properties/reason", literal(Reason)),
        ("mqtt-result", "properties/reason", ("starting", *literal(Reason))),
    ],
)
def test_a_schema_lists_what_there_may_be(schema: str, path: str, known: Collection[str]) -> None:
    part: Any = json.loads((DOCS / "reference" / "schemas" / "v1" / f"{schema}.schema.json").read_text())
    for key in path.split("/"):
        part = part[key]
    assert set(part["enum"]) == set(known)


def first_cells(page: str, header: str) -> set[str]:
    """What stands as code in the first column of the table whose header begins with `header`; `_b1` goes on a name."""
    _, _, rest = (DOCS / "how-to" / page).read_text().partition(f"\n| {header} |")
    assert rest, f"{page} has no table of {header}"
    found: list[str] = []
    for line in rest.split("\n\n")[0].splitlines()[2:]:
        for name in re.findall(r"`([^`]+)`", line.split("|")[1]):
            found.append(found[-1].rpartition("_")[0] + name if name.startswith("_") else name)
    return set(found)


@pytest.mark.parametrize(
    ("page", "header", "known"),
    [
        ("choose-scheme-and-target.md", "option", [f"--{name}" for name in SCHEMES]),
        ("choose-scheme-and-target.md", "`--target`", TARGETS),
        ("accelerators.md", "`--delegate`", ACCELERATORS),
        ("explain-an-answer.md", "`--method`", METHODS),
        ("own-photographs.md", "`--architecture`", BACKBONES),
        ("model-trained-elsewhere.md", "`--trained-with`", LOADERS),
        ("fleet.md", "kind", status.FINDING_KINDS),
    ],
)
def test_a_page_lists_what_there_is(page: str, header: str, known: Collection[str]) -> None:
    assert first_cells(page, header) == set(known)
