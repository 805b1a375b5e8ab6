"""Frames that are transparent: the page shows what the model sees of them, and nothing of the frame before."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn.model_file.golden import Golden, preprocessing_sha256
from edgecnn.pixels.input_spec import Background
from tests.support.browser import Open
from tests.support.live_page import ask, frame_of, served
from tests.support.model_files import card_and_golden, fields_of_card, repacked

NAME = "fashion-mnist.activations"


@pytest.mark.parametrize("background", ["dark", "light"])
def test_where_a_frame_is_transparent_the_picture_is_what_is_classified(background: Background, tmp_path: Path) -> None:
    (card, data), fields = card_and_golden(NAME), fields_of_card(NAME)
    spec, golden = dataclasses.replace(card.input, background=background), Golden.from_bytes(data, card, NAME)
    fields["input"]["background"] = background
    golden = dataclasses.replace(golden, preprocessing_sha256=preprocessing_sha256(spec, golden.images))
    model = repacked(tmp_path / "m.tflite", NAME, fields=fields, golden=golden.to_bytes())
    Image.new("RGBA", (28, 28), (255, 0, 0, 0)).save(tmp_path / "clear.tiff")  # which browsers do not show
    with served(str(model), str(tmp_path / "clear.tiff")) as page, page.connect() as viewer:
        ask(viewer, [])
        frame = frame_of(viewer)
    with Image.open(io.BytesIO(frame["jpeg"])) as picture:
        shown = np.asarray(picture.convert("RGB"), np.int32)
    assert frame["pixels"][0, 0, 0] == (255 if background == "light" else 0)
    assert np.abs(shown - int(frame["pixels"][0, 0, 0])).max() < 3


def test_a_transparent_frame_shows_nothing_of_the_one_before(visit: Open, tmp_path: Path) -> None:
    for name, alpha in (("a.png", 255), ("b.png", 0)):
        Image.new("RGBA", (28, 28), (255, 0, 0, alpha)).save(tmp_path / name)
    with served(source=str(tmp_path)) as live:
        page = visit(f"http://{live.address}/")
        alpha_of = "document.querySelector('#picture').getContext('2d').getImageData(9, 9, 1, 1).data[3]"
        for alpha in (255, 0):
            page.wait_for_function(f"() => {alpha_of} === {alpha}")
