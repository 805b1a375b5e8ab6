"""Images on disk behave as the array they are, and cost memory only when they are read."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgecnn import OutputError
from edgecnn.pixels.dataset import Split
from edgecnn.train.data.image_store import StoredImages, store_images

SCRIPTS = Path(__file__).parents[2] / "scripts"
IMAGES = np.random.default_rng(0).integers(0, 256, (300, 5, 4, 3), dtype=np.uint8)


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StoredImages:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return store_images(iter(IMAGES), (5, 4, 3))


@pytest.mark.parametrize(
    "index",
    [
        slice(None),
        slice(7, 90),
        slice(250, None),
        slice(0, 0),
        slice(None, None, -3),
        np.array([3, 3, 299, 0, 4, 5, 6]),
    ],
)
def test_views_read_what_the_array_holds(stored: StoredImages, index: slice) -> None:
    view = stored[index]
    assert view.shape == IMAGES[index].shape and len(view) == len(IMAGES[index])
    np.testing.assert_array_equal(np.asarray(view), IMAGES[index])
    np.testing.assert_array_equal(np.asarray(view[::2]), IMAGES[index][::2])
    for found, expected in zip(view, IMAGES[index], strict=True):
        np.testing.assert_array_equal(found, expected)


def test_one_image_is_an_array(stored: StoredImages) -> None:
    np.testing.assert_array_equal(stored[-1], IMAGES[-1])


def test_splits_are_taken_and_sampled_alike(stored: StoredImages) -> None:
    labels = np.arange(300) % 7
    disk, memory = Split(stored, labels), Split(IMAGES, labels)
    np.testing.assert_array_equal(disk.take(20).images, memory.take(20).images)
    np.testing.assert_array_equal(disk.sample(50, seed=3).images, memory.sample(50, seed=3).images)


def test_nothing_is_left_in_the_cache(stored: StoredImages, tmp_path: Path) -> None:
    assert len(stored) and not list((tmp_path / "edgecnn").iterdir())


def test_a_cache_that_cannot_be_written_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(OutputError, match=r"prepared images cannot be kept .* XDG_CACHE_HOME"):
        store_images([IMAGES[0]], (5, 4, 3))


def test_a_full_disk_is_a_sentence(tmp_path: Path) -> None:
    # The kernel refuses to write beyond the limit, as it refuses on a full disk.
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, str(SCRIPTS / "store_on_a_full_disk.py")]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert "cannot be kept" in result.stdout and len(result.stdout.splitlines()) == 1


def test_without_a_home_images_are_kept_among_the_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for home in (lambda: Path("/dev/null/home"), nowhere):
        monkeypatch.setattr(Path, "home", home)
        stored = store_images([np.full((2, 2, 1), 7, np.uint8)], (2, 2, 1))
        assert np.asarray(stored).tolist() == [[[[7], [7]], [[7], [7]]]]
