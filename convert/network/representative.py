"""People's own images for a model that was trained elsewhere: to calibrate it, and to compare it on."""

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from edgecnn.arguments import require_path, with_name
from edgecnn.errors import DataError, InputError
from edgecnn.model_file.card import ModelCard
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.pixels.image_files import find_images, require_heif
from edgecnn.pixels.modes import transparency_note
from edgecnn.pixels.preprocessing import prepare_source
from edgecnn.pixels.skipped_files import Skipped, is_clutter
from edgecnn.printable import composed

# Enough for a percentage that repeats, and few enough to lie in memory.
MAX_IMAGES = 2_000
MAX_BYTES = 500_000_000


def load_representative(
    folder: str | Path, card: ModelCard, seed: int = 0, progress: Callable[[str], None] = lambda _: None
) -> Dataset:
    """Read the images in `folder` as the model of `card` is fed.

    Where its subfolders carry the names of the card's labels, the images are labelled: by name, whatever the order.

    Args:
        folder: of images, or of folders of images.
        card: of the model; only its labels and its input count.
        seed: draws the images, where there are more than `MAX_IMAGES` or `MAX_BYTES`.
        progress: is told, in words, what is found and left out.

    Returns:
        A data set whose training and test images are the same ones: all of them.

    Raises:
        DataError: no folder, no readable image, or a subfolder that is no label among others that are.
        MissingExtraError: HEIC photographs, and pillow-heif is not installed.
    """
    root = require_path(folder, "a folder of images")
    if not root.is_dir():
        raise DataError(f"no folder {folder}; --representative takes a folder of images like those the model will see")
    skipped = Skipped()
    try:
        paths = find_images([str(root)], skipped)
    except InputError as error:
        raise DataError(str(error)) from None
    require_heif(paths)
    if skipped:
        progress(f"{folder}: left out what is no image: {skipped.words()}")
    names = tuple(map(composed, card.labels))
    labelled = _is_labelled(root, names)
    if not labelled:
        progress(_why_unlabelled(root, names))
    most = max(1, min(MAX_IMAGES, MAX_BYTES // int(np.prod(card.input.shape))))
    if len(paths) > most:
        progress(f"{folder}: {most:,} of {len(paths):,} images are drawn")
        paths = [paths[row] for row in np.sort(np.random.default_rng(seed).permutation(len(paths))[:most])]
    else:
        progress(f"{folder}: reading {len(paths):,} images")
    images, labels, flattened = [], [], 0
    for path in paths:
        try:
            prepared = prepare_source(path, card.input)
        except InputError as error:
            progress(f"left out: {error}")
            continue
        images.append(prepared.pixels)
        flattened += prepared.is_flattened
        labels.append(names.index(composed(Path(path).relative_to(root).parts[0])) if labelled else -1)
    if not images:
        raise DataError(f"{folder} holds no image that can be read; give a folder of PNG or JPEG files")
    if flattened:
        progress(transparency_note(flattened, len(images), card.input))
    split = Split(np.stack(images), np.array(labels, np.int64))
    digest = hashlib.sha256(np.asarray(split.images).tobytes() + split.labels.tobytes()).hexdigest()
    return Dataset(with_name(root).name, card.labels, card.input, split, split, digest, str(folder))


def _is_labelled(root: Path, labels: tuple[str, ...]) -> bool:
    """Whether the subfolders are classes.

    Raises:
        DataError: some are and some are not, or images lie beside classes.
    """
    folders = _folders_in(root)
    classes, strange = folders & set(labels), sorted(folders - set(labels))
    if not classes:
        return False
    if strange:
        raise DataError(
            f"{root}: {', '.join(strange[:5])} is no label of the model ({', '.join(labels[:5])}, …), other folders "
            "are; name them as the labels are, or move them away"
        )
    try:
        beside = [path for path in find_images([str(root)]) if len(Path(path).relative_to(root).parts) == 1]
    except InputError:
        beside = []
    if beside:
        raise DataError(f"{root}: {Path(beside[0]).name} lies beside class folders; move it into one, or away")
    return True


def _folders_in(root: Path) -> set[str]:
    return {composed(path.name) for path in root.iterdir() if path.is_dir() and not is_clutter(path.name)}


def _why_unlabelled(root: Path, labels: tuple[str, ...]) -> str:
    """Why accuracy will be blank, and what would give one."""
    folders = sorted(_folders_in(root))
    if not folders:
        return (
            f"{root} has no class folders, so what its images show is not known and accuracy stays blank; folders "
            f"called as the labels are ({_few(labels)}) give one"
        )
    alike = {_plain(label): label for label in labels}
    renamed = [f"{name} to {alike[_plain(name)]}" for name in folders if _plain(name) in alike]
    advice = f"rename {_few(renamed)}" if renamed else f"call folders as the labels are: {_few(labels)}"
    return (
        f"no folder of {root} is called as a label is ({_few(folders)}), so what its images show is not known and "
        f"accuracy stays blank; to have one, {advice}"
    )


def _plain(name: str) -> str:
    """A name without case, spaces and marks; numbered folders, 0_cat, are those of cat."""
    return re.sub(r"^\d+(?=[\W_])|[\W_]", "", name).casefold() or name


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
