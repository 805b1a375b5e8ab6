"""A file is there whole or not at all, and none is overwritten by accident."""

from pathlib import Path

import pytest

from edgecnn import OutputError
from edgecnn.atomic_files import refuse_existing, replacing, write_bytes


def test_file_appears_whole_in_folders_that_are_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "card.json"
    write_bytes(path, b"whole")
    assert path.read_bytes() == b"whole" and list(path.parent.iterdir()) == [path]


def test_temporary_file_lies_beside_its_target_with_the_same_suffix(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.png") as temporary:
        assert temporary.parent == tmp_path and temporary.suffix == ".png" and temporary.name != "a.png"
        temporary.write_bytes(b"new")
        assert not (tmp_path / "a.png").exists()
    assert (tmp_path / "a.png").read_bytes() == b"new"


def test_what_was_there_stays_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_bytes(b"old")

    def write_half() -> None:
        with replacing(path) as temporary:
            temporary.write_bytes(b"ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=r"cannot write .*file/below: "):
        write_bytes(tmp_path / "file" / "below", b"")


def test_existing_files_are_refused_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")  # a broken link would be replaced too
    refuse_existing([tmp_path / "new"], force=False)
    refuse_existing([tmp_path / "link"], force=True)
    with pytest.raises(OutputError, match="link exists already; choose another name or add --force"):
        refuse_existing([tmp_path / "new", tmp_path / "link"], force=False)
