"""MediaPipe's own ImageClassifier gives the answers that edgecnn gives."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecnn.convert import Preprocessing, adopt, convert, load_representative, read_labels
from edgecnn.device import Classifier, verify
from edgecnn.model_file.schemes import Scheme
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import RunDirectory
from tests.support.foreign import Foreign, tinted


@pytest.fixture(scope="module")
def photos(small: Dataset) -> np.ndarray:
    return tinted(np.asarray(small.test.images), 2)


@pytest.mark.parametrize("scheme", ["int8", "float32"])
@pytest.mark.parametrize("scale", [None, ((2 / 255,), (-1.0,))], ids=["bytes", "minus one to one"])
def test_mediapipe_gives_the_same_answers(
    scheme: Scheme, scale: Any, foreign: Foreign, photos: np.ndarray, tmp_path: Path
) -> None:
    from mediapipe import Image as Picture
    from mediapipe import ImageFormat
    from mediapipe.tasks.python import BaseOptions, vision

    # What the network was trained with does not matter here: both must do the same with what the card says.
    chosen = Preprocessing(*scale) if scale else None
    run = adopt(foreign.model, read_labels(foreign.labels), tmp_path / "run", chosen)
    images = load_representative(foreign.photos, RunDirectory(run).read_card())
    path = convert(run, images, scheme=scheme, target="mediapipe").plain.path
    ours = Classifier(path)
    assert verify(path).passed
    options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=str(path)), max_results=-1)
    with vision.ImageClassifier.create_from_options(options) as theirs:
        for pixels in photos:
            answer = theirs.classify(Picture(image_format=ImageFormat.SRGB, data=pixels)).classifications[0].categories
            scores = {category.category_name: category.score for category in answer}
            # MediaPipe knows of no temperature: its scores are those that the network itself gives.
            expected = dict(zip(ours.labels, ours.predict_all(pixels[None], calibrated=False)[0], strict=True))
            # Both run LiteRT's kernels on the same tensor; a float32 input is computed from bytes in another order.
            assert scores == pytest.approx(expected, abs=1e-6 if scheme == "int8" else 1e-4)
            assert expected[answer[0].category_name] == pytest.approx(max(expected.values()), abs=1e-6)
