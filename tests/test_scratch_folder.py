"""Temporary files: gone afterwards, and a full disk is told as what it is."""

import errno
import os
from pathlib import Path

import pytest

from edgecnn import OutputError
from edgecnn.atomic_files import write_bytes
from edgecnn.errors import DeployError
from edgecnn.scratch_folder import scratch_folder

FULL = "No space left on device"


def test_a_folder_goes_with_all_that_is_in_it() -> None:
    with scratch_folder() as folder:
        Path(folder, "inner").mkdir()
        Path(folder, "inner", "file").write_text("x")
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, FULL), RuntimeError(f"{{{{node x}}}} /tmp/a.tmp; {FULL} [Op:MergeV2Checkpoints]")]
)
def test_a_full_disk_is_told_whoever_finds_it(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    words = rf"^there is no room for temporary files in {tmp_path} \({FULL}\); make some, or"
    with pytest.raises(OutputError, match=words), scratch_folder():
        raise error
    assert not list(tmp_path.iterdir())


def test_a_file_of_ours_in_it_is_no_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, FULL)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OutputError, match=r"^there is no room for temporary files"), scratch_folder() as folder:
        write_bytes(Path(folder, "wheel"), b"x")
    with pytest.raises(OutputError, match=r"^cannot write result: "), scratch_folder():
        write_bytes("result", b"x")


@pytest.mark.parametrize(
    "error", [DeployError(f"the device said: {FULL}"), FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "x")]
)
def test_what_else_goes_wrong_is_told_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, scratch_folder():
        raise error
    assert raised.value is error


def test_where_no_folder_can_be_made_it_is_said_what_helps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    words = r"no folder .* can be made \(No such file or directory\); .* TMPDIR"
    with pytest.raises(OutputError, match=words), scratch_folder():
        pass
