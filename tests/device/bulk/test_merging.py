"""One file of many machines' results: just what one run writes, or a sentence with the command that is missing."""

import json
import shlex
import shutil
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn.device.bulk.shards import number_of
from edgecnn.pixels.dataset import Dataset
from tests.support.command_line import Run, killed_when, printed, sentence
from tests.support.shard_files import multiply

COUNT = 600
IMAGES = ("zebra", "ape/*.png")


@pytest.fixture(scope="module")
def home(fashion: Dataset, edgecnn: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images in two folders, an unreadable one and one with an odd name among them; three shards."""
    home = tmp_path_factory.mktemp("many")
    for row, pixels in enumerate(np.asarray(fashion.test.images[:COUNT])):
        folder = home / ("zebra" if row % 3 else "ape")
        folder.mkdir(exist_ok=True)
        Image.fromarray(pixels[:, :, 0]).save(folder / f"{row}.png")
    (home / "zebra" / "7.png").write_bytes(b"nothing")
    (home / "zebra" / "8.png").rename(home / "zebra" / "8\n9,é.png")
    return home


@pytest.fixture
def there(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(home)
    return home


def shard(edgecnn: Run, number: int, of: int, output: Path, *options: str) -> Path:
    result = edgecnn("classify", "fashion-mnist", *IMAGES, "--shard", f"{number}/{of}", "-vo", output, *options)
    assert result.exit_code in (0, 1) and output.is_file(), result.output
    return output


@pytest.fixture(scope="module")
def made(home: Path, edgecnn: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three shards."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(home)
        for number in (1, 2, 3):
            shard(edgecnn, number, 3, folder / f"{number}.csv")
    return folder


@pytest.fixture
def shards(made: Path, there: Path, tmp_path: Path) -> Path:
    """A copy of them, which a test may damage."""
    return Path(shutil.copytree(made, tmp_path / "shards"))


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.csv"))


def test_processes_side_by_side_one_of_them_killed_write_what_one_run_does(
    edgecnn: Run, there: Path, tmp_path: Path
) -> None:
    outputs = [tmp_path / f"part-{number}.csv" for number in (1, 2, 3)]
    commands = [
        ["classify", "fashion-mnist", *IMAGES, "--top", "2", f"--output={output}", "--shard", f"{number}/3"]
        for number, output in enumerate(outputs, start=1)
    ]
    runs = [
        subprocess.Popen(command, stderr=subprocess.DEVNULL)
        for command in (
            [sys.executable, "-m", "edgecnn", *commands[0]],
            killed_when(tmp_path / ".part-2.csv.partial", 3000, *commands[1]),
            [sys.executable, "-m", "edgecnn", *commands[2]],
        )
    ]
    codes = [run.wait(120) for run in runs]
    assert codes[1] == -signal.SIGKILL and {codes[0], codes[2]} <= {0, 1} and not outputs[1].exists()
    refused = sentence(edgecnn("merge", tmp_path / "all.csv", outputs[0], outputs[2]))
    assert "of 3 shards these are not there, or not finished: 2; make: edgecnn classify --shard 2/3" in refused
    advised = shlex.split(refused.partition("make: edgecnn ")[2])
    assert "--resume" in advised and str(outputs[1]) in advised
    resumed = edgecnn(*advised)
    assert resumed.exit_code in (0, 1) and "were done before" in resumed.stdout, resumed.output
    merged = edgecnn("merge", tmp_path / "all.csv", *outputs)
    whole = edgecnn("classify", "fashion-mnist", *IMAGES, "--top", 2, "--output", tmp_path / "one.csv")
    assert merged.exit_code == whole.exit_code == 1 and "1 unreadable" in merged.stdout
    assert (tmp_path / "all.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()
    assert merged.stdout.partition(": ")[2] == whole.stdout.partition(": ")[2]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_every_format_is_what_one_run_writes(
    suffix: str, edgecnn: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    monkeypatch.chdir(home)
    few = ("zebra/?.png", "zebra/8*", "ape/9*.png")
    assert edgecnn("classify", "fashion-mnist", *few, "--output", tmp_path / f"one{suffix}").exit_code == 1
    parts = [tmp_path / f"{number}{suffix}" for number in range(1, 8)]
    for number, part in enumerate(parts, start=1):
        assert edgecnn("classify", "fashion-mnist", *few, "-o", part, "--shard", f"{number}/7").exit_code in (0, 1)
    merged = edgecnn("merge", tmp_path / f"all{suffix}", *reversed(parts), "--json")
    assert (tmp_path / f"all{suffix}").read_bytes() == (tmp_path / f"one{suffix}").read_bytes()
    figures = json.loads(printed(merged, 1))
    assert "not be read: 1; their rows" in merged.stderr and figures["shards"] == 7
    assert figures["images"] == sum(figures["counts"].values()) == 18


def test_a_shard_without_images_is_an_empty_file(edgecnn: Run, there: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / f"{number}.csv" for number in range(1, 5)]
    for number, output in enumerate(outputs, start=1):
        options = ("--shard", f"{number}/4", "--output", output)
        done = edgecnn("classify", "fashion-mnist", "ape/0.png", *options)
        assert done.exit_code == 0 and done.stdout.endswith((": no images\n", ": 1 Ankle boot\n"))
    assert sum(output.read_text() == "image,error\n" for output in outputs) == 3
    assert edgecnn("merge", tmp_path / "all.jsonl", *outputs).exit_code == 0
    row = json.loads((tmp_path / "all.jsonl").read_text())
    assert row["image"] == "ape/0.png" and "argument" not in row


def test_records_alone_are_enough_and_globs_that_find_both_do_no_harm(
    edgecnn: Run, shards: Path, tmp_path: Path
) -> None:
    assert edgecnn("merge", tmp_path / "a.csv", *sorted(shards.iterdir())).exit_code == 1  # for the unreadable image
    for path in files(shards):
        path.unlink()
    assert edgecnn("merge", tmp_path / "b.csv", *shards.iterdir()).exit_code == 1
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes() > b"image"


def test_an_image_that_came_later_asks_for_its_own_shard_alone(edgecnn: Run, shards: Path, tmp_path: Path) -> None:
    new = Path("ape/new.png")
    shutil.copy("ape/0.png", new)
    try:
        home = number_of(str(new), 3)
        other = home % 3 + 1
        shard(edgecnn, other, 3, shards / f"{other}.csv", "--force")
        refused = sentence(edgecnn("merge", tmp_path / "all.csv", *files(shards)))
        assert f"{home}.csv has not the images that there are" in refused and not (tmp_path / "all.csv").exists()
        assert edgecnn(*shlex.split(refused.partition("again: edgecnn ")[2])).exit_code in (0, 1)
        assert edgecnn("merge", tmp_path / "all.csv", *files(shards)).exit_code == 1  # for the unreadable image
        assert edgecnn("classify", "fashion-mnist", *IMAGES, "--output", tmp_path / "one.csv").exit_code == 1
        assert (tmp_path / "all.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()
    finally:
        new.unlink()


@pytest.mark.parametrize(
    ("options", "words"),
    [(("--top", "3"), "another --top"), (("--drift",), "another --drift"), (("--square",), "another --crop"),
     (("--delegate", "cpu"), "another delegate"), (("--min-score", "0.5"), "another --min-score")],
)  # fmt: skip
def test_a_shard_of_other_options_is_refused(
    options: tuple[str, ...], words: str, edgecnn: Run, shards: Path, tmp_path: Path
) -> None:
    shard(edgecnn, 1, 3, shards / "1.csv", "--force", *options)
    refused = sentence(edgecnn("merge", tmp_path / "all.csv", *files(shards)))
    assert f"1.csv was made with {words}" in refused
    assert edgecnn(*shlex.split(refused.partition("was: edgecnn ")[2])).exit_code in (0, 1)
    assert "wrote" in printed(edgecnn("merge", tmp_path / "all.csv", *files(shards)), 1)


def test_a_shard_of_another_model_or_other_images_is_refused(edgecnn: Run, shards: Path, tmp_path: Path) -> None:
    for model, images, words in (("fashion-mnist.activations", IMAGES, "model"), ("fashion-mnist", ["ape"], "list of")):
        options = ("--shard", "3/3", "--output", shards / "3.csv", "--force")
        assert edgecnn("classify", model, *images, *options).exit_code in (0, 1)
        assert f"3.csv was made with another {words}" in sentence(edgecnn("merge", tmp_path / "a.csv", *files(shards)))


def test_damage_is_noticed_wherever_it_is(edgecnn: Run, shards: Path, tmp_path: Path) -> None:
    record = shards / "2.csv.shard"
    whole = record.read_bytes()
    middle = whole.index(b'"score": 0.') + len(b'"score": 0.')
    for data in (
        whole[:middle] + (b"1" if whole[middle : middle + 1] != b"1" else b"2") + whole[middle + 1 :],
        whole[: len(whole) // 2],
        whole[: whole.rindex(b"\n", 0, -1) + 1],
        whole[: whole.index(b"\n") + 1] + whole[whole.index(b"\n", whole.index(b"\n") + 1) + 1 :],
        b"",
        b"[]\n",
        b"\xff\n",
        whole.replace(b'"shard": [2, 3]', b'"shard": [9, 3]'),
        whole + whole.splitlines(True)[-1],
    ):
        record.write_bytes(data)
        assert "2.csv.shard is damaged; copy both" in sentence(edgecnn("merge", tmp_path / "all.csv", *files(shards)))
        assert not list(tmp_path.glob("*all.csv*"))
    record.unlink()
    assert "/2.csv has no 2.csv.shard beside it" in sentence(edgecnn("merge", tmp_path / "all.csv", *files(shards)))
    record.write_bytes(whole)
    (shards / "2.csv").write_text("edited by hand")
    assert "2.csv is not as it was written" in sentence(edgecnn("merge", tmp_path / "all.csv", *files(shards)))


def test_what_does_not_belong_together_is_refused(edgecnn: Run, shards: Path, tmp_path: Path) -> None:
    (first, second, third), there = files(shards), tmp_path / "there.csv"
    quarter = shard(edgecnn, 4, 4, tmp_path / "quarter.csv")
    for name in ("1.csv", "1.csv.shard"):
        shutil.copy(shards / name, tmp_path / name)
    there.write_text("mine")
    for output, given, words in (
        ("all.csv", [first, second, quarter], "two different divisions"),
        ("all.csv", [first, tmp_path / "1.csv", second, third], "shard 1/3 is there twice"),
        ("all.csv", [third], "these are not there, or not finished: 1, 2; make: edgecnn classify --shard 1/3"),
        ("all.csv", [tmp_path / "nothing.csv"], "nothing.csv is not there"),
        ("all.txt", [first, second, third], "must end in .csv, .jsonl, .parquet"),
        ("there.csv", [first, second, third], "exists already"),
    ):
        assert words in sentence(edgecnn("merge", tmp_path / output, *given))
        assert there.read_text() == "mine" and not (tmp_path / "all.csv").exists()
    assert edgecnn("merge", there, first, second, third, "--force").exit_code == 1 and there.read_text() != "mine"


def test_a_merge_that_is_killed_leaves_no_file_and_memory_does_not_grow_with_the_rows(
    edgecnn: Run, shards: Path, tmp_path: Path
) -> None:
    for record in shards.glob("*.shard"):
        multiply(record, 25)
    arguments = ["merge", str(tmp_path / "all.jsonl"), *map(str, shards.glob("*.shard"))]
    killed = subprocess.run(killed_when(tmp_path / ".*-all.jsonl", 1, *arguments), timeout=300)
    assert killed.returncode == -signal.SIGKILL and not (tmp_path / "all.jsonl").exists()
    tracemalloc.start()
    assert edgecnn(*arguments).exit_code == 1
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [path.name for path in tmp_path.iterdir() if "all" in path.name] == ["all.jsonl"]
    # Three blocks, their lines, and what was imported.
    assert peak_bytes < 1_000_000 < 1_600_000 < (tmp_path / "all.jsonl").stat().st_size


def test_the_file_of_the_merge_before_that_a_pattern_matches_too_is_no_shard(shards: Path, edgecnn: Run) -> None:
    whole = shards / "all.csv"
    assert edgecnn("merge", whole, *files(shards)).exit_code == 1  # for an image that is unreadable
    before = whole.read_bytes()
    spelt_otherwise = [shards / ".." / shards.name / one.name for one in files(shards)]
    result = edgecnn("merge", whole, *spelt_otherwise, "--force")
    assert "of 3 shards" in result.stdout and "Error" not in result.stderr and whole.read_bytes() == before
    assert "all.csv has no all.csv.shard beside it" in sentence(edgecnn("merge", whole, whole, "--force"))
