"""Images are decoded side by side only as far as memory goes."""

import threading
import time
from pathlib import Path

import pytest

from edgecnn.pixels import memory
from edgecnn.pixels.memory import BYTES_PER_PIXEL, MemoryGate, free_bytes


def most_at_once(gate: MemoryGate, pixels: list[int]) -> int:
    """How many pixels were let through at the same time, at the most."""
    lock, inside, most = threading.Lock(), [0], [0]

    def hold(count: int) -> None:
        with gate.holding(count):
            with lock:
                inside[0] += count
                most[0] = max(most[0], inside[0])
            time.sleep(0.02)
            with lock:
                inside[0] -= count

    threads = [threading.Thread(target=hold, args=(count,)) for count in pixels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive()
    return most[0]


@pytest.mark.parametrize(("fitting", "most"), [(1, 1), (2, 2), (3, 3)])
def test_as_many_as_fit_are_let_through(fitting: int, most: int) -> None:
    assert most_at_once(MemoryGate(1000 * fitting * BYTES_PER_PIXEL), [1000] * 12) == 1000 * most


def test_an_image_larger_than_the_budget_goes_alone() -> None:
    assert most_at_once(MemoryGate(10), [5000, 4000, 3000]) == 5000


def test_the_place_of_an_image_that_fails_is_free_again() -> None:
    gate = MemoryGate(10)
    for _ in range(2):
        with pytest.raises(ValueError, match="damaged"), gate.holding(5000):
            raise ValueError("damaged")
    assert most_at_once(gate, [5000]) == 5000


def test_free_memory_is_what_the_system_and_the_control_group_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert free_bytes() == 512 << 20  # a system that says nothing
    (tmp_path / "meminfo").write_text("MemTotal:  427000 kB\nMemFree:  10000 kB\nMemAvailable:  290000 kB\n")
    assert free_bytes() == 290_000 * 1024
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert free_bytes() == 290_000 * 1024
    (tmp_path / "memory.max").write_text("5000\n")
    assert free_bytes() == 4000
