"""Who a network may learn from: an architecture that is trained along with it, or one that was trained before."""

from pathlib import Path

from edgecnn.errors import InputError, ModelFileError

from .backbones import find_backbone


def require_teacher(file: Path) -> None:
    """Make sure that there is the file of a teacher.

    Raises:
        ModelFileError: there is none.
    """
    if not file.is_file():
        raise ModelFileError(f"no teacher at {file}; give the .keras file of a run, or an architecture")


def require_same_values(teacher: str, scale: tuple[float, ...], offset: tuple[float, ...]) -> None:
    """Make sure that a teacher that is a backbone, trained along with its pupil, knows the values of its pixels.

    Args:
        teacher: an architecture.
        scale: of the pupil's input, a number a channel.
        offset: likewise.

    Raises:
        InputError: its ImageNet weights know others.
    """
    found = find_backbone(teacher)
    if found and (scale, offset) != found.row.values:
        raise InputError(
            f"{teacher} cannot be trained as teacher along with this network, which is fed other pixels than its "
            "ImageNet weights know; give residual as teacher, or train it first on images of the same size and give "
            "its .keras file"
        )
