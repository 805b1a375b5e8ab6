"""The most memory that a process had."""

import subprocess
import sys
from pathlib import Path

import pytest

from edgecnn import peak_memory
from edgecnn.peak_memory import peak_rss_bytes

PROGRAM = "x = bytearray(150 << 20); del x; from edgecnn.peak_memory import peak_rss_bytes; print(peak_rss_bytes())"


@pytest.fixture
def without_proc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(peak_memory, "_STATUS", tmp_path / "status")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not say")
def test_it_is_what_was_taken_once_and_in_bytes() -> None:
    large = bytearray(400 << 20)  # of the process that starts the other, of which it is not to tell
    peak = int(subprocess.check_output([sys.executable, "-c", PROGRAM], timeout=60))
    assert 150 << 20 < peak < 300 << 20 < len(large)


@pytest.mark.usefixtures("without_proc")
def test_it_is_in_bytes_on_a_mac_as_it_is_said_there(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert peak_rss_bytes() == resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.usefixtures("without_proc")
def test_where_nobody_says_it_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_rss_bytes() is None
