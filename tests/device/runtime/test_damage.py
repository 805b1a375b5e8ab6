"""Seeded damage of every kind: an error, or the very same model; never a crash, never another answer."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgecnn import DelegateError, EdgecnnWarning, ModelFileError
from edgecnn.device.runtime.loading import open_model
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import PackedModel, read_model
from tests.conftest import ON_A_BOARD
from tests.support.model_files import without_card

# Each kind in turn; the figures for 2,000 damaged files of two models on two runtimes are in the README.
COUNT = 100 if ON_A_BOARD else 400
STRIPPED = 8 if ON_A_BOARD else 24


def damaged(data: bytes, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Bit flips anywhere, words of the structure (the first and last 4 KiB), truncations, runs of random bytes."""
    generator = np.random.default_rng(seed)
    for number in range(count):
        kind = ("flip", "structure", "truncation", "noise")[number % 4]
        broken = bytearray(data)
        if kind == "flip":
            place = int(generator.integers(len(data)))
            broken[place] ^= 1 << int(generator.integers(8))
        elif kind == "structure":
            edge = int(generator.integers(0, 4096, endpoint=False)) // 4 * 4
            place = edge if generator.integers(2) else len(data) - 4096 + edge
            broken[place : place + 4] = generator.bytes(4)
        elif kind == "truncation":
            del broken[int(generator.integers(len(data))) :]
        else:
            place = int(generator.integers(len(data)))
            broken[place : place + 64] = generator.bytes(min(64, len(data) - place))
        yield f"{kind} {number}", bytes(broken)


@pytest.fixture(scope="module", params=["int8", "float32"])
def model(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param).plain.path
    return path


def read_or_refuse(path: Path) -> PackedModel | str:
    """The model in a file, or the sentence with which it is refused."""
    try:
        return read_model(path)
    except ModelFileError as error:
        return str(error)


def test_a_damaged_file_is_refused_or_is_the_same_model(model: Path, tmp_path: Path) -> None:
    healthy, path = read_model(model), tmp_path / "damaged.tflite"
    refused = 0
    for name, data in damaged(model.read_bytes(), COUNT, seed=0):
        path.write_bytes(data)
        outcome = read_or_refuse(path)
        if isinstance(outcome, str):
            refused += 1
            assert str(path) in outcome and "\n" not in outcome, name
            continue
        # What was hit says nothing: the time of day of a zip's member, say.
        assert outcome.flatbuffer == healthy.flatbuffer and outcome.golden == healthy.golden, name
        assert outcome.card and healthy.card and outcome.card.to_json() == healthy.card.to_json(), name
    assert refused > 0.95 * COUNT


def test_without_a_card_damage_is_refused_or_at_least_never_crashes(tmp_path: Path) -> None:
    bare, path = without_card(read_model(find_model("fashion-mnist")).flatbuffer), tmp_path / "bare.tflite"
    outcomes: dict[str, int] = {}
    for _, data in damaged(bare, STRIPPED, seed=1):
        path.write_bytes(data)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", EdgecnnWarning)
            try:
                open_model(path)
            except (ModelFileError, DelegateError):
                outcomes["refused"] = outcomes.get("refused", 0) + 1
            else:
                assert any("carries no card" in str(warning.message) for warning in caught)
                outcomes["runs"] = outcomes.get("runs", 0) + 1
    assert sum(outcomes.values()) == STRIPPED and outcomes["refused"] >= STRIPPED // 4, json.dumps(outcomes)
