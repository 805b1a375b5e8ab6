"""Image after image: each as if it were alone, from files and from a source that never ends."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from edgecnn import InputError
from edgecnn.device import Classifier
from edgecnn.device.bulk.answer_counts import UNREADABLE
from edgecnn.device.bulk.classify_many import classify_many
from edgecnn.device.bulk.sources import ImageFiles, ImageOrError
from edgecnn.model_file.bundled import sample_images
from edgecnn.pixels.dataset import Dataset


class Camera:
    """Frames without an end: test images over and over, every third of them lost."""

    count = None

    def __init__(self, frames: np.ndarray) -> None:
        self._frames, self.taken = frames, 0

    def __iter__(self) -> Iterator[tuple[str, ImageOrError]]:
        while True:
            number = self.taken
            self.taken += 1
            lost = number % 3 == 2
            yield (
                f"frame {number}",
                InputError("the frame is lost") if lost else self._frames[number % len(self._frames)],
            )


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier("fashion-mnist")


def test_files_get_the_answers_that_they_get_alone(classifier: Classifier) -> None:
    samples = [str(path) for path in sample_images()]
    results = list(classify_many(classifier, ImageFiles(samples), top=3))
    assert [result.name for result in results] == samples
    for result in results:
        assert result.predictions == classifier.classify(result.name, top=3) and not result.error
        assert result.label == result.predictions[0].label


def test_a_source_without_an_end_is_classified_frame_by_frame(classifier: Classifier, fashion: Dataset) -> None:
    frames = np.asarray(fashion.test.images[:2])
    camera = Camera(frames)
    results = list(islice(classify_many(classifier, camera), 7))
    assert camera.taken == 7  # none was taken ahead: what is shown is the present
    assert [result.error for result in results] == ["", "", "the frame is lost"] * 2 + [""]
    alone = [classifier.classify(pixels)[0].label for pixels in frames]
    labels = [alone[0], alone[1], UNREADABLE, alone[1], alone[0], UNREADABLE, alone[0]]
    assert [result.label for result in results] == labels


def test_an_unreadable_file_is_a_result_among_the_others(classifier: Classifier, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"nothing")
    bad, good = classify_many(classifier, ImageFiles([str(tmp_path / "a.png"), str(sample_images()[0])]))
    assert bad.label == UNREADABLE and bad.predictions == () and "not an image" in bad.error
    assert bad.row() == {"image": str(tmp_path / "a.png"), "error": bad.error}
    assert good.predictions and set(good.row()) == {"image", "predictions", "inverted", "note"}


def test_drift_stands_in_the_row_only_where_somebody_watches(classifier: Classifier) -> None:
    white = np.full((28, 28, 1), 255, np.uint8)
    watch = classifier.watch()
    (result,) = islice(classify_many(classifier, Camera(white[None]), watch=watch), 1)
    assert watch.images == 1 and result.drift and result.drift[0].startswith("image: outside calibration")
    assert result.row()["drift"] == list(result.drift)


def test_inversion_is_asked_for_once_for_all(classifier: Classifier) -> None:
    samples = [str(path) for path in sample_images()[:3]]
    assert [result.inverted for result in classify_many(classifier, ImageFiles(samples), invert="yes")] == [True] * 3


def test_what_lies_beside_images_in_a_folder_is_noted_once(tmp_path: Path) -> None:
    said: list[str] = []
    for name in ("a.png", "b.txt", "c.txt", ".hidden.png"):
        (tmp_path / name).write_bytes(b"x")
    assert ImageFiles([str(tmp_path), str(tmp_path / "a.png")], said.append).names == [str(tmp_path / "a.png")] * 2
    assert len(said) == 1 and said[0].endswith("left out what is no image: 2 .txt")
