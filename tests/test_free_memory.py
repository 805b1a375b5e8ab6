"""Memory that is no longer used goes back to the system."""

import ctypes
import subprocess
import sys

import pytest

from edgecnn.free_memory import give_back_memory

# Blocks that the C library keeps: each below its threshold, with one in use above them.
PROGRAM = """
import sys
from edgecnn.free_memory import give_back_memory
def rss_kb():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS:")).split()[1])
blocks = [b"x" * 100_000 for _ in range(2_000)]
last = b"y" * 100_000
before = rss_kb()
del blocks
if sys.argv[1] == "call":
    give_back_memory()
print(before - rss_kb())
"""


def freed_mb(mode: str) -> float:
    return int(subprocess.check_output([sys.executable, "-c", PROGRAM, mode], timeout=60)) / 1024


IS_GLIBC = sys.platform.startswith("linux") and hasattr(ctypes.CDLL(None), "malloc_trim")


@pytest.mark.skipif(not IS_GLIBC, reason="no other C library keeps it")
def test_what_is_free_goes_back_though_a_later_block_is_in_use() -> None:
    assert freed_mb("call") > 150 > 50 > freed_mb("do not")


def test_where_the_c_library_has_no_such_call_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    give_back_memory()
