"""What folders mean: splits of class folders, or class folders, whatever people call them; or why it is not said."""

import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgecnn.errors import DataError, InputError
from edgecnn.pixels.image_files import SUFFIXES, find_images
from edgecnn.pixels.skipped_files import Skipped, is_clutter
from edgecnn.printable import composed

_SPLITS = {
    "train": ("train", "training", "trn"),
    "validation": ("validation", "valid", "val", "dev", "development"),
    "test": ("test", "testing", "tst"),
}
_FILLERS = frozenset(("set", "data", "dataset", "images", "image", "imgs", "img", "split", "folder"))
_SPLIT_OF = {
    alias + tail: split for split, aliases in _SPLITS.items() for alias in aliases for tail in ("", "set", "data")
}


@dataclass(frozen=True)
class ImageList:
    """Paths and labels of one split, in order: by class, then by name."""

    paths: list[str]
    labels: npt.NDArray[np.int64]


def split_of(name: str) -> tuple[str, tuple[str, ...]] | None:
    """The split that a name says, `train`, `validation` or `test`, and what else it says; None if it says none.

    `training_set`, `Train`, `01-train` and `trainData` are the training split; `seg_train` is, of `seg`.
    """
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    splits = [_SPLIT_OF[word] for word in words if word in _SPLIT_OF]
    if len(splits) != 1:
        return None
    return splits[0], tuple(word for word in words if word not in _SPLIT_OF and word not in _FILLERS)


def list_class_folders(folder: Path, progress: Callable[[str], None]) -> tuple[tuple[str, ...], dict[str, ImageList]]:
    """The class names of `folder`, sorted, and the images of its splits; of `train` alone where it has none.

    Args:
        folder: of class folders, or of split folders of class folders.
        progress: is told, once, what else lies there.

    Raises:
        DataError: no class folders, fewer than two, an empty one, other ones in another split; or it is not said which
            folders are the classes.
    """
    if not folder.is_dir():
        raise DataError(f"no folder {folder}; give a folder of class folders with --data")
    parts = _split_folders(folder) or {"train": folder}
    labels = _class_names(parts["train"])
    skipped, beside = Skipped(), 0
    lists = {}
    for name, part in parts.items():
        lists[name] = _list_images(name, part, labels, skipped)
        beside += len(_images_directly_in(part))
    if parts["train"] != folder:
        beside += len(_images_directly_in(folder))
    if beside:
        progress(f"{folder}: {beside:,} images lie beside the class folders and are left out")
    if skipped:
        progress(f"{folder}: left out what is no image: {skipped.words()}")
    return labels, lists


def _folders_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not is_clutter(path.name))


def _images_directly_in(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not is_clutter(path.name) and path.is_file()
    ]


def _split_folders(folder: Path) -> dict[str, Path]:
    """The folders of the splits; none where the folders are classes."""
    folders = _folders_in(folder)
    said = {path: split for path in folders if (split := split_of(path.name)) and _folders_in(path)}
    rests = {rest for _, rest in said.values()}
    parts = {split: _unwrapped(path, split) for path, (split, _) in said.items()}
    others = [path.name for path in folders if path not in said]
    flat = [name for name in others if (split := split_of(name)) and split[1] in rests]
    if not said:
        _require_no_flat_splits(folder, folders)
    beside_splits = "train" in parts and (flat or len(parts) > 1)
    if len(rests) != 1 or (others and not beside_splits):  # a class may be called train
        _require_one_meaning(folder, folders)
        return {}
    if flat:
        raise DataError(
            f"{folder / flat[0]} holds no class folders, so nobody says what its images show; move it away: without a "
            "test folder one in five training images is for the test"
        )
    if others:
        raise DataError(
            f"{folder} has {_named(path.name for path in parts.values())} as splits, and {_named(others)} is neither a "
            "split nor a class of them; move it away"
        )
    if len(parts) < len(said):
        raise DataError(f"{folder} has one split twice: {_named(path.name for path in said)}; keep one of each")
    if "train" not in parts:
        raise DataError(f"{folder} has {_named(parts)} but no train folder; add one, or give class folders alone")
    return parts


def _unwrapped(path: Path, split: str) -> Path:
    """`train/train`, as archives unpack, is `train`."""
    inner = _folders_in(path)
    said = split_of(inner[0].name) if len(inner) == 1 else None
    return inner[0] if said and said[0] == split and not _images_directly_in(path) else path


def _require_no_flat_splits(folder: Path, folders: list[Path]) -> None:
    """Refuse `train` and `test` that hold images alone; `crash test` and `train station` may be classes."""
    splits = [split_of(path.name) for path in folders]
    if len(folders) < 2 or None in splits or len({split[1] for split in splits if split}) > 1:
        return
    train = next((path for path, split in zip(folders, splits, strict=True) if split and split[0] == "train"), folder)
    raise DataError(
        f"{folder}: {_named(path.name for path in folders)} are splits, and none holds class folders: what their "
        f"images show is not said. If their names say it, as cat.12.jpg does, give --data {train} with "
        "--labels-from-names; if a file does, give it with --labels-csv"
    )


def _require_one_meaning(folder: Path, folders: list[Path]) -> None:
    """Refuse folders of which each holds the same folders: either level may be the classes."""
    inner = [{path.name for path in _folders_in(one)} for one in folders]
    if len(folders) < 2 or not inner[0] or any(names != inner[0] for names in inner):
        return
    if any(_images_directly_in(one) for one in folders):
        return
    outer, below = _named(path.name for path in folders), _named(sorted(inner[0]))
    if all(split_of(name) for name in inner[0]):
        raise DataError(
            f"{folder}: each of {outer} holds the same folders, {below}, which are splits; turn it round, so that "
            f"{folder}/{min(inner[0])} holds {outer}"
        )
    raise DataError(
        f"{folder}: each of {outer} holds the same folders, {below}, so it is not said which of them are the classes; "
        f"if {below} are, call the folders above them train and test, or make one folder of each class; if {outer} "
        "are, move the images out of the folders below them"
    )


def _class_names(folder: Path) -> tuple[str, ...]:
    folders = _folders_in(folder)
    if len(folders) < 2:
        raise DataError(
            f"{folder} must hold at least two class folders with images. Received: "
            f"{_named(path.name for path in folders) or 'none'}{_way_out(folder, folders)}"
        )
    names = tuple(sorted(composed(path.name) for path in folders))
    if twins := [name for name, following in itertools.pairwise(names) if name == following]:
        raise DataError(
            f"{folder} holds two folders called {twins[0]}, one with accents as characters of their own, as a Mac "
            "writes them; put their images into one folder"
        )
    return names


def _way_out(folder: Path, folders: list[Path]) -> str:
    inner = folders
    while len(inner) == 1:
        folder, inner = inner[0], _folders_in(inner[0])
    if folders and inner:
        return f"; {folder} holds several, give it instead"
    if not folders and _images_directly_in(folder):
        return (
            "; what images in one folder show is said by --labels-csv FILE, or by --labels-from-names, which takes "
            "cat of cat.12.jpg"
        )
    return ""


def _list_images(split: str, folder: Path, labels: tuple[str, ...], skipped: Skipped) -> ImageList:
    here = {composed(path.name): path for path in _folders_in(folder)}
    if here.keys() != set(labels):
        differing = sorted(here.keys() ^ set(labels))
        raise DataError(
            f"{folder} has other class folders than the training images: {', '.join(differing)}; give each class a "
            f"folder with images in both, or {_without(split, folder)}"
        )
    paths: list[str] = []
    classes: list[int] = []
    for index, label in enumerate(labels):
        try:
            members = find_images([str(here[label])], skipped)
        except InputError as error:
            raise DataError(f"class {label}: {error}, or {_without(split, folder)}") from None
        paths += members
        classes += [index] * len(members)
    return ImageList(paths, np.array(classes, dtype=np.int64))


def _without(split: str, folder: Path) -> str:
    """What to do where a split is not to get images of a class."""
    if split == "train":
        return "remove the class folder"
    return f"move {folder} away" + (": one in five training images is then for the test" if split == "test" else "")


def _named(names: Iterable[str]) -> str:
    few = list(names)
    return ", ".join(few[:5]) + (", …" if len(few) > 5 else "")
