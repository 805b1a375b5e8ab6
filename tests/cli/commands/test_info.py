"""What `edgecnn info` says of a training."""

import dataclasses

import pytest

from edgecnn import ModelCard
from edgecnn.cli.commands import info
from tests.support.cards import CARDS


@pytest.mark.parametrize(("epochs", "words"), [(1, "seed 0, 1 epoch\n"), (62, "seed 0, 62 epochs\n")])
def test_one_epoch_is_one(epochs: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    card = ModelCard.load(CARDS / "v3.json")
    assert card.training
    info._print_card(dataclasses.replace(card, training=dataclasses.replace(card.training, epochs=epochs)))
    assert words in capsys.readouterr().out
