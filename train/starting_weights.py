"""What a training starts from: ImageNet's weights, those of a file, or none."""

from pathlib import Path

from edgecnn.errors import InputError, ModelFileError

from .backbones import BACKBONES, find_backbone

IMAGENET = "imagenet"
NO_WEIGHTS = "none"


def pretrained_weights(architecture: str, weights: str | Path | None) -> str | None:
    """What a training starts from: `imagenet`, a file's name, or None for weights at random.

    Args:
        architecture: what is trained.
        weights: `imagenet`, `none`, a file, or None for `imagenet` where `architecture` is a backbone.

    Raises:
        InputError: ImageNet weights of what has none.
    """
    found = find_backbone(architecture)
    if weights is None:
        weights = IMAGENET if found else NO_WEIGHTS
    if str(weights) == NO_WEIGHTS:
        return None
    if str(weights) == IMAGENET:
        if found is None:
            raise InputError(
                f"{architecture} has no ImageNet weights; give a file, or choose one of {', '.join(BACKBONES)}"
            )
        widths = found.row.widths
        if found.width is not None and found.width not in widths:
            raise InputError(
                f"{found.row.name} has ImageNet weights in the widths {', '.join(map(str, widths))}. "
                f"Received: {found.width:g}; choose one of them, or weights none"
            )
    return str(weights)


def require_weights(file: str | Path) -> None:
    """Make sure that there is a file of weights.

    Raises:
        ModelFileError: there is none.
    """
    if not Path(file).is_file():
        raise ModelFileError(f"there are no weights at {file}; give a .keras or .h5 file, imagenet or none")
