"""What made a file, and when."""

from datetime import datetime, timezone
from importlib.metadata import version

from .card import Provenance


def stamp(parent_sha256: str = "") -> Provenance:
    """The versions that are installed here and the time now; for the stages that have TensorFlow."""
    return Provenance(
        edgecnn=version("edgecnn"),
        keras=version("keras"),
        tensorflow=version("tensorflow"),
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        parent_sha256=parent_sha256,
    )
