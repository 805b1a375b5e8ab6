"""What lies beside images: a system's files are passed over, others are counted and said."""

import os
from pathlib import Path

import pytest
from PIL import Image

from edgecnn import InputError
from edgecnn.pixels.image_files import find_images
from edgecnn.pixels.skipped_files import Skipped


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "a.png", "sub/b.jpg", "._a.png", ".hidden/c.png", "__MACOSX/._a.png", "__MACOSX/d.png", "Thumbs.db",
        ".ipynb_checkpoints/a-checkpoint.png", ".DS_Store", "desktop.ini", "raw.NEF", "raw2.nef", "film.mp4", "README",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def test_what_systems_and_archives_leave_is_no_image(folder: Path) -> None:
    assert find_images([str(folder)]) == [str(folder / "a.png"), str(folder / "sub" / "b.jpg")]


def test_others_are_counted_by_suffix_with_what_reads_them(folder: Path) -> None:
    skipped = Skipped()
    find_images([str(folder)], skipped)
    assert skipped.words().startswith("2 .nef, 1 without a suffix, 1 .mp4 (.nef are photographs as the sensor took ")
    assert "RawTherapee; .mp4 are films; ffmpeg" in skipped.words()
    assert not Skipped() and skipped


def test_a_hidden_folder_that_is_named_is_searched(folder: Path) -> None:
    assert find_images([str(folder / ".hidden")]) == [str(folder / ".hidden" / "c.png")]


def test_a_folder_without_images_says_what_it_holds(folder: Path) -> None:
    for name in ("a.png", "sub/b.jpg"):
        (folder / name).unlink()
    with pytest.raises(InputError, match=r"holds no images but 2 \.nef, 1 without a suffix, 1 \.mp4 \("):
        find_images([str(folder)])


def test_links_to_folders_are_followed_and_no_folder_is_read_twice(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name in ("e.png", "deep/f.jpg", "notes.txt"):
        (elsewhere / name).parent.mkdir(exist_ok=True)
        (elsewhere / name).write_bytes(b"x")
    links = {"again": folder / "sub", "loop": folder, "sub/out": elsewhere, "z": elsewhere, "gone": folder / "nothing"}
    for name, target in links.items():
        (folder / name).symlink_to(target, target_is_directory=True)
    (elsewhere / "back").symlink_to(folder, target_is_directory=True)
    skipped = Skipped()
    found = find_images([str(folder)], skipped)
    names = ["a.png", "sub/b.jpg", "z/deep/f.jpg", "z/e.png"]
    assert found == [str(folder / name) for name in names] and "1 .txt" in skipped.words()
    there = folder / "sub" / "out"
    assert find_images([str(there)]) == [
        str(there / name) for name in ("back/a.png", "back/sub/b.jpg", "deep/f.jpg", "e.png")
    ]


def test_pipes_and_devices_in_a_folder_are_no_images(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "endless.png").symlink_to("/dev/zero")
    (tmp_path / "broken.png").symlink_to("nowhere.png")
    Image.new("L", (2, 2)).save(tmp_path / "a.png")
    for name in (tmp_path, tmp_path / "*.png"):
        assert find_images([str(name)]) == [str(tmp_path / "a.png"), str(tmp_path / "broken.png")]
