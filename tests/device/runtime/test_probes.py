"""Whether images become here what they became where the file was made is asked when a Classifier is made."""

import dataclasses
from pathlib import Path
from typing import Any

import PIL
import pytest

from edgecnn import ModelFileError
from edgecnn.device import Classifier, FeatureExtractor
from edgecnn.model_file.golden import Golden
from tests.support.model_files import card_and_golden, fields_of_card, repacked


@pytest.mark.parametrize(
    "change",
    [{"scale": [2 / 255]}, {"offset": [-1.0]}, {"fit": "crop"}, {"resize_filter": "nearest"}, {"background": "light"}],
    ids=lambda change: next(iter(change)),
)
def test_a_card_that_prepares_otherwise_is_refused_though_sealed(change: dict[str, Any], tmp_path: Path) -> None:
    fields = fields_of_card()
    fields["input"].update(change)
    with pytest.raises(ModelFileError, match=r"images do not become here .*preprocessing_sha256"):
        Classifier(repacked(tmp_path / "m.tflite", fields=fields), trust=True)


def test_so_is_another_sum(tmp_path: Path) -> None:
    for kind, name in ((Classifier, "fashion-mnist"), (FeatureExtractor, "fashion-mnist.activations")):
        card, data = card_and_golden(name)
        golden = dataclasses.replace(Golden.from_bytes(data, card, "m"), preprocessing_sha256="0" * 64)
        with pytest.raises(ModelFileError, match="preprocessing_sha256"):
            kind(repacked(tmp_path / "m.tflite", name, golden=golden.to_bytes()), trust=True)


def test_another_pillow_is_asked_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def changed(*_: object) -> str:
        return "0" * 64

    Classifier("fashion-mnist")
    monkeypatch.setattr("edgecnn.model_file.golden.preprocessing_sha256", changed)
    assert Classifier("fashion-mnist").labels  # it is known
    monkeypatch.setattr(PIL, "__version__", "99.0")
    with pytest.raises(ModelFileError, match=r"or Pillow 99\.0 prepares them otherwise"):
        Classifier("fashion-mnist")
