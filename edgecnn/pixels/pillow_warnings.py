"""Pillow warns of oddities in files that edgecnn handles itself; images are decoded in several threads."""

import contextlib
import sys
import threading
import warnings
from collections.abc import Iterator

_lock = threading.Lock()
_inside = 0
_filters = contextlib.ExitStack()


@contextlib.contextmanager
def without_pillows_warnings() -> Iterator[None]:
    """Keep the decoders' warnings away in the block, in every thread that is in one; those of others come through.

    `warnings.catch_warnings` alone puts back what it found: of two threads that overlap, the one that ends last would
    put back what the other had set, and no warning of the program would ever be seen again.
    """
    global _inside
    if getattr(sys.flags, "context_aware_warnings", False):  # Python 3.14 may keep them apart itself
        with warnings.catch_warnings():
            _ignore_decoders()
            yield
        return
    with _lock:
        if not _inside:
            _filters.enter_context(warnings.catch_warnings())
            _ignore_decoders()
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _filters.close()


def _ignore_decoders() -> None:
    # By the module that warns: meanwhile other threads may say that a delegate is given up.
    warnings.filterwarnings("ignore", module=r"PIL\.|pillow_heif")
