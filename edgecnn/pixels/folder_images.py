"""The images in a folder, as a model is fed."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ..arguments import require_path
from ..arrays import Pixels
from ..errors import DataError, InputError
from ..printable import composed
from .dataset import Dataset
from .image_files import find_images, require_heif
from .input_spec import InputSpec
from .modes import transparency_note
from .preprocessing import prepare_source

MOST_IMAGES = 2_000  # enough for a percentage that repeats, and few enough to lie in memory
_MOST_BYTES = 500_000_000


def require_folder(folder: str | Path, purpose: str) -> Path:
    """The path of a folder of images, if there is one with any; see `read_folder`.

    Raises:
        DataError: there is none, or no image in it.
    """
    return _find(folder, purpose)[0]


def _find(folder: str | Path, purpose: str) -> tuple[Path, list[str]]:
    root = require_path(folder, "a folder of images")
    if not root.is_dir():
        raise DataError(f"no folder {folder}; {purpose}")
    try:
        return root, find_images([str(root)])
    except InputError as error:
        raise DataError(str(error)) from None


def read_folder(
    folder: str | Path,
    spec: InputSpec,
    purpose: str,
    progress: Callable[[str], None] = lambda _: None,
    most: int = MOST_IMAGES,
    strange_to: Dataset | None = None,
) -> Pixels:
    """Read the images in `folder` and the folders in it.

    Args:
        folder: what to read.
        spec: how images become the model's input.
        purpose: what takes the folder, and of which images, for the error where it is none.
        progress: is told what is left out.
        most: how many are drawn, at random, where there are more.
        strange_to: leave out what is of one of its classes: its own images, which are as `spec` has them, and those in
            a folder that is called as a class is; None for whatever they show.

    Returns:
        uint8 (count, height, width, channels), in the order of their names.

    Raises:
        DataError: no folder, or no image in it that can be read, or none but of a class.
        MissingExtraError: HEIC photographs, and pillow-heif is not installed.
    """
    root, paths = _find(folder, purpose)
    require_heif(paths)
    if strange_to:
        paths = list(_outside_classes(paths, root, strange_to.labels, progress))
    most = max(1, min(most, _MOST_BYTES // int(np.prod(spec.shape))))
    if len(paths) > most:
        progress(f"{folder}: {most:,} of {len(paths):,} images are drawn")
        paths = [paths[row] for row in np.sort(np.random.default_rng(0).permutation(len(paths))[:most])]
    splits = (strange_to.train, strange_to.test, strange_to.validation) if strange_to else ()
    known = {_digest(pixels) for split in splits if split for pixels in split.images}
    images, of_classes, flattened = [], 0, 0
    for path in paths:
        try:
            prepared = prepare_source(path, spec)
        except InputError as error:
            progress(f"left out: {error}")
            continue
        if _digest(prepared.pixels) in known:
            of_classes += 1
        else:
            images.append(prepared.pixels)
            flattened += prepared.is_flattened
    if of_classes and strange_to:
        progress(f"{folder}: {of_classes:,} of the images are left out, which are of {strange_to.name} itself")
    if not images:
        kind = "can be read and is of no class" if strange_to else "can be read"
        raise DataError(f"{folder} holds no image that {kind}; {purpose}")
    if flattened:
        progress(transparency_note(flattened, len(images), spec))
    return np.stack(images)


def _outside_classes(
    paths: list[str], root: Path, labels: tuple[str, ...], progress: Callable[[str], None]
) -> Iterator[str]:
    names = set(map(composed, labels))
    counts: Counter[str] = Counter()
    for path in paths:
        called = [part for part in Path(path).relative_to(root).parent.parts if composed(part) in names]
        if not called:
            yield path
        counts.update(called[:1])
    for name, count in counts.items():
        progress(f"{root}: {count:,} of the images are left out, in folders called {name}, as a class is")


def _digest(pixels: Pixels) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(pixels).data, digest_size=16).digest()
