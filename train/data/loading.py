"""Data sets by what a user names: Fashion-MNIST, a folder of class folders or of IDX files, a .npz file."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from edgecnn.arguments import is_whole, require_choice, require_kind, require_path, require_size
from edgecnn.errors import DataError, InputError
from edgecnn.pixels.dataset import Dataset
from edgecnn.pixels.input_spec import Colour, Fit, InputSpec
from edgecnn.pixels.skipped_files import ARCHIVES

from ..backbones import find_backbone, require_rgb
from .fashion_mnist import NAME, load_fashion_mnist
from .idx import is_folder_of_idx, load_idx
from .image_folder import LabelSource, load_image_folder
from .npz import load_npz
from .quality import require_trainable


@dataclass(frozen=True)
class InputChoice:
    """How images are to become a network's input; what is None follows from the data.

    Photographs become 64 x 64 pixels in rgb, cropped to fit; arrays and IDX files keep their size and colour. For a
    backbone everything becomes rgb of its size, with its filter and its range of values.

    Attributes:
        architecture: of the network that they are for.

    Raises:
        InputError: `size` is no pair, `architecture` no name, or there is no such colour or fit.
    """

    size: tuple[int, int] | None = None
    colour: Colour | None = None
    fit: Fit | None = None
    architecture: str = ""

    def __post_init__(self) -> None:
        if self.size is not None:
            require_size(self.size, "size")
        require_kind(self.architecture, str, "architecture")
        for name, choices in (("colour", get_args(Colour)), ("fit", get_args(Fit))):
            if getattr(self, name) is not None:
                require_choice(getattr(self, name), choices, name)

    def spec(self, height: int, width: int, colour: Colour, fit: Fit) -> InputSpec:
        """The input, with these values where nothing was chosen.

        Raises:
            InputError: what was chosen no image can become, or the backbone cannot take.
        """
        found = find_backbone(self.architecture)
        if found is None:
            return input_for(*(self.size or (height, width)), self.colour or colour, self.fit or fit)
        backbone = found.row
        height, width = self.size or (backbone.size, backbone.size)
        spec = input_for(height, width, self.colour or "rgb", self.fit or fit)
        require_rgb(backbone, spec)
        scale, offset = backbone.values
        return replace(spec, scale=scale, offset=offset, resize_filter=backbone.resize_filter)


def input_for(height: int, width: int, colour: Colour, fit: Fit) -> InputSpec:
    """How people's own images become a network's input: pixels divided by 255, no background assumed.

    Large JPEG files are decoded no larger than that needs; see `edgecnn.pixels.jpeg`.

    Raises:
        InputError: a size below 1, or channels in an order that nothing is trained in.
    """
    if colour == "bgr":
        raise InputError("a network is trained on rgb or grayscale images. Received: colour='bgr'")
    channels = 1 if colour == "grayscale" else 3
    scale, offset = (1 / 255,) * channels, (0.0,) * channels
    return InputSpec(height, width, channels, colour, fit, "bilinear", scale, offset, "any", "reduced")


def load_dataset(
    data: str | Path | None = None,
    spec: InputSpec | InputChoice | None = None,
    *,
    data_dir: str | Path | None = None,
    labelled: LabelSource | None = None,
    max_corrupt: int | None = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> Dataset:
    """Load a data set.

    Args:
        data: `fashion-mnist` (or None), a folder of class folders or of IDX files, or a .npz file.
        spec: how its images become input; Fashion-MNIST has its own.
        data_dir: where Fashion-MNIST's files are.
        labelled: where the labels of a folder's images are, if its folders are not the classes.
        max_corrupt: how many files of a folder may be unreadable; None for any number.
        progress: is told, in words, what is found and left out.

    Raises:
        DataError: missing, damaged, or not usable.
        InputError: an argument is of another kind, or would do nothing.
    """
    if data is not None:
        require_path(data, "a data set")
        data = os.fspath(data)
    if spec is not None and not isinstance(spec, InputSpec | InputChoice):
        raise InputError(f"spec must be an InputSpec or an InputChoice. Received: {spec!r}")
    if labelled is not None:
        require_kind(labelled, LabelSource, "labelled")
    require_effect(data, spec, max_corrupt)
    is_own = data is not None and data != NAME
    if labelled and (not is_own or not Path(str(data)).is_dir() or is_folder_of_idx(Path(str(data)))):
        raise DataError(f"labels in a CSV file or in names are of a folder of images. Received: {data or NAME}")
    if is_own and data_dir is not None:
        raise DataError(f"a data_dir is of the files of {NAME}. Received: {data} as data too; leave one of them out")
    if not is_own:
        return load_fashion_mnist(data_dir, progress)
    choices = f"{NAME}, a folder of class folders or of MNIST's four IDX files, or a .npz file"
    if not data:
        raise DataError(f"the data set's name is empty; give {choices}")
    path = Path(data)

    def spec_of(height: int, width: int, colour: Colour, fit: Fit) -> InputSpec:
        return spec if isinstance(spec, InputSpec) else (spec or InputChoice()).spec(height, width, colour, fit)

    if path.suffix == ".npz":
        dataset = load_npz(
            path, lambda height, width, rgb: spec_of(height, width, "rgb" if rgb else "grayscale", "pad")
        )
    elif is_folder_of_idx(path):
        dataset = load_idx(path, lambda height, width: spec_of(height, width, "grayscale", "pad"))
    elif path.is_dir():
        most = sys.maxsize if max_corrupt is None else max_corrupt
        dataset = load_image_folder(path, spec_of(64, 64, "rgb", "crop"), most, progress, labelled)
    else:
        raise DataError(f"{_what_is_wrong(path)}; --data takes {choices}")
    dataset = replace(dataset, source=str(data))
    require_trainable(dataset, progress)
    return dataset


def require_effect(data: str | None, spec: InputSpec | InputChoice | None, max_corrupt: int | None) -> None:
    """Make sure that what is said of the images of `data` says something; arguments as those of `load_dataset`.

    Raises:
        InputError: Fashion-MNIST has a size and colours of its own, and only a folder has files to leave out.
    """
    if max_corrupt is not None and (not is_whole(max_corrupt) or max_corrupt < 0):
        raise InputError(f"max_corrupt must be 0 or more, a whole number. Received: {max_corrupt!r}")
    is_own = data is not None and data != NAME
    chosen: dict[str, object] = {"--max-corrupt": max_corrupt or None}
    if isinstance(spec, InputChoice):
        chosen |= {"--image-size": spec.size, "--color": spec.colour, "--fit": spec.fit}
    for option, value in chosen.items():
        if value is not None and not is_own:
            raise InputError(f"{option} goes with --data; Fashion-MNIST is 28 x 28 grayscale")
    if max_corrupt and data and (Path(data).suffix == ".npz" or is_folder_of_idx(Path(data))):
        raise InputError(f"--max-corrupt is of the files of a folder of images; leave it out. Received: {data}")


def _what_is_wrong(path: Path) -> str:
    """Of a name that no data set has: what it is, and what helps."""
    if not path.exists():
        return f"there is no {path}"
    if path.suffix.lower() in (".csv", ".tsv"):
        return f"{path} is a list; give it with --labels-csv, and the folder of the images with --data"
    if path.suffix.lower() == ".npy":
        return f"{path} holds one array; save images and labels in one file with numpy.savez"
    if path.suffix.lower() in ARCHIVES:
        return f"{path} is an archive; unpack it, and give the folder in it"
    return f"{path} is no data set"
