"""Waiting for what is to happen, on a machine that may be busy with much else."""

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 120.0  # seconds; what comes at once is waited for no longer than it takes


def until(is_so: Callable[[], Any], seconds: float = PATIENCE) -> bool:
    """Whether something becomes so, as soon as it does."""
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(is_so())
