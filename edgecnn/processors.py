"""How many processors there are to work with."""

import os


def count_processors() -> int:
    """Those that this process may use: in a container, or a job of a cluster, fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
