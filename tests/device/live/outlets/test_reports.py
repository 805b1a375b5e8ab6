"""What a station says of itself."""

from pathlib import Path

from tests.support.cameras import garment
from tests.support.live_messages import ReportedWatcher


def test_what_is_wrong_with_the_source_is_said_until_a_frame_comes(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    (images / "0.jpg").write_bytes(b"\xff\xd8\xff no picture \xff\xd9")
    one = ReportedWatcher(images, tmp_path / "counters.json")
    assert one.reports.trouble == one.reports.state()["trouble"] == ""
    one.watcher.notes.append(lambda _: one.watcher.stop())
    one.watcher.run()
    assert "0.jpg" in one.reports.trouble and one.reports.trouble == one.reports.state()["trouble"]

    (images / "1.jpg").write_bytes(garment())
    again = ReportedWatcher(images, tmp_path / "counters.json")
    again.watcher.run(1)
    assert again.told and again.reports.trouble == ""
