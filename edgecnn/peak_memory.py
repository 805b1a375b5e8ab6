"""The most memory that this process ever had."""

import sys


def peak_rss_bytes() -> int | None:
    """Bytes; None where the system does not say, as on Windows."""
    try:
        import resource
    except ModuleNotFoundError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak  # macOS counts bytes, the others KiB
