"""What was found right is remembered by all that it depends on, and never where it cannot be."""

from pathlib import Path

import pytest

from edgecnn.user_cache import cache_root, is_known, remember


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_facts_are_known_together_and_in_their_order(tmp_path: Path) -> None:
    assert not is_known("runs", "abc", "1.0")
    remember("runs", "abc", "1.0")
    assert is_known("runs", "abc", "1.0")
    for others in (("runs", "abc"), ("runs", "abc", "1.1"), ("abc", "runs", "1.0"), ("runs", "abc", "1.0", "")):
        assert not is_known(*others)
    assert cache_root() == tmp_path / "edgecnn"


def test_without_a_home_nothing_is_known_and_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", nowhere)
    remember("runs")
    assert not is_known("runs")
