"""The most memory that this process ever had."""

import sys
from pathlib import Path

# Of Linux. What getrusage(2) says there is also of the process that started this one, where that was larger.
_STATUS = Path("/proc/self/status")


def peak_rss_bytes() -> int | None:
    """Bytes; None where the system does not say, as on Windows."""
    try:
        found = [line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:")]
    except OSError:
        found = []
    if found:
        return 1024 * int(found[0].split()[1])
    try:
        import resource
    except ModuleNotFoundError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak  # macOS counts bytes, the others KiB
