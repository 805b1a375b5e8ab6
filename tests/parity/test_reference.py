"""The reference network, trained as the bundled one was, in every scheme on the test images."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from edgecnn.convert import Conversion, convert, parity
from edgecnn.device import verify
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import read_model
from edgecnn.model_file.schemes import Scheme
from edgecnn.pixels.dataset import Dataset

# Of 16 bits a quarter: their kernels take twenty times as long as those of 8.
IMAGES: dict[Scheme, int] = {"int16x8": 2_500}
REFERENCE = Path(__file__).with_name("reference")

# By scheme and epochs of --qat: points of accuracy that may be lost or won, percent of images with the same answer,
# percent of the bytes of a float32 file, dB of the worst layer. docs/explanation/figures.md has what was measured; the
# room is for other processors' rounding.
PARITY: dict[tuple[Scheme, int | None], tuple[float, float, float, float]] = {
    ("float32", None): (0.0, 100.0, 100.0, 120),  # the same arithmetic in another order
    ("float16", None): (0.05, 99.9, 52.0, 55),  # 11 bits of each weight are left
    ("dynamic", None): (0.15, 99.7, 27.0, 33),  # 8 bits of each weight, and of each dense layer's input, range by range
    ("int8", None): (0.3, 99.3, 27.5, 28),  # 8 bits of all, the output too, so that classes tie
    ("mixed", 0): (0.15, 99.8, 27.0, 28),  # 8 bits of each feature map; no ties, because the output is float32
    ("int16x8", 0): (0.15, 99.8, 28.0, 30),  # 8 bits of each weight
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    for name in ("model.keras", "card.json"):
        shutil.copy(REFERENCE / name, folder)
    return folder


@pytest.fixture(scope="module", params=PARITY, ids=lambda row: row[0] if row[1] is None else f"{row[0]}-qat-{row[1]}")
def row(request: pytest.FixtureRequest) -> tuple[Scheme, int | None]:
    found: tuple[Scheme, int | None] = request.param
    return found


@pytest.fixture(scope="module")
def conversion(row: tuple[Scheme, int | None], run: Path, fashion: Dataset) -> Conversion:
    some = dataclasses.replace(fashion, test=fashion.test.sample(IMAGES.get(row[0], 10_000)))
    return convert(run, some, scheme=row[0], qat=row[1])


def test_every_scheme_holds_its_promise_on_the_test_images(
    row: tuple[Scheme, int | None], conversion: Conversion
) -> None:
    points, agreement, bytes_, decibels = PARITY[row]
    found = conversion.plain.parity
    assert found.images == IMAGES.get(row[0], 10_000) and found.keras_accuracy
    assert found.keras_accuracy >= (0.934 if found.images == 10_000 else 0.92)  # half a point at one standard error
    assert found.drop_points is not None and abs(found.drop_points) <= points + 1e-9
    assert 100 * found.agreement >= agreement
    assert 100 * conversion.plain.ratio <= bytes_
    assert min(layer.sqnr_db for layer in conversion.layers) >= decibels
    assert conversion.bit_equal and verify(conversion.plain.path).passed


def test_the_bundled_model_is_this_network_in_int8(run: Path) -> None:
    bundled = read_model(find_model("fashion-mnist"))
    made = read_model(run / "model.int8.tflite")
    assert bundled.card and made.card
    assert bundled.card.provenance.parent_sha256 == made.card.provenance.parent_sha256
    assert bundled.card.training == made.card.training


def test_the_ladder_passes_and_finds_nothing_but_ties(run: Path, fashion: Dataset) -> None:
    report = parity(run, fashion, images=2_500)
    assert report.passed
    assert {finding.cause for finding in report.findings} <= {"ties", "dead"}
    assert all(rung.mcnemar_p is not None and rung.mcnemar_p > 0.01 for rung in report.ladder.rungs)
