"""People's own images: folders by class, decoded once through the one preprocessing and then streamed from disk."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.errors import DataError, InputError
from edgecnn.pixels.dataset import Dataset, Split, held_back
from edgecnn.pixels.image_files import find_images
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.pixels.memory import MemoryGate
from edgecnn.pixels.preprocessing import prepare_source

from .digest import digest_splits
from .image_store import store_images

TEST_SHARE = 0.2
_AHEAD = 1024  # images that are decoded side by side
_SPLIT_SEED = 0  # the split is the same for every training seed: figures stay comparable
_SPLITS = {"train": ("train", "training"), "validation": ("validation", "valid", "val"), "test": ("test", "testing")}


@dataclass(frozen=True)
class _Files:
    """Paths and labels of one split, in order: by class, then by name."""

    paths: list[str]
    labels: npt.NDArray[np.int64]


def load_image_folder(folder: Path, spec: InputSpec, max_corrupt: int, progress: Callable[[str], None]) -> Dataset:
    """Load `folder`: class folders, or train, validation and test folders of class folders.

    Labels are the class folders' names, sorted. Without a test folder 20 % of each class are, always the same.

    Args:
        folder: of class folders.
        spec: what every image is turned into.
        max_corrupt: how many files may be unreadable; they are listed and left out.
        progress: is told of unreadable files.

    Raises:
        DataError: no class folders, fewer than two, an empty one, other ones in another split, too few images, or too
            many unreadable files.
    """
    parts = _split_folders(folder)
    labels = _class_names(parts.get("train", folder))
    files = {name: _find_files(part, labels) for name, part in parts.items()} or {"train": _find_files(folder, labels)}
    splits = _decode(files, spec, max_corrupt, progress)
    if "test" not in splits:
        splits["train"], splits["test"] = _set_aside(splits["train"], labels)
    return Dataset(
        name=folder.resolve().name,
        labels=labels,
        input=spec,
        train=splits["train"],
        validation=splits.get("validation"),
        test=splits["test"],
        sha256=digest_splits(labels, [splits[name] for name in sorted(splits)]),
        source=f"folder {folder}",
    )


def _split_folders(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise DataError(f"no folder {folder}; give a folder of class folders with --data")
    names = {alias: name for name, aliases in _SPLITS.items() for alias in aliases}
    folders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    splits = [path for path in folders if path.name.lower() in names]
    if len(splits) < len(folders):  # a class may be called train
        return {}
    parts = {names[path.name.lower()]: path for path in splits}
    if len(parts) < len(splits):
        raise DataError(f"{folder} has one split twice: {', '.join(path.name for path in splits)}; keep one of each")
    if parts and "train" not in parts:
        raise DataError(f"{folder} has {', '.join(parts)} but no train folder; add one, or give class folders alone")
    return parts


def _class_names(folder: Path) -> tuple[str, ...]:
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if len(names) < 2:
        raise DataError(
            f"{folder} must hold at least two class folders with images. Received: {', '.join(names) or 'none'}"
        )
    return tuple(names)


def _find_files(folder: Path, labels: tuple[str, ...]) -> _Files:
    here = _class_names(folder)
    if here != labels:
        differing = sorted(set(here) ^ set(labels))
        raise DataError(
            f"{folder} has other class folders than the training images: {', '.join(differing)}; make them equal"
        )
    paths: list[str] = []
    classes: list[int] = []
    for index, label in enumerate(labels):
        try:
            members = find_images([str(folder / label)])
        except InputError as error:
            raise DataError(f"class {label}: {error}, or remove the class folder") from None
        paths += members
        classes += [index] * len(members)
    return _Files(paths, np.array(classes, dtype=np.int64))


def _decode(
    files: dict[str, _Files], spec: InputSpec, max_corrupt: int, progress: Callable[[str], None]
) -> dict[str, Split]:
    corrupt: list[str] = []
    splits = {}
    gate = MemoryGate()

    def pixels(path: str) -> Pixels | InputError:
        try:
            return prepare_source(path, spec, gate=gate).pixels
        except InputError as error:
            return error

    def readable(part: _Files, good: npt.NDArray[np.bool_]) -> Iterator[Pixels]:
        for start in range(0, len(part.paths), _AHEAD):
            for row, result in enumerate(pool.map(pixels, part.paths[start : start + _AHEAD]), start):
                if isinstance(result, InputError):
                    corrupt.append(str(result))
                    good[row] = False
                else:
                    yield result

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, part in files.items():
            progress(f"reading {len(part.paths):,} {name} images")
            good = np.ones(len(part.paths), dtype=bool)
            images = store_images(readable(part, good), spec.shape)
            splits[name] = Split(images, part.labels[good])
    _report_corrupt(corrupt, max_corrupt, progress)
    return splits


def _report_corrupt(corrupt: Sequence[str], max_corrupt: int, progress: Callable[[str], None]) -> None:
    for line in corrupt:
        progress(f"left out: {line}")
    if len(corrupt) > max_corrupt:
        raise DataError(
            f"{len(corrupt)} images cannot be read, at most {max_corrupt} may; remove them, or allow them with "
            f"--max-corrupt {len(corrupt)}. The first: {corrupt[0]}"
        )


def _set_aside(split: Split, labels: tuple[str, ...]) -> tuple[Split, Split]:
    counts = np.bincount(split.labels, minlength=len(labels))
    if counts.min() < 2:
        rare = labels[int(counts.argmin())]
        raise DataError(f"class {rare} has {counts.min()} image(s); training and test need one each, add images")
    kept, held = held_back(split.labels, TEST_SHARE, _SPLIT_SEED)
    return Split(split.images[kept], split.labels[kept]), Split(split.images[held], split.labels[held])
