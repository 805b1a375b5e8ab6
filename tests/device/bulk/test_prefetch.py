"""Images are prepared in order, ahead but not far, and what is odd is said once."""

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL.PngImagePlugin import PngImageFile

from edgecnn import InputError, InputSpec
from edgecnn.device.bulk.prefetch import Outcome, prepare_ahead, prepared_images
from edgecnn.device.bulk.sources import ImageFiles, ImageOrError, Remaining
from edgecnn.model_file.bundled import sample_images
from edgecnn.pixels import memory
from edgecnn.pixels.preprocessing import Prepared, prepare_array


class Pictures:
    """Arrays that count how many of them were asked for."""

    def __init__(self, pictures: list[np.ndarray], count: int | None) -> None:
        self._pictures, self.count = pictures, count
        self.asked = 0

    def __iter__(self) -> Iterator[tuple[str, ImageOrError]]:
        for number, pixels in enumerate(self._pictures):
            self.asked += 1
            yield str(number), pixels


def test_decoding_runs_ahead_but_not_far(spec: InputSpec) -> None:
    started: list[str] = []

    def prepare(image: ImageOrError) -> Outcome:
        started.append(str(image))
        return InputError("3 is no image") if image == "3" else prepare_array(np.zeros((28, 28), np.uint8), spec)

    stream = prepare_ahead(((str(i), str(i)) for i in range(1000)), prepare, threads=2)
    first = [next(stream) for _ in range(5)]
    assert [name for name, _ in first] == ["0", "1", "2", "3", "4"]
    assert [isinstance(outcome, InputError) for _, outcome in first] == [False, False, False, True, False]
    assert 5 <= len(started) <= 5 + 4 * 2 + 1
    stream.close()


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_all_come_once_and_in_order(threads: int, spec: InputSpec) -> None:
    pictures = {str(i): np.full((28, 28), i, np.uint8) for i in range(40)}

    def prepare(image: ImageOrError) -> Outcome:
        return prepare_array(pictures[str(image)], spec)

    outcomes = dict(prepare_ahead(((name, name) for name in pictures), prepare, threads=threads))
    assert list(outcomes) == list(pictures)
    for name, outcome in outcomes.items():
        assert isinstance(outcome, Prepared) and (outcome.pixels == int(name)).all()


@pytest.mark.parametrize("count", [None, 1])
def test_an_endless_source_and_a_single_image_are_not_read_ahead(count: int | None, spec: InputSpec) -> None:
    source = Pictures([np.zeros((28, 28), np.uint8)] * 9, count)
    images = prepared_images(source, spec)
    for number in range(1, 4):
        next(images)
        assert source.asked == number


def test_the_first_odd_image_gets_the_note_and_no_other(spec: InputSpec) -> None:
    dark, light = np.zeros((28, 28), np.uint8), np.full((28, 28), 255, np.uint8)
    notes: list[str] = []
    outcomes = dict(prepared_images(Pictures([dark, light, light], 3), spec, note=notes.append))
    assert len(notes) == 1 and notes[0].startswith("Note: 1: the border is light")
    second = outcomes["2"]
    assert isinstance(second, Prepared) and second.note


def test_what_is_skipped_is_not_prepared(spec: InputSpec) -> None:
    source = Pictures([np.zeros((28, 28), np.uint8)] * 4, 4)
    assert [name for name, _ in prepared_images(Remaining(source, {"1", "2"}), spec)] == ["0", "3"]


def test_files_that_are_none_keep_their_place_among_the_others() -> None:
    shoe = str(sample_images()[0])
    files = ImageFiles([shoe, "nothing*.png", shoe])
    assert files.names == [shoe, "nothing*.png", shoe] and files.count == 3
    first, second, third = (image for _, image in files)
    assert first == third == shoe and isinstance(second, InputError)
    assert files.errors == {"nothing*.png": second}


class _Counting:
    """Stands where Pillow decodes: how many do so at once."""

    def __init__(self, decode: Callable[..., object], wanted: int) -> None:
        self._decode, self._wanted, self._changed = decode, wanted, threading.Condition()
        self.now = self.most = 0

    def __call__(self, *arguments: object) -> object:
        with self._changed:
            self.now += 1
            self.most = max(self.most, self.now)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most >= self._wanted, timeout=30)
        try:
            time.sleep(0.02)  # for one too many
            return self._decode(*arguments)
        finally:
            with self._changed:
                self.now -= 1


@pytest.mark.parametrize(
    ("decode_threads", "free", "most"),
    [(3, 1, 3), (1, 1 << 40, 1), (None, 1 << 40, 4), (None, 1, 1), (None, 2 * 2 * 28 * 28 * 3, 2)],
    ids=["as-asked", "one", "plenty", "none-free", "two-fit"],
)
def test_decoding_follows_what_is_asked_for_or_else_free_memory(
    decode_threads: int | None, free: int, most: int, spec: InputSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda: free)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(4))
    counting = _Counting(PngImageFile.load, most)
    monkeypatch.setattr(PngImageFile, "load", lambda image: counting(image))
    images = prepared_images(ImageFiles([str(sample_images()[0].parent)]), spec, decode_threads=decode_threads)
    assert all(isinstance(outcome, Prepared) for _, outcome in images)
    assert counting.most == most
