"""What made a file, and when."""

from datetime import datetime, timezone
from importlib.metadata import version

from ..optional_packages import version_of
from .card import Provenance


def stamp(parent_sha256: str = "") -> Provenance:
    """The versions that are installed here and the time now; for the stages that have Keras."""
    return Provenance(
        edgecnn=version("edgecnn"),
        keras=version("keras"),
        tensorflow=version_of("tensorflow"),
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        parent_sha256=parent_sha256,
    )
