"""Features of an image are computed once, on whatever it is trained next; the cache is bounded and may be lost."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edgecnn.train.fitting.feature_cache import FeatureCache, Features

IMAGES = np.random.default_rng(0).integers(0, 256, (10, 4, 4, 3), dtype=np.uint8)


class Network:
    """Mean and maximum of an image, and a count of the images it was asked about."""

    asked = 0

    def __call__(self, pixels: npt.NDArray[np.uint8]) -> Features:
        self.asked += len(pixels)
        return np.stack([pixels.mean(axis=(1, 2, 3)), pixels.max(axis=(1, 2, 3))], axis=1).astype(np.float32)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "edgecnn" / "features"


def asked(images: npt.NDArray[np.uint8], name: str = "a", most_bytes: int = 1 << 20) -> int:
    """How many of the images' features are computed; all are right."""
    network, cache = Network(), FeatureCache(name, most_bytes)
    found = np.concatenate(list(cache.features(iter(images), network, batch=4)))
    np.testing.assert_array_equal(found, Network()(images))
    cache.save()
    return network.asked


def test_each_image_is_computed_once_in_whatever_order_and_company() -> None:
    assert asked(IMAGES[:6]) == 6
    assert asked(IMAGES[::-1]) == 4
    assert asked(IMAGES[[3, 3, 9]]) == 0


def test_the_same_bytes_in_another_shape_are_another_image() -> None:
    upright = np.full((1, 6, 4, 3), 7, np.uint8)
    assert [asked(upright), asked(upright.reshape(1, 4, 6, 3)), asked(upright)] == [1, 1, 0]


def test_another_network_has_features_of_its_own() -> None:
    assert [asked(IMAGES, name) for name in "aba"] == [10, 10, 0]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [cut, flip, Path.unlink])
def test_a_damaged_file_is_made_anew(damage: Callable[[Path], None], folder: Path) -> None:
    assert asked(IMAGES) == 10
    (path,) = folder.glob("*.npz")
    damage(path)
    assert [asked(IMAGES), asked(IMAGES)] == [10, 0]


def test_the_oldest_gives_way_when_all_take_too_much_room(folder: Path) -> None:
    assert asked(IMAGES, "old") == 10
    (old,) = folder.glob("*.npz")
    size = old.stat().st_size
    assert asked(IMAGES, "new", most_bytes=size + 100) == 10
    assert not old.exists() and len(list(folder.glob("*.npz"))) == 1
    assert asked(IMAGES, "large", most_bytes=100) == 10 and asked(IMAGES, "large") == 10


def test_where_nothing_can_be_written_features_are_computed_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert [asked(IMAGES), asked(IMAGES)] == [10, 10]
