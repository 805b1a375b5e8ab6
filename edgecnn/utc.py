"""Times as text, in UTC: how every report of a station has them."""

import time
from datetime import datetime, timezone


def utc(seconds: float) -> str:
    """Seconds since 1970, to the millisecond: `2026-05-01T12:00:00.250Z`."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc_now() -> str:
    """The time now."""
    return utc(time.time())
