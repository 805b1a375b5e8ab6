"""What a deployment is asked for, and what it did."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Samples:
    """Images that the device classifies before it takes a model.

    Attributes:
        paths: of the images here.
        max_drift: the share of them that may be unlike the calibration.
    """

    paths: tuple[Path, ...] = ()
    max_drift: float = 0.5


@dataclass(frozen=True)
class Supplies:
    """Where what runs the model comes from.

    Attributes:
        wheels: a folder of wheels, for a computer without internet; None for the package index.
        refresh: whether wheels in the cache may make way for newer ones.
        python: the device's Python; None for the first that fits.
    """

    wheels: Path | None = None
    refresh: bool = False
    python: str | None = None


@dataclass(frozen=True)
class Deployment:
    """What a deployment did, or what there is.

    Attributes:
        host: the device.
        did: `deployed`, `unchanged`, `dry run`, `rolled back` or `status`.
        release: name of the release that runs there; None for none.
        facts: of that release, or of the one that would be sent.
        previous: name of the one before it.
        previous_model: the model in it.
        verification: what `edgecnn verify --json` said on the device; None where it was not asked.
        unlike: how many samples are unlike the calibration; None where none were sent.
        service: what `edgecnn service status --json` said on the device.
        intact: whether the model there has the bytes that were sent.
        settled: whether the release runs; not where its deployment was cut off between the switch and that.
        sent_bytes: how much was sent, or would be.
        seconds: how long it took.
        notes: what the device said of its service.
    """

    host: str
    did: str
    release: str | None = None
    facts: dict[str, Any] | None = None
    previous: str | None = None
    previous_model: dict[str, Any] | None = None
    verification: dict[str, Any] | None = None
    unlike: int | None = None
    service: dict[str, Any] | None = None
    intact: bool | None = None
    settled: bool | None = None
    sent_bytes: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())

    def for_programs(self) -> dict[str, Any]:
        """The same in the keys of JSON."""
        facts = self.facts or {}
        service = facts.get("service")
        return {
            "host": self.host,
            "did": self.did,
            "release": self.release,
            "model": facts.get("model"),
            "intact": self.intact,
            "settled": self.settled,
            "edgecnn": facts.get("edgecnn"),
            "environment": facts.get("venv"),
            "service": {**service, "status": self.service} if service else None,
            "previous": self.previous,
            "previous_model": self.previous_model,
            "verification": self.verification,
            "unlike_samples": self.unlike,
            "sent_bytes": self.sent_bytes,
            "seconds": self.seconds,
            "notes": list(self.notes),
        }
