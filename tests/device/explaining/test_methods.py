"""Occlusion and RISE find what is known to decide."""

import numpy as np
import pytest

from edgecnn.device import Classifier, explain, sample_images
from edgecnn.device.explaining.explainer import Explainer
from edgecnn.device.explaining.occlusion import spans
from edgecnn.device.explaining.rise import masks
from edgecnn.device.runtime.loaded_model import LoadedModel
from tests.conftest import ON_A_BOARD
from tests.support.explained import HEIGHT, SPOT, WIDTH, opened, spot_network


@pytest.fixture(scope="module")
def spot(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return opened(tmp_path_factory.mktemp("spot") / "spot.tflite", spot_network())


@pytest.fixture(scope="module")
def lit() -> np.ndarray:
    """A picture that is as red in the spot as elsewhere, and blue and green by chance."""
    pixels = np.random.default_rng(5).integers(60, 200, (HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, :, 0] = 255
    return pixels


@pytest.mark.parametrize("method", ["occlusion", "rise"])
def test_heat_is_where_the_network_looks(method: str, spot: LoadedModel, lit: np.ndarray) -> None:
    explained = Explainer(spot, method).explain_pixels(lit)
    heat = explained.heat_map
    assert heat.shape == (HEIGHT, WIDTH) and heat.dtype == np.float32
    assert explained.target.label == explained.predicted.label == "b"
    inside = np.zeros(heat.shape, bool)
    inside[SPOT] = True
    assert inside[np.unravel_index(heat.argmax(), heat.shape)]
    assert heat[inside].min() > np.percentile(heat[~inside], 80)
    assert not [doubt for doubt in explained.doubts if "black" in doubt]
    assert "with blurred fill, no order" in "".join(explained.doubts)  # red is the same everywhere, blurred or not


def test_of_the_class_that_it_speaks_against_the_same_pixels_are_the_coldest(
    spot: LoadedModel, lit: np.ndarray
) -> None:
    explained = Explainer(spot).explain_pixels(lit, "a")
    assert explained.target.label == "a" and explained.predicted.label == "b"
    rows, columns = SPOT
    coldest = np.argwhere(explained.heat_map == explained.heat_map.min())
    assert all(rows.start <= row < rows.stop and columns.start <= column < columns.stop for row, column in coldest)
    assert explained.heat_map.max() <= 1e-6


def of_network(classifier: Classifier, pixels: np.ndarray) -> np.ndarray:
    """Its scores without the temperature of the card."""
    return np.asarray(classifier.predict_all(pixels[None], calibrated=False)[0])


def test_occlusion_is_the_mean_fall_over_windows_and_fills() -> None:
    classifier = Classifier("fashion-mnist")
    pixels = classifier.prepare(sample_images()[3]).pixels
    explained = explain(classifier, pixels)
    whole = of_network(classifier, pixels)
    index, grey = int(whole.argmax()), round(float(pixels.mean()))
    for row, column in ((0, 0), (13, 20), (9, 4), (27, 27)):
        falls = []
        for top in (0, 4, 7, 10, 14, 18, 21):
            for left in (0, 4, 7, 10, 14, 18, 21):
                if top <= row < top + 7 and left <= column < left + 7:
                    for fill in (0, grey):
                        covered = pixels.copy()
                        covered[top : top + 7, left : left + 7] = fill
                        falls.append(whole[index] - of_network(classifier, covered)[index])
        assert explained.heat_map[row, column] == pytest.approx(np.mean(falls), abs=1e-6)


@pytest.mark.parametrize("side", [1, 2, 5, 28, 33, 224])
def test_windows_cover_every_pixel_and_are_at_most_seven(side: int) -> None:
    covered = [place for span in spans(side) for place in range(span.start, span.stop)]
    assert set(covered) == set(range(side)) and len(list(spans(side))) <= 7


@pytest.mark.parametrize(("height", "width"), [(28, 28), (5, 40), (1, 1)])
def test_masks_show_half_of_every_pixel_and_are_the_same_every_time(height: int, width: int) -> None:
    drawn = np.array(list(masks(height, width)))
    assert drawn.shape == (1000, height, width) and drawn.min() >= 0 and drawn.max() <= 1
    assert np.abs(drawn.mean(axis=0) - 0.5).max() < 0.07
    np.testing.assert_array_equal(drawn, np.array(list(masks(height, width))))
    assert len(np.unique(drawn.reshape(1000, -1), axis=0)) > (1 if drawn[0].size == 1 else 100)


@pytest.mark.skipif(ON_A_BOARD, reason="the network runs 2,000 times")
def test_rise_is_the_mean_probability_weighted_by_what_masks_show() -> None:
    classifier = Classifier("fashion-mnist")
    pixels = classifier.prepare(sample_images()[5]).pixels
    index = int(of_network(classifier, pixels).argmax())
    fills = [0.0, float(np.rint(pixels.mean()))]
    drawn = np.array(list(masks(28, 28)))
    covered = np.array([fills[number % 2] for number in range(len(drawn))])[:, None, None]
    masked = np.rint(covered + (pixels[:, :, 0] - covered) * drawn)[..., None].astype(np.uint8)
    scores = np.asarray(classifier.predict_all(masked, calibrated=False))[:, index]
    expected = (drawn[:, 20, 9] * scores).sum() / drawn[:, 20, 9].sum()
    assert explain(classifier, pixels, method="rise").heat_map[20, 9] == pytest.approx(expected, abs=1e-5)


def test_image_and_answer_stay_as_they_were() -> None:
    classifier = Classifier("fashion-mnist")
    pixels = classifier.prepare(sample_images()[0]).pixels
    before, bytes_before = classifier.probabilities(pixels), pixels.tobytes()
    assert explain(classifier, pixels).pixels.tobytes() == bytes_before == pixels.tobytes()
    np.testing.assert_array_equal(classifier.probabilities(pixels), before)
