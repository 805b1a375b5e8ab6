"""Fashion-MNIST, found wherever it already is, and checked whatever its source.

Zalando Research, https://github.com/zalandoresearch/fashion-mnist, MIT licence.
"""

import contextlib
import gzip
import hashlib
import http.client
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgecnn.atomic_files import write_bytes
from edgecnn.errors import DataError, OutputError
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.user_cache import cache_root

NAME = "fashion-mnist"
LABELS = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
# The articles stand large on black, pixels are divided by 255: others' photographs are padded to the same look.
INPUT = InputSpec(28, 28, 1, "grayscale", "pad", "bilinear", (1 / 255,), (0.0,), "dark")
# SHA-256 of the uncompressed IDX files: Debian and Zalando compress the same bytes differently.
CHECKSUMS = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
DEBIAN_PACKAGE = "dataset-fashion-mnist"
KERAS_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_TIMEOUT_S = 20
_IDX_HEADER = {3: 16, 1: 8}

Files = dict[str, bytes]


@dataclass(frozen=True)
class _Source:
    name: str
    read: Callable[[], Files]
    named_by_user: bool = False
    cache: bool = False
    download: bool = False


class _Damaged(DataError):
    """A file is there, but not with the bytes it must have."""


def load_fashion_mnist(data_dir: str | Path | None = None, progress: Callable[[str], None] = lambda _: None) -> Dataset:
    """Load the 60,000 training and 10,000 test images, 28 x 28 x 1, of 10 classes.

    Looks in this order: `data_dir` or else $EDGECNN_DATA; the user cache; Debian's installed package; Keras' cache and
    download server; Debian's package by apt-get download. Downloads are kept in the user cache; a damaged file there
    is replaced. Where the user named a folder, nothing else is tried.

    Args:
        data_dir: a folder with the four IDX files, gzip-compressed or not.
        progress: is told, in words, of downloads and of what was refused.

    Raises:
        DataError: none of the sources has intact files; the message lists what was tried.
    """
    tried: list[str] = []
    replace_cache = False
    for source in _sources(data_dir):
        try:
            if source.download:
                progress(f"getting Fashion-MNIST: {source.name}")
            files = source.read()
        except DataError as error:
            if source.named_by_user:
                raise DataError(f"{source.name}: {error}; put the four Fashion-MNIST files there, whole") from None
            replace_cache |= source.cache and isinstance(error, _Damaged)
            if source.download or isinstance(error, _Damaged):
                progress(f"{source.name}: {error}")
            tried.append(f"{source.name}: {error}")
            continue
        if source.download or replace_cache:
            _keep_download(files, progress)
        return _dataset(files, source.name)
    raise DataError(
        f"Fashion-MNIST was not found; tried: {'; '.join(tried)}; install Debian's package {DEBIAN_PACKAGE}, or put "
        "the four *-ubyte.gz files into a folder and name it with --data-dir or EDGECNN_DATA"
    )


def cache_folder() -> Path:
    """Where downloads are kept: $XDG_CACHE_HOME/edgecnn/fashion-mnist."""
    return cache_root() / NAME


def _sources(data_dir: str | Path | None) -> Iterator[_Source]:
    folder = data_dir or os.environ.get("EDGECNN_DATA")
    if folder:
        yield _Source(f"folder {folder}", lambda: _read_folder(Path(folder)), named_by_user=True)
    with contextlib.suppress(RuntimeError):  # of a user without a home folder there is none
        cache = cache_folder()
        yield _Source(f"cache {cache}", lambda: _read_folder(cache), cache=True)
    yield _Source(f"package {DEBIAN_PACKAGE} in {DEBIAN_FOLDER}", lambda: _read_folder(DEBIAN_FOLDER))
    keras_cache = Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")) / "datasets" / NAME
    yield _Source(f"Keras' cache {keras_cache}", lambda: _read_folder(keras_cache))
    yield _Source("download from Keras' server", _download_keras, download=True)
    yield _Source("download of Debian's package", _download_debian, download=True)


def _read_folder(folder: Path) -> Files:
    return {name: _verify(name, _read_file(folder, name)) for name in CHECKSUMS}


def _read_file(folder: Path, name: str) -> bytes:
    for candidate in (folder / f"{name}.gz", folder / name):
        try:
            return _decompress(candidate.name, candidate.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise DataError(f"{candidate.name} cannot be read ({error.strerror})") from None
    raise DataError(f"no {name}.gz there")


def _decompress(name: str, data: bytes) -> bytes:
    if not name.endswith(".gz"):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        raise _Damaged(f"{name} is damaged or incomplete (its compression does not read)") from None


def _verify(name: str, content: bytes) -> bytes:
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != CHECKSUMS[name]:
        raise _Damaged(f"{name} is damaged or incomplete: its SHA-256 is {sha256[:12]}…, not {CHECKSUMS[name][:12]}…")
    return content


def _download_keras() -> Files:
    files = {}
    for name in CHECKSUMS:
        try:
            # The scheme is the constant's: https.
            with urllib.request.urlopen(f"{KERAS_URL}{name}.gz", timeout=_TIMEOUT_S) as response:  # noqa: S310
                data = response.read()
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            raise DataError(str(getattr(error, "reason", error)) or type(error).__name__) from None
        files[name] = _verify(name, _decompress(f"{name}.gz", data))
    return files


def _download_debian() -> Files:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise DataError("not a Debian system")
    with tempfile.TemporaryDirectory() as folder:
        try:
            _run(["apt-get", "download", DEBIAN_PACKAGE], folder)
        except DataError:  # no package lists here: fetch them into this folder, which needs no root
            Path(folder, "lists", "partial").mkdir(parents=True)
            private = ["-o", f"Dir::State::Lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache"]
            _run(["apt-get", "update", *private], folder)
            _run(["apt-get", "download", *private, DEBIAN_PACKAGE], folder)
        _run(["dpkg-deb", "-x", str(next(Path(folder).glob("*.deb"))), "unpacked"], folder)
        return _read_folder(Path(folder) / "unpacked" / DEBIAN_FOLDER.relative_to("/"))


def _run(command: list[str], folder: str) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, errors="replace", timeout=600)
    except subprocess.CalledProcessError as error:
        reason = (error.stderr or error.stdout).strip().splitlines() or ["no reason given"]
        raise DataError(f"{' '.join(command[:2])} failed ({reason[-1]})") from None
    except subprocess.TimeoutExpired:
        raise DataError(f"{' '.join(command[:2])} took more than 10 minutes") from None


def _keep_download(files: Files, progress: Callable[[str], None]) -> None:
    try:
        for name, content in files.items():
            write_bytes(cache_folder() / f"{name}.gz", gzip.compress(content, compresslevel=6, mtime=0))
    except (OutputError, RuntimeError) as error:  # the latter where the user has no home folder
        progress(f"the download is not kept: {error}")


def _dataset(files: Files, source: str) -> Dataset:
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(files[name])
    return Dataset(
        name=NAME,
        labels=LABELS,
        input=INPUT,
        train=Split(_images(files["train-images-idx3-ubyte"]), _labels(files["train-labels-idx1-ubyte"])),
        test=Split(_images(files["t10k-images-idx3-ubyte"]), _labels(files["t10k-labels-idx1-ubyte"])),
        sha256=digest.hexdigest(),
        source=source,
    )


def _images(content: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(content, np.uint8, offset=_IDX_HEADER[3]).reshape(-1, 28, 28, 1)


def _labels(content: bytes) -> npt.NDArray[np.int64]:
    return np.frombuffer(content, np.uint8, offset=_IDX_HEADER[1]).astype(np.int64)
