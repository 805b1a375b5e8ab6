"""report.html: what it shows, that it is whole by itself, and how large it is."""

import dataclasses
import re

import numpy as np
import numpy.typing as npt
import pytest

from edgecnn.metrics import Evaluation, evaluate_probabilities
from edgecnn.pixels.dataset import Dataset, Images, Split
from edgecnn.train import TrainingRun, input_for
from edgecnn.train.overfitting import Fit
from edgecnn.train.report.answers import SplitAnswers, answer, answer_rest
from edgecnn.train.report.page import to_html
from tests.train.report.conftest import HOSTILE, Planted


@pytest.fixture(scope="module")
def page(planted: Planted) -> str:
    return planted.run.folder.report.read_text()


def test_a_training_leaves_a_report_with_every_part(page: str) -> None:
    parts = re.findall(r"<h2>(.*?)</h2>", page)
    assert parts == [
        "Curves", "Classes", "Confusion matrix of the test images", "Mistakes that it is surest of",
        "Images that look mislabelled", "Duplicates across splits", "Calibration", "The data set at a glance",
    ]  # fmt: skip
    assert page.count("<svg") == 3 and page.count("<img") > 100
    assert "of 300 test images</h3>" in page and "of 1,000 training images</h3>" in page


def test_it_needs_nothing_from_elsewhere_and_names_do_nothing(page: str) -> None:
    assert HOSTILE not in page and "&lt;/td&gt;&lt;script&gt;" in page and "<script" not in page
    links = re.findall(r"(?:src|href|xlink:href)=\"([^\"]*)\"", page)
    assert links and all(link.startswith(("data:image/png;base64,", "#")) for link in links)
    assert not re.search(r"url\((?!#)|@import|<link|<iframe", page)


def test_the_planted_duplicate_is_shown(page: str, planted: Planted) -> None:
    assert "1 of 300 test images are training images too, 0 more are nearly the same." in page
    assert "test image 0, " in page and "training image 9, " in page


def test_calibration_is_told_before_and_after_the_temperature(page: str, planted: Planted) -> None:
    confidence = planted.run.card.confidence
    assert confidence
    before, after = (f"{100 * error:.2f} %" for error in (confidence.error_before, confidence.error_after))
    told = page.split("<h2>Calibration</h2>")[1].split("</p>")[0]
    assert f"Expected calibration error {after}" in told
    assert (f"brought it there from {before}" in told) == (confidence.temperature != 1)


def test_classes_are_told_as_counted_by_hand(page: str, planted: Planted) -> None:
    confusion = planted.run.evaluation.confusion
    right, images, answers = int(confusion[8, 8]), int(confusion[8].sum()), int(confusion[:, 8].sum())
    cells = f"<td>Bag</td><td>{images}</td><td>{right / answers:.2%}</td><td>{right / images:.2%}</td>"
    assert cells.replace("%", " %") in page


def test_means_are_over_the_classes_that_have_a_figure(planted: Planted) -> None:
    # The first class is never answered with; of the others each is right in every second image.
    truth = np.repeat(np.arange(10), 2)
    evaluation = evaluate_probabilities(np.eye(10)[np.where(np.arange(20) % 2, truth, 9)], truth)
    confusion = np.array(evaluation.confusion)
    confusion[:, 8] += confusion[:, 0]
    confusion[:, 0] = 0
    run = dataclasses.replace(planted.run, evaluation=dataclasses.replace(evaluation, confusion=confusion))
    test = answer("test", planted.dataset.test, lambda images: np.eye(10, dtype=np.float32)[np.zeros(len(images), int)])
    row = to_html(run, planted.dataset, [test]).split("<td>mean of 10 classes</td>")[1].split("</tr>")[0]
    precision = (7 * 1.0 + 1 / 2 + 2 / 11) / 9
    f1 = (0 + 7 * 2 / 3 + 2 / 4 + 4 / 13) / 10
    cells = [f"{precision:.2%} (of 9)", f"{(0 + 8 / 2 + 1) / 10:.2%}", f"{f1:.2%}"]
    assert row == "<td>20</td>" + "".join(f"<td>{cell}</td>" for cell in cells).replace("%", " %")


@pytest.mark.parametrize(
    ("fit", "kind"),
    [
        (Fit(0.98, 10_000, 0.9, 1000, "test"), "finding broken"),
        (Fit(0.98, 10_000, 0.97, 1000, "test"), "finding"),
        (Fit(1.0, 8, 1.0, 2, "test"), "finding open"),
        (Fit(0.1, 10_000, 0.1, 1000, "test", 0.1), "finding broken"),
        (None, "finding open"),
    ],
)
def test_the_box_is_of_the_kind_that_the_fit_says(fit: Fit | None, kind: str, planted: Planted) -> None:
    run = dataclasses.replace(planted.run, fit=fit)
    test = answer("test", planted.dataset.test, lambda images: np.full((len(images), 10), 0.1, np.float32))
    assert f'<p class="{kind}">It {run.verdict}.</p>' in to_html(run, planted.dataset, [test])


def noise(channels: int, classes: int) -> tuple[Dataset, tuple[str, ...]]:
    """Images that no PNG makes smaller, of many classes."""
    labels = tuple(f"a class with a long name {number}" for number in range(classes))
    generator = np.random.default_rng(0)

    def pixels(count: int) -> npt.NDArray[np.uint8]:
        return generator.integers(0, 256, (count, 120, 160, channels), dtype=np.uint8)

    def split(images: npt.NDArray[np.uint8]) -> Split:
        return Split(images, np.arange(len(images)) % classes, tuple(f"{row}.png" for row in range(len(images))))

    train, test = pixels(120), pixels(60)
    test[:12] = train[:12]
    splits = split(train), split(test)
    spec = input_for(120, 160, "rgb", "crop")
    return Dataset("noise", labels, spec, *splits, "0" * 64, "here", validation=split(pixels(60))), labels


def test_it_is_smaller_than_two_megabytes_whatever_the_images_are(planted: Planted) -> None:
    dataset, labels = noise(3, 20)
    generator = np.random.default_rng(1)

    def guess(images: Images) -> npt.NDArray[np.float32]:
        values = generator.uniform(size=(len(images), 20)) ** 8
        return np.asarray(values / values.sum(axis=1, keepdims=True), np.float32)

    test = SplitAnswers("test", dataset.test, np.arange(60), guess(dataset.test.images), 60)
    evaluation: Evaluation = evaluate_probabilities(test.probabilities, dataset.test.labels)
    card = dataclasses.replace(planted.run.card, labels=labels)
    run: TrainingRun = dataclasses.replace(planted.run, card=card, evaluation=evaluation)
    page = to_html(run, dataset, [test, *answer_rest(dataset, guess, most=40)])
    assert 500_000 < len(page.encode()) < 2_000_000
    assert page.count("<img") == 24 + 3 * 18 + 2 * 12 + 20 * 6
    assert "of 40 of 60 validation images" in page and "of 40 of 120 training images" in page
    assert re.search(r"<br>\d+\.png<", page)  # files are called by their names
