"""People's own images: folders by class, decoded once through the one preprocessing and then streamed from disk."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgecnn.arguments import require_kind, require_path
from edgecnn.arrays import Pixels
from edgecnn.errors import DataError, InputError
from edgecnn.pixels.dataset import Dataset, Split, held_back
from edgecnn.pixels.image_files import require_heif
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.pixels.memory import MemoryGate
from edgecnn.pixels.modes import transparency_note
from edgecnn.pixels.preprocessing import Prepared, prepare_source
from edgecnn.processors import count_processors

from .digest import digest_splits
from .folder_layout import ImageList, list_class_folders
from .image_store import store_images
from .listed_images import list_by_csv, list_by_names

TEST_SHARE = 0.2
_AHEAD = 1024  # images that are decoded side by side
_SPLIT_SEED = 0  # the split is the same for every training seed: figures stay comparable


@dataclass(frozen=True)
class LabelSource:
    """Where the labels of images are that lie in one folder.

    Attributes:
        csv: a file that names images and their labels, or None.
        names: whether they are in the images' own names, before a number.

    Raises:
        InputError: `csv` is no path, `names` neither True nor False, or both are given.
    """

    csv: Path | None = None
    names: bool = False

    def __post_init__(self) -> None:
        if self.csv is not None:
            object.__setattr__(self, "csv", require_path(self.csv, "a list of labels"))
        require_kind(self.names, bool, "names")
        if self.csv and self.names:
            raise InputError("--labels-csv and --labels-from-names both say where labels are; give one of them")


def load_image_folder(
    folder: Path,
    spec: InputSpec,
    max_corrupt: int,
    progress: Callable[[str], None],
    labelled: LabelSource | None = None,
) -> Dataset:
    """Load `folder`: class folders, or train, validation and test folders of class folders.

    Labels are the class folders' names, sorted, unless `labelled` says where else they are. Without a test split 20 %
    of each class become the test images, the same ones every time.

    Args:
        folder: of class folders, or of images that `labelled` has the labels of.
        spec: what every image is turned into.
        max_corrupt: how many files may be unreadable; they are listed and left out.
        progress: is told what was found, of unreadable files, and what else was left out.
        labelled: where the labels are, if not in the folders' names.

    Raises:
        DataError: no class folders, fewer than two, an empty one, other ones in another split, too few images, or too
            many unreadable files; or labels that do not fit the images.
        MissingExtraError: HEIC photographs, and pillow-heif is not installed.
    """
    labels, files = _list_images(folder, labelled or LabelSource(), progress)
    require_heif(path for part in files.values() for path in part.paths)
    splits = _decode(folder, files, spec, max_corrupt, progress)
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


def _list_images(
    folder: Path, labelled: LabelSource, progress: Callable[[str], None]
) -> tuple[tuple[str, ...], dict[str, ImageList]]:
    if labelled.csv:
        return list_by_csv(labelled.csv, folder, progress)
    return list_by_names(folder) if labelled.names else list_class_folders(folder, progress)


def _decode(
    folder: Path, files: dict[str, ImageList], spec: InputSpec, max_corrupt: int, progress: Callable[[str], None]
) -> dict[str, Split]:
    corrupt: list[str] = []
    flattened = 0
    splits = {}
    gate = MemoryGate()

    def prepared(path: str) -> Prepared | InputError:
        try:
            return prepare_source(path, spec, gate=gate)
        except InputError as error:
            return error

    def readable(part: ImageList, good: npt.NDArray[np.bool_]) -> Iterator[Pixels]:
        nonlocal flattened
        for start in range(0, len(part.paths), _AHEAD):
            for row, result in enumerate(pool.map(prepared, part.paths[start : start + _AHEAD]), start):
                if isinstance(result, InputError):
                    corrupt.append(str(result))
                    good[row] = False
                else:
                    flattened += result.is_flattened
                    yield result.pixels

    with ThreadPoolExecutor(count_processors()) as pool:
        for name, part in files.items():
            progress(f"reading {len(part.paths):,} {name} images")
            good = np.ones(len(part.paths), dtype=bool)
            images = store_images(readable(part, good), spec.shape)
            names = tuple(os.path.relpath(part.paths[row], folder) for row in np.flatnonzero(good))
            splits[name] = Split(images, part.labels[good], names)
    _report_corrupt(corrupt, max_corrupt, progress)
    if flattened:
        progress(transparency_note(flattened, sum(map(len, splits.values())), spec))
    return splits


def _report_corrupt(corrupt: Sequence[str], max_corrupt: int, progress: Callable[[str], None]) -> None:
    for line in corrupt:
        progress(f"left out: {line}")
    if len(corrupt) > max_corrupt:
        raise DataError(
            f"images that cannot be read: {len(corrupt)}, at most {max_corrupt} may; remove them, or allow them with "
            f"--max-corrupt {len(corrupt)}. The first: {corrupt[0]}"
        )


def _set_aside(split: Split, labels: tuple[str, ...]) -> tuple[Split, Split]:
    counts = split.count_classes(len(labels))
    if counts.min() < 2:
        rare = labels[int(counts.argmin())]
        raise DataError(f"class {rare} has {counts.min()} image(s); training and test need one each, add images")
    kept, held = held_back(split.labels, TEST_SHARE, _SPLIT_SEED, at_least=1)
    return split.at(kept), split.at(held)
