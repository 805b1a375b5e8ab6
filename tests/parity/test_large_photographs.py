"""Large photographs are the same pixels in training, at calibration and on the device."""

import dataclasses
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from edgecnn import ModelCard
from edgecnn.convert import Preprocessing, load_representative
from edgecnn.model_file.card import SCHEMA_VERSION
from edgecnn.pixels.input_spec import JpegDecoding
from edgecnn.pixels.preprocessing import prepare_source
from edgecnn.train import input_for, load_dataset
from tests.support.cards import CARDS
from tests.support.photographs import photograph, save_jpeg

SIDE = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of photographs of 13 pixels and more to one of the input, some of them turned."""
    root = tmp_path_factory.mktemp("photographs")
    for number in range(8):
        place = root / ("hall" if number % 2 else "garden")
        place.mkdir(exist_ok=True)
        save_jpeg(place / f"{number}.jpg", photograph(701 + 8 * number, 551, seed=number), orientation=1 + number)
    return root


def card_of(jpeg_decoding: JpegDecoding) -> ModelCard:
    spec = dataclasses.replace(input_for(SIDE, SIDE, "rgb", "crop"), jpeg_decoding=jpeg_decoding)
    card = ModelCard.load(CARDS / f"v{SCHEMA_VERSION}.json")
    return dataclasses.replace(card, labels=("garden", "hall"), input=spec)


@pytest.mark.parametrize("jpeg_decoding", ["reduced", "full"])
def test_all_stages_see_the_same_pixels(jpeg_decoding: JpegDecoding, folder: Path) -> None:
    card = card_of(jpeg_decoding)
    device = {prepare_source(path, card.input).pixels.tobytes() for path in folder.rglob("*.jpg")}
    trained = load_dataset(folder, card.input)
    calibrated = load_representative(folder, card)
    assert {image.tobytes() for split in (trained.train, trained.test) for image in split.images} == device
    assert {image.tobytes() for image in np.asarray(calibrated.train.images)} == device


def test_what_the_card_says_makes_a_difference(folder: Path) -> None:
    path = folder / "hall" / "1.jpg"
    one, other = (prepare_source(path, card_of(how).input).pixels for how in get_args(JpegDecoding))
    assert (one != other).any()


def test_new_models_are_reduced_and_bundled_ones_are_not() -> None:
    assert input_for(SIDE, SIDE, "rgb", "crop").jpeg_decoding == "reduced"
    assert Preprocessing().jpeg_decoding == "full"  # what other programs do in training
    assert ModelCard.load(CARDS / "v1.json").input.jpeg_decoding == "full"
