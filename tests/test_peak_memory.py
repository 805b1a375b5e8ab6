"""The most memory that a process had."""

import subprocess
import sys

import pytest

from edgecnn.peak_memory import peak_rss_bytes

PROGRAM = "x = bytearray(150 << 20); del x; from edgecnn.peak_memory import peak_rss_bytes; print(peak_rss_bytes())"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not say")
def test_it_is_what_was_taken_once_and_in_bytes() -> None:
    peak = int(subprocess.check_output([sys.executable, "-c", PROGRAM], timeout=60))
    assert 150 << 20 < peak < 300 << 20


def test_it_is_in_bytes_on_a_mac_as_it_is_said_there(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert peak_rss_bytes() == resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_where_nobody_says_it_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_rss_bytes() is None
