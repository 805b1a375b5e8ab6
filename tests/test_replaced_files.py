"""What replaces a file keeps who may read it, and what links beside it lead to stays as it is."""

import os
import stat
from pathlib import Path

import pytest

from edgecnn import OutputError
from edgecnn.atomic_files import being_read, claimed, refuse_existing, together, write_bytes


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o755])
def test_who_may_read_a_file_that_was_there_may_read_the_new_one(mode: int, tmp_path: Path) -> None:
    path, other = tmp_path / "private", tmp_path / "other"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_bytes(path, b"new")
    with together():
        write_bytes(other, b"first")
        write_bytes(path, b"newer")
    assert path.read_bytes() == b"newer" and path.stat().st_mode & 0o7777 == mode
    assert other.stat().st_mode & 0o400


def test_what_a_link_in_place_of_the_lock_leads_to_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / ".r.csv.lock").symlink_to("precious")
    with (
        pytest.raises(OutputError, match=r"; remove .*/\.r\.csv\.lock, which is"),
        claimed([tmp_path / "r.csv"], force=False),
    ):
        pass
    with being_read([tmp_path / "r.csv"]):
        pass
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
@pytest.mark.parametrize("force", [False, True])
def test_no_file_takes_the_place_of_a_pipe_or_device(force: bool, tmp_path: Path) -> None:
    pipe, link = tmp_path / "answers.csv", tmp_path / "link.csv"
    os.mkfifo(pipe)
    link.symlink_to(os.devnull)
    for path in (pipe, link):
        words = rf"{path.name} is a pipe, a device or a socket, which no file may replace; name a file"
        with pytest.raises(OutputError, match=words):
            refuse_existing([path], force)
        with pytest.raises(OutputError, match=words):
            write_bytes(path, b"rows")
    assert stat.S_ISFIFO(pipe.stat().st_mode) and link.is_symlink()
