"""A file is there whole or not at all, and none is overwritten by accident."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edgecnn import OutputError
from edgecnn.atomic_files import being_read, claimed, refuse_existing, replacing, together, write_bytes
from tests.support.processes import in_time


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


HOLDER = """
import sys, time
from edgecnn.atomic_files import claimed
with claimed(sys.argv[1:], force=False):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_file_that_another_process_writes_is_refused_until_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "r.csv"
    with subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE) as holder, in_time(holder):
        assert holder.stdout and holder.stdout.readline() == b"held\n"
        with pytest.raises(
            OutputError, match=rf"r.csv is being written by process {holder.pid} since 20.*; wait for it"
        ):
            claimed([tmp_path / "free", path], force=True).__enter__()
        assert [file.name for file in tmp_path.iterdir()] == ["new"]  # the other claim has been given back
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with claimed([path], force=False):
        path.write_text("mine")
    assert list(path.parent.iterdir()) == [path]


def test_one_at_a_time_however_many_want_it(tmp_path: Path) -> None:
    inside, most, done, refused = [0], [0], [0], [0]

    def write() -> None:
        for _ in range(60):
            try:
                with claimed([tmp_path / "a"], force=False):
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    os.sched_yield()
                    inside[0] -= 1
                    done[0] += 1
            except OutputError:
                refused[0] += 1

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert most == [1] and done[0] and done[0] + refused[0] == 360 and not list(tmp_path.iterdir())


READER = HOLDER.replace("claimed", "being_read").replace(", force=False", "")


def test_many_may_read_what_none_may_write_until_the_last_of_them_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_text("a network")
    with subprocess.Popen([sys.executable, "-c", READER, path], stdout=subprocess.PIPE) as other, in_time(other):
        assert other.stdout and other.stdout.readline() == b"held\n"
        with being_read([path]), being_read([path]):
            pass
        with pytest.raises(OutputError, match=r"model\.keras is being read by process \d+ since 20.*; wait for it, or"):
            claimed([path], force=True).__enter__()
        other.kill()
        other.wait()
    with claimed([path], force=True), pytest.raises(OutputError, match=r"being written by process .*; wait for it$"):
        being_read([path]).__enter__()
    with being_read([path]):
        pass
    assert list(tmp_path.iterdir()) == [path]


def test_reading_needs_no_folder_and_no_right_to_write(tmp_path: Path) -> None:
    with being_read([tmp_path / "no" / "such" / "folder.tflite", "/proc/self/status"]):
        pass
    assert not list(tmp_path.iterdir())


def test_readers_never_refuse_each_other_and_keep_writers_out(tmp_path: Path) -> None:
    path, reading, clashes, told = tmp_path / "a", [0], [0], list[str]()

    def read() -> None:
        for _ in range(200):
            try:
                with being_read([path]):
                    reading[0] += 1
                    os.sched_yield()
                    reading[0] -= 1
            except OutputError as error:
                told.append(str(error))

    def write() -> None:
        for _ in range(200):
            with contextlib.suppress(OutputError), claimed([path], force=True):
                clashes[0] += reading[0]

    threads = [threading.Thread(target=work) for work in (read, read, read, write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert clashes == [0] and not [one for one in told if "being read by" in one] and not list(tmp_path.iterdir())


def test_claimed_folders_in_which_nothing_was_written_go_again(tmp_path: Path) -> None:
    with claimed([tmp_path / "a" / "b" / "c"], force=False):
        assert (tmp_path / "a" / "b" / ".c.lock").is_file()
    assert not list(tmp_path.iterdir())
    (tmp_path / "there").write_text("")
    with pytest.raises(OutputError, match="there exists already"), claimed([tmp_path / "there"], force=False):
        raise AssertionError


def test_what_a_kill_left_of_a_file_goes_when_it_is_written_again(tmp_path: Path) -> None:
    names = (".0123abcd-other.csv", "0123-r.csv", ".r.csv.partial", ".original-r.csv", ".previous-r.csv")
    others = [tmp_path / name for name in (*names, ".0123ABCD-r.csv", ".0123abc-r.csv", ".0123abcde-r.csv")]
    for path in (tmp_path / ".0123abcd-r.csv", *others):
        path.write_text("half")
    with claimed([tmp_path / "r.csv"], force=True):
        write_bytes(tmp_path / "r.csv", b"whole")
    assert sorted(tmp_path.iterdir()) == sorted([*others, tmp_path / "r.csv"])


def test_files_of_one_set_appear_at_the_same_moment(tmp_path: Path) -> None:
    first, second, stale = (tmp_path / name for name in ("first", "second", "stale"))
    write_bytes(first, b"old")
    write_bytes(stale, b"old")
    with together([stale]):
        write_bytes(first, b"new")
        write_bytes(second, b"new")
        assert first.read_bytes() == b"old" and stale.exists() and not second.exists()
    assert first.read_bytes() == second.read_bytes() == b"new" and set(tmp_path.iterdir()) == {first, second}


def test_of_a_file_that_a_set_writes_twice_the_second_stays_and_nothing_else(tmp_path: Path) -> None:
    with together():
        write_bytes(tmp_path / "first", b"once")
        write_bytes(tmp_path / "first", b"twice")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("first", b"twice")]


@pytest.mark.parametrize("broken", ["second", "stale"])
def test_a_set_of_which_one_file_cannot_be_written_leaves_the_one_before(tmp_path: Path, broken: str) -> None:
    for name in ("first", "second", "stale"):
        write_bytes(tmp_path / name, b"old")
    (tmp_path / broken).unlink()
    (tmp_path / broken).mkdir()

    def write_both() -> None:
        with together([tmp_path / "stale"]):
            write_bytes(tmp_path / "first", b"new")
            write_bytes(tmp_path / "second", b"new")

    with pytest.raises(OutputError, match=rf"cannot write .*{broken}: Is a directory"):
        write_both()
    assert {path.name for path in tmp_path.iterdir()} == {"first", "second", "stale"}
    assert all(path.read_bytes() == b"old" for path in tmp_path.iterdir() if path.is_file())


KILLED = """
import os, sys
from pathlib import Path
from edgecnn.atomic_files import together, write_bytes

folder, left = Path(sys.argv[1]), int(sys.argv[2])

def kill(event, _):
    global left
    if event in ("os.rename", "os.remove"):
        if left == 0:
            os._exit(9)
        left -= 1

sys.addaudithook(kill)
with together():
    for name in ("first", "second", "third"):
        write_bytes(folder / name, b"new")
"""


@pytest.mark.parametrize("moment", range(6))
def test_a_kill_never_leaves_files_of_two_sets_side_by_side(tmp_path: Path, moment: int) -> None:
    """Before each removal and each renaming in turn; the last of them is that of a temporary file that is gone."""
    for name in ("first", "second", "third"):
        write_bytes(tmp_path / name, b"old")
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(moment)])
    found = [path.read_bytes() for path in tmp_path.iterdir() if not path.name.startswith(".")]
    assert (ended.returncode, len(set(found))) == (9, 1)
    assert moment < 5 or found == [b"new"] * 3
