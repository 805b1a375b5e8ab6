"""A stream of JPEGs is cut where they end, however it arrives."""

import random

import pytest

from edgecnn import SourceError
from edgecnn.device.live.sources.jpeg_stream import JpegSplitter
from tests.support.cameras import garment, jpeg


@pytest.mark.parametrize("seed", range(5))
def test_frames_come_out_as_they_went_in_however_the_pipe_cuts_them(seed: int) -> None:
    frames = [garment(number) for number in range(4)]
    stream, chance, splitter = b"".join(frames), random.Random(seed), JpegSplitter()
    found: list[bytes] = []
    while stream:
        size = chance.choice([1, 2, 3, 700, 5000])
        found += splitter.add(stream[:size])
        stream = stream[size:]
    assert found == frames and splitter.damaged == 0


def test_a_frame_that_was_cut_short_is_counted_and_the_next_one_is_whole() -> None:
    first, second, splitter = garment(0), garment(1), JpegSplitter()
    assert list(splitter.add(first[: len(first) // 2] + second)) == [second] and splitter.damaged == 1


def test_what_stands_before_the_first_frame_is_passed_over() -> None:
    frame, splitter = jpeg(), JpegSplitter()
    assert list(splitter.add(b"hello" + frame)) == [frame] and splitter.damaged == 1


def test_what_is_begun_and_forgotten_is_not_joined_to_what_follows() -> None:
    frame, splitter = jpeg(), JpegSplitter()
    assert list(splitter.add(frame[:20])) == []
    splitter.forget()
    assert splitter.damaged == 1  # nobody need wait for the next one to know
    assert list(splitter.add(frame)) == [frame] and splitter.damaged == 1
    splitter.forget()  # there is nothing
    assert splitter.damaged == 1


def test_what_never_ends_is_refused_before_memory_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgecnn.device.live.sources.jpeg_stream.MAX_FRAME_BYTES", 1000)
    splitter = JpegSplitter()
    with pytest.raises(SourceError, match="no MJPEG"):
        list(splitter.add(bytes(1001)))
