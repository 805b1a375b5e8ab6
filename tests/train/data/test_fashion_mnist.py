"""Fashion-MNIST is found where it is, and never believed without its checksum."""

import gzip
import http.server
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from edgecnn import DataError
from edgecnn.pixels.dataset import Dataset, stratified
from edgecnn.train import load_fashion_mnist
from edgecnn.train.data import fashion_mnist


@pytest.fixture
def folder(fashion: Dataset, tmp_path: Path) -> Path:
    """A folder with the four files, uncompressed, written from the loaded arrays."""
    folder = tmp_path / "data"
    folder.mkdir()
    for prefix, split in (("train", fashion.train), ("t10k", fashion.test)):
        count = len(split).to_bytes(4, "big")
        side = (28).to_bytes(4, "big")
        header = bytes([0, 0, 8, 3]) + count + side + side
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(header + np.asarray(split.images).tobytes())
        labels = bytes([0, 0, 8, 1]) + count + split.labels.astype(np.uint8).tobytes()
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(labels)
    return folder


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has no Fashion-MNIST and no network; returns its cache folder."""
    monkeypatch.delenv("EDGECNN_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", tmp_path / "debian")
    monkeypatch.setattr(fashion_mnist, "KERAS_URL", "http://127.0.0.1:9/")
    return tmp_path / "cache" / "edgecnn" / "fashion-mnist"


def test_it_has_the_shapes_and_classes_of_the_reference(fashion: Dataset) -> None:
    assert fashion.train.images.shape == (60_000, 28, 28, 1) and np.asarray(fashion.train.images).dtype == np.uint8
    assert fashion.test.images.shape == (10_000, 28, 28, 1)
    assert np.bincount(fashion.train.labels).tolist() == [6000] * 10
    assert fashion.labels[7] == "Sneaker" and fashion.labels[0] == "T-shirt/top" and fashion.labels[9] == "Ankle boot"


def test_a_named_folder_comes_first_compressed_or_not(folder: Path, fashion: Dataset, nowhere: Path) -> None:
    plain = folder / "t10k-labels-idx1-ubyte"
    plain.with_suffix(".gz").write_bytes(b"")
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    found = load_fashion_mnist(folder)
    assert str(folder) in found.source and found.sha256 == fashion.sha256


def test_the_environment_variable_names_a_folder(folder: Path, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGECNN_DATA", str(folder))
    assert str(folder) in load_fashion_mnist().source


def test_the_cache_comes_before_debians_package(folder: Path, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", folder)
    assert "package" in load_fashion_mnist().source
    shutil.copytree(folder, nowhere)
    assert "cache" in load_fashion_mnist().source


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    flipped = content[:500] + bytes([content[500] ^ 1]) + content[501:]
    path.write_bytes({"flipped": flipped, "cut": content[: len(content) // 2], "empty": b""}[how])


@pytest.mark.parametrize("how", ["flipped", "cut", "empty"])
def test_damaged_file_in_a_named_folder_is_refused_by_name(folder: Path, nowhere: Path, how: str) -> None:
    damage(folder / "t10k-labels-idx1-ubyte", how)
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte is damaged or incomplete"):
        load_fashion_mnist(folder)


def test_half_a_download_is_refused_by_name(folder: Path, nowhere: Path) -> None:
    plain = folder / "t10k-images-idx3-ubyte"
    compressed = gzip.compress(plain.read_bytes(), 1)
    plain.with_name(plain.name + ".gz").write_bytes(compressed[: len(compressed) // 2])
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte.gz is damaged or incomplete"):
        load_fashion_mnist(folder)


def test_damaged_file_in_the_cache_is_replaced_by_a_download(
    folder: Path, nowhere: Path, fashion: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder, nowhere)
    damage(nowhere / "t10k-labels-idx1-ubyte", "flipped")
    for path in folder.iterdir():
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 1))
    monkeypatch.setattr(fashion_mnist, "KERAS_URL", folder.as_uri() + "/")
    said: list[str] = []
    assert load_fashion_mnist(progress=said.append).source.startswith("download")
    assert any("t10k-labels-idx1-ubyte is damaged" in line for line in said)
    assert load_fashion_mnist().source.startswith("cache") and load_fashion_mnist().sha256 == fashion.sha256


def test_nowhere_to_be_had_is_one_sentence_that_lists_what_was_tried(nowhere: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        load_fashion_mnist()
    text = str(error.value)
    for part in ("cache", "package", "Keras' server", "download of Debian's package", "--data-dir"):
        assert part in text
    assert "\n" not in text


def test_a_user_without_a_home_folder_gets_it_and_is_told_that_a_download_is_not_kept(
    folder: Path, nowhere: Path, fashion: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("XDG_CACHE_HOME", "KERAS_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.setenv("HOME", str(nowhere))  # a folder that is not there
    with pytest.raises(DataError, match="was not found"):
        load_fashion_mnist()
    monkeypatch.setattr(fashion_mnist, "KERAS_URL", f"{folder.as_uri()}/")
    for file in folder.iterdir():
        (folder / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes(), compresslevel=1))
    said: list[str] = []
    assert load_fashion_mnist(progress=said.append).sha256 == fashion.sha256
    assert any("the download is not kept: Could not determine home" in line for line in said)


def test_a_named_folder_without_the_files_is_an_error_and_nothing_else_is_tried(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"typo: no train-images-idx3-ubyte.gz there"):
        load_fashion_mnist(tmp_path / "typo")


def test_damaged_file_in_the_cache_is_replaced_from_debians_package_too(
    folder: Path, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder, nowhere)
    damage(nowhere / "t10k-labels-idx1-ubyte", "cut")
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", folder)
    assert load_fashion_mnist().source.startswith("package")
    assert load_fashion_mnist().source.startswith("cache")


class _HalfAFile(http.server.BaseHTTPRequestHandler):
    """A server that promises more than it sends."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(b"only this")

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_download_that_breaks_off_is_told_and_the_next_source_tried(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _HalfAFile) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        monkeypatch.setattr(fashion_mnist, "KERAS_URL", f"http://127.0.0.1:{server.server_port}/")
        with pytest.raises(DataError, match=r"Keras' server: IncompleteRead.*download of Debian's package: "):
            load_fashion_mnist()


def test_stratified_draw_gives_every_class_its_share_and_depends_on_the_seed(fashion: Dataset) -> None:
    drawn = stratified(fashion.train.labels, 105, seed=3)
    counts = np.bincount(fashion.train.labels[drawn], minlength=10)
    assert len(set(drawn.tolist())) == 105 and counts.min() == 10 and counts.max() == 11
    assert (drawn == stratified(fashion.train.labels, 105, seed=3)).all()
    assert (drawn != stratified(fashion.train.labels, 105, seed=4)).any()
