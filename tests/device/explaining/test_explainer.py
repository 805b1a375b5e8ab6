"""The front: labels, methods, costs, doubts, and the picture."""

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from edgecnn.device import Classifier, Explanation, FeatureExtractor, Prediction, Score, explain, sample_images
from edgecnn.device.explaining import explainer
from edgecnn.device.explaining.explainer import Explainer
from edgecnn.device.explaining.methods import METHODS
from edgecnn.device.pictures.explanation import make_explanation_figure
from edgecnn.device.runtime.loaded_model import LoadedModel
from edgecnn.device.runtime.loading import open_model
from edgecnn.errors import InputError
from tests.conftest import ON_A_BOARD

BOOT = sample_images()[0]


@pytest.fixture(scope="module")
def loaded() -> LoadedModel:
    return open_model("fashion-mnist")


def made(gains: Sequence[float]) -> Explanation:
    """With these insertions minus deletions: of the explanation, brightness and chance, black and then blurred."""
    names = [(ranking, fill) for fill in ("black", "blurred") for ranking in ("explanation", "brightness", "random")]
    scores = tuple(Score(*name, 0.5 + gain, 0.5) for name, gain in zip(names, gains, strict=True))
    pixels = np.arange(24, dtype=np.uint8).reshape(4, 6, 1)
    heat = pixels[:, :, 0].astype(np.float32)
    cat, dog = Prediction("cat $x^2$", 0.25, 0), Prediction("dog", 0.75, 1)
    return Explanation(cat, dog, "occlusion", "fall", heat, pixels, scores, 1, 0.1)


@pytest.mark.parametrize("method", ["occlusion", "rise"])
def test_network_runs_as_often_as_said(method: str, loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, run = [], loaded.session.run

    def count(tensor: np.ndarray) -> None:
        runs.append(1)
        run(tensor)

    monkeypatch.setattr(loaded.session, "run", count)
    explained = Explainer(loaded, method).explain(BOOT)
    assert len(runs) == explained.invokes == Explainer(loaded, method).invokes


def test_scores_are_of_the_class_that_is_explained(loaded: LoadedModel) -> None:
    classifier = Classifier("fashion-mnist")
    for label in ("Bag", "Ankle boot"):
        explained = explain(classifier, BOOT, label)
        pixels = explained.pixels
        assert explained.target.label == label and explained.predicted.label == "Ankle boot"
        index = classifier.labels.index(label)
        assert explained.target.score == classifier.probabilities(pixels)[index] and explained.target.index == index
        assert [score.ranking for score in explained.scores] == ["explanation", "brightness", "random"] * 2


@pytest.mark.parametrize(
    ("gains", "doubted"),
    [
        ((0.4, 0.1, 0.0, 0.3, 0.0, 0.0), ()),
        ((0.4, 0.5, 0.0, 0.3, 0.0, 0.0), ("black fill, the brightness",)),
        ((0.4, 0.1, 0.0, -0.1, 0.0, 0.2), ("blurred fill, the brightness", "blurred fill, an order by chance")),
        ((0.2,) * 6, ("black fill, the b", "black fill, an o", "blurred fill, the b", "blurred fill, an o")),
        ((0.4, 0.1, 0.0, 0.001, -0.004, 0.0), ("blurred fill, no order of the pixels matters",)),
    ],
)
def test_what_knows_nothing_and_explains_as_well_raises_doubts(
    gains: Sequence[float], doubted: tuple[str, ...]
) -> None:
    explained = made(gains)
    assert len(explained.doubts) == len(doubted)
    assert all(part in doubt for part, doubt in zip(doubted, explained.doubts, strict=True))
    assert explained.caption.count("Doubt it") == len(doubted)


def test_caption_tells_class_answer_and_scores() -> None:
    lines = made((0.42, 0.1, 0.03, 0.31, -0.002, -0.01)).caption.splitlines()
    assert "cat $x^2$ 25.0%" in lines[0] and "dog 75.0%" in lines[0]
    assert [line.split()[-2:] for line in lines[1:]] == [
        ["black", "blurred"], ["0.42", "0.31"], ["0.10", "0.00"], ["0.03", "-0.01"],
    ]  # fmt: skip


def test_picture_has_image_heat_and_a_colour_bar_with_its_unit() -> None:
    explained = made((0.4, 0.1, 0.0, 0.3, 0.0, 0.0))
    shown = explained.pixels, explained.heat_map, explained.unit, explained.caption
    figure = make_explanation_figure(*shown)
    image, heat, bar = figure.axes
    np.testing.assert_array_equal(image.get_images()[0].get_array(), explained.pixels[:, :, 0])
    np.testing.assert_array_equal(heat.get_images()[0].get_array(), explained.heat_map)
    assert not any(len(axes.get_xticks()) or len(axes.get_yticks()) for axes in (image, heat))
    assert bar.get_ylabel() == "fall" and len(bar.get_yticks()) > 2
    assert explained._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("label", ["ankle boot", "", "Boot"])
def test_unknown_label_is_a_sentence_with_the_labels(label: str, loaded: LoadedModel) -> None:
    with pytest.raises(InputError, match=r"has no label .*; its labels are T-shirt/top, .*, Ankle boot"):
        Explainer(loaded).explain(BOOT, label)


def test_of_many_labels_the_nearest_are_named(loaded: LoadedModel) -> None:
    many = dataclasses.replace(loaded, labels=(*(f"bird {number}" for number in range(40)), "teapot"))
    with pytest.raises(InputError, match=r"has no label 'teapots'; of its 41 labels the nearest are teapot, "):
        Explainer(many).index_of("teapots")


def test_threads_share_an_explainer_and_a_feature_extractor_is_explained_too(loaded: LoadedModel) -> None:
    shared, images = Explainer(loaded), [*sample_images()[: 1 if ON_A_BOARD else 4]] * 2
    alone = [shared.explain(image) for image in images[: len(images) // 2]] * 2
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(shared.explain, images))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.heat_map, other.heat_map)
        assert one.scores == other.scores and one.target == other.target
    extractor = FeatureExtractor("fashion-mnist.activations")
    np.testing.assert_array_equal(explain(extractor, images[0]).heat_map, alone[0].heat_map)


def test_unknown_method_is_a_sentence_with_the_methods(loaded: LoadedModel) -> None:
    with pytest.raises(InputError, match=r"method must be occlusion, rise or cam\. Received: 'eigen-cam'"):
        Explainer(loaded, "eigen-cam")


def test_what_takes_long_is_said_before(loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []
    for limit in (1e9, 0):
        monkeypatch.setattr(explainer, "_LONG_SECONDS", limit)
        Explainer(loaded).explain(BOOT, note=notes.append)
    assert len(notes) == 1 and notes[0].startswith("occlusion runs the network 259 times an image: about ")


def test_every_method_has_its_file_and_its_words() -> None:
    for name, row in METHODS.items():
        module = __import__(f"edgecnn.device.explaining.{name}", fromlist=["prepare"])
        assert callable(module.prepare) and row.summary and row.unit
