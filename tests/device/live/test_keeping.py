"""Kept frames: what the model saw, where `train --data` finds it, never more than allowed."""

import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgecnn import InputError, OutputError
from edgecnn.device import Classifier
from edgecnn.device.live.keeping import DEFAULT_BYTES, DoubtKeeper, Keeper, KeepRule, folder_names, parse_keep
from edgecnn.device.live.observation import Observation
from edgecnn.device.live.sources.source import SourceSettings
from edgecnn.device.live.watcher import Watcher
from edgecnn.pixels.crop import Crop
from edgecnn.train.data.folder_layout import list_class_folders
from tests.support.cameras import garment
from tests.support.waiting import until


def observed(folder: Path, size: tuple[int, int] = (640, 480), crop: Crop | None = "square") -> Observation:
    folder.mkdir(exist_ok=True)
    (folder / "frame.jpg").write_bytes(garment(3, size))
    watcher = Watcher(Classifier("fashion-mnist"), str(folder), SourceSettings(fps=1000), crop=crop)
    watcher.run()
    assert watcher.latest is not None
    return watcher.latest


@pytest.mark.parametrize(
    ("size", "crop"),
    [((160, 120), "square"), ((160, 120), (31, 7, 101, 99)), ((640, 480), None), ((640, 480), "square")],
)
def test_what_is_kept_is_classified_as_it_was_seen(size: tuple[int, int], crop: Crop | None, tmp_path: Path) -> None:
    seen = observed(tmp_path / "source", size, crop)
    path = Keeper(KeepRule("chosen", tmp_path / "kept", DEFAULT_BYTES)).keep(seen, "Dress")
    classifier = Classifier("fashion-mnist")
    assert classifier.classify(path, top=5) == seen.predictions
    assert np.array_equal(classifier.prepare(path).pixels, seen.prepared.pixels)
    assert path.parent == tmp_path / "kept" / "Dress" and path.suffix == (".jpg" if crop is None else ".png")


def test_of_doubtful_frames_the_oldest_make_way_and_other_files_stay(tmp_path: Path) -> None:
    seen = observed(tmp_path / "source", crop=None)
    size = len(seen.frame.data)
    keeper = Keeper(KeepRule("doubtful", tmp_path / "kept", 3 * size + 100))
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "notes.txt").write_text("a person's")
    paths = [keeper.keep(seen, remark=f"r{number}") for number in range(5)]
    left = sorted(path.name for path in (tmp_path / "kept").iterdir())
    assert left == sorted([paths[2].name, paths[3].name, paths[4].name, "notes.txt"])


def test_what_somebody_chose_is_never_removed(tmp_path: Path) -> None:
    seen = observed(tmp_path / "source", crop=None)
    keeper = Keeper(KeepRule("chosen", tmp_path / "kept", 2 * len(seen.frame.data)))
    for label in ("a", "b"):
        keeper.keep(seen, label)
    with pytest.raises(OutputError, match="is full"):
        keeper.keep(seen, "c")
    assert len(list((tmp_path / "kept").rglob("*.jpg"))) == 2


@pytest.mark.parametrize("chosen", [".", "chosen", ".."])
def test_doubtful_frames_never_take_the_place_of_chosen_or_sorted_ones(chosen: str, tmp_path: Path) -> None:
    seen = observed(tmp_path / "source", crop=None)
    size, folder = len(seen.frame.data), tmp_path / "all" / "Dress"
    named = Keeper(KeepRule("chosen", folder / chosen, DEFAULT_BYTES)).keep(seen, "Dress")
    doubtful = Keeper(KeepRule("doubtful", folder, 3 * size))
    sorted_by_hand = folder / "Shirt" / doubtful.keep(seen, remark="Dress-0.40").name
    sorted_by_hand.parent.mkdir()
    (folder / sorted_by_hand.name).rename(sorted_by_hand)
    paths = [doubtful.keep(seen, remark=f"Dress-0.5{number}") for number in range(3)]
    assert named.is_file() and sorted_by_hand.is_file() and [path.is_file() for path in paths] == [False, False, True]


def test_for_a_frame_that_finds_no_room_anyway_none_is_removed(tmp_path: Path) -> None:
    seen = observed(tmp_path / "source", crop=None)
    keeper = Keeper(KeepRule("doubtful", tmp_path / "kept", 2 * len(seen.frame.data)))
    kept = [keeper.keep(seen, remark=f"Bag-0.1{number}") for number in range(2)]
    with pytest.raises(OutputError, match="is full"):
        keeper.keep(replace(seen, frame=replace(seen.frame, data=bytes(3 * len(seen.frame.data)))), remark="Bag-0.2")
    assert all(path.is_file() for path in kept)


def test_chosen_frames_are_a_data_set(tmp_path: Path) -> None:
    seen = observed(tmp_path / "source")
    keeper = Keeper(KeepRule("chosen", tmp_path / "kept", DEFAULT_BYTES))
    for folder, count in zip(folder_names(["Bag", "T-shirt/top"]), (2, 3), strict=True):
        for _ in range(count):
            keeper.keep(replace(seen, frame=replace(seen.frame, number=len(list(tmp_path.rglob("*"))))), folder)
    labels, splits = list_class_folders(tmp_path / "kept", pytest.fail)
    assert labels == ("Bag", "T-shirt-top") and splits["train"].labels.tolist() == [0, 0, 1, 1, 1]


def test_doubtful_frames_are_kept_once_a_second_and_sure_ones_never(tmp_path: Path) -> None:
    seen = observed(tmp_path / "source")
    for threshold, count in ((1.1, 1), (0.0, 0)):
        folder = tmp_path / str(threshold)
        doubt = DoubtKeeper(Keeper(KeepRule("doubtful", folder, DEFAULT_BYTES)), threshold, pytest.fail)
        for _ in range(20):
            doubt(seen)
        doubt.close()
        assert doubt.kept == count == len(list(folder.rglob("*.png")))
    assert not [thread for thread in threading.enumerate() if thread.name == "edgecnn doubtful"]


def test_a_disk_that_takes_nothing_is_said_once_and_holds_nobody_up(tmp_path: Path) -> None:
    seen = observed(tmp_path / "source")
    (tmp_path / "file").write_text("in the way")
    said: list[str] = []
    doubt = DoubtKeeper(Keeper(KeepRule("doubtful", tmp_path / "file" / "kept", DEFAULT_BYTES)), 1.1, said.append)
    started = time.monotonic()
    for number in range(3):
        doubt._next = 0
        doubt(replace(seen, frame=replace(seen.frame, number=number, time=1e9 + number)))
        assert until(lambda: doubt._slot._item is None)
    assert time.monotonic() - started < 10
    doubt.close()
    assert len(said) == 1 and "doubtful frames are not kept" in said[0] and doubt.kept == 0


def test_a_disk_that_fails_again_later_is_said_again(tmp_path: Path) -> None:
    seen = observed(tmp_path / "source")
    said: list[str] = []
    doubt = DoubtKeeper(Keeper(KeepRule("doubtful", tmp_path / "file" / "kept", DEFAULT_BYTES)), 1.1, said.append)

    def put() -> None:
        doubt._next = 0
        doubt(seen)

    for round in (1, 2):
        (tmp_path / "file").write_text("in the way")
        put()
        assert until(lambda count=round: len(said) == count)  # type: ignore[misc]
        (tmp_path / "file").unlink()
        put()
        assert until(lambda count=round: doubt.kept == count)  # type: ignore[misc]
        shutil.rmtree(tmp_path / "file")
    doubt.close()
    assert said[0] == said[1]


def test_class_folders_are_called_as_labels_are_where_folders_can_be() -> None:
    labels = [
        "T-shirt/top", "../../etc", ".hidden", "", "A", "a", "x" * 300, "Größe 7", "line\nend", "..", "a", "b-c-13",
        "b/c", "b:c",
    ]  # fmt: skip
    names = folder_names(labels)
    assert names[0] == "T-shirt-top" and names[4] == "A" and names[7] == "Größe 7"
    assert len({name.lower() for name in names}) == len(labels)
    assert all(name and name[0] != "." and "/" not in name and len(name.encode()) < 255 for name in names)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("doubtful=unsure,500MB", KeepRule("doubtful", Path("unsure"), 500_000_000)),
        ("chosen=a,b=c,1GB", KeepRule("chosen", Path("a,b=c"), 10**9)),
        ("chosen=/data/x", KeepRule("chosen", Path("/data/x"), DEFAULT_BYTES)),
    ],
)
def test_a_rule_is_read(text: str, rule: KeepRule) -> None:
    assert parse_keep(text) == rule


@pytest.mark.parametrize("text", ["", "doubtful", "doubtful=", "all=x", "=x"])
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=f"^{text} is no rule; write chosen=DIR or doubtful=DIR, and ,500MB behind it"):
        parse_keep(text)


_NO_SIZES = (
    "500",
    "500mb",
    "0.5GB",
    "500 MB",
    "1TB",
    "500MiB",
    ".5GB",
    "1e3MB",
    "-5MB",
    "500_MB",
    "500megabytes",
    "500MB ",
)


@pytest.mark.parametrize("size", _NO_SIZES)
def test_a_size_that_is_none_is_not_taken_for_a_part_of_the_folders_name(size: str) -> None:
    with pytest.raises(
        InputError, match=rf"^doubtful=unsure,{size}: '{size}' is no size; .* behind it: unsure,{size}/$"
    ):
        parse_keep(f"doubtful=unsure,{size}")
    with pytest.raises(InputError, match=f"'{size}' is no size"):
        parse_keep(f"doubtful=unsure,{size},5GB")  # as 0,5GB, where a comma divides whole numbers from parts
    assert parse_keep(f"doubtful=unsure,{size}/,5GB") == KeepRule("doubtful", Path(f"unsure,{size}"), 5 * 10**9)


def test_a_rule_that_leaves_no_room_is_refused() -> None:
    with pytest.raises(InputError, match="chosen=x,0MB leaves no room; give a size above 0"):
        parse_keep("chosen=x,0MB")


def test_a_folder_that_cannot_be_made_is_refused_before_the_first_frame(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    KeepRule("doubtful", tmp_path / "new" / "kept", DEFAULT_BYTES).require_folder()
    assert not (tmp_path / "new").exists()  # it is made with the first frame
    with pytest.raises(OutputError, match=r"cannot be kept in .*file/kept: .*/file is no folder"):
        KeepRule("doubtful", tmp_path / "file" / "kept", DEFAULT_BYTES).require_folder()
