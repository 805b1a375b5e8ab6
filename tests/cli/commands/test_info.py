"""What `edgecnn info` says of a training."""

from pathlib import Path

import pytest

from tests.support.command_line import Run, printed
from tests.support.model_files import fields_of_card, repacked


@pytest.mark.parametrize(("epochs", "words"), [(1, "seed 0, 1 epoch\n"), (62, "seed 0, 62 epochs\n")])
def test_one_epoch_is_one(epochs: int, words: str, edgecnn: Run, tmp_path: Path) -> None:
    fields = fields_of_card()
    fields["training"]["epochs"] = epochs
    assert words in printed(edgecnn("info", repacked(tmp_path / "model.tflite", fields=fields)))
