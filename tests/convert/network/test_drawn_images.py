"""Of more images than are needed some are drawn, the same ones each time."""

from pathlib import Path

import numpy as np
import pytest

from edgecnn import ModelCard
from edgecnn.convert import load_representative
from edgecnn.convert.network import representative
from edgecnn.model_file.card import Provenance, Quantization
from edgecnn.pixels.input_spec import InputSpec
from tests.support.foreign import save_pictures

SPEC = InputSpec(4, 4, 1, "grayscale", "pad", "bilinear", (1 / 255,), (0.0,), "dark")
CARD = ModelCard("net", ("a", "b"), SPEC, Quantization("float32"), Provenance("0", "0", "0", "now"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twenty images of one value, which rises with their names."""
    for name, first in (("a", 0), ("b", 100)):
        values = first + np.arange(10, dtype=np.uint8)
        save_pictures(tmp_path / "photos" / name, np.broadcast_to(values[:, None, None, None], (10, 4, 4, 1)))
    return tmp_path / "photos"


@pytest.mark.parametrize("limit", [{"MAX_IMAGES": 6}, {"MAX_BYTES": 6 * 16 + 15}])
def test_some_of_many_are_drawn_by_the_seed_and_stay_in_order(
    limit: dict[str, int], photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in limit.items():
        monkeypatch.setattr(representative, name, value)
    told: list[str] = []
    drawn = [load_representative(photos, CARD, seed, told.append).test for seed in (0, 0, 1)]
    values = [np.asarray(split.images)[:, 0, 0, 0].tolist() for split in drawn]
    assert values[0] == values[1] == sorted(values[0]) and values[1] != values[2]
    assert all(len(set(each)) == 6 for each in values)
    assert [split.labels.tolist() for split in drawn] == [[int(value >= 100) for value in each] for each in values]
    assert f"{photos}: 6 of 20 images are drawn" in told


def test_as_many_as_are_needed_are_all_read(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(representative, "MAX_IMAGES", 20)
    told: list[str] = []
    assert len(load_representative(photos, CARD, progress=told.append).test) == 20
    assert told == [f"{photos}: reading 20 images"]
