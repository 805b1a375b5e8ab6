"""Which shard has which image: each has one, whatever else lies there."""

import hashlib
import shlex
import shutil
from pathlib import Path

import pytest

from edgecnn import InputError
from edgecnn.device.bulk.shards import Shard, ShardFiles, number_of, parse_shard
from edgecnn.device.bulk.sources import ImageFiles
from edgecnn.model_file.bundled import sample_images
from tests.support.command_line import Run, sentence
from tests.support.model_files import write_bare

NAMES = [f"in/{number % 7}/ä {number}.png" for number in range(2000)]


def names_of(patterns: list[str], number: int, of: int) -> list[str]:
    return ShardFiles(ImageFiles(patterns), Shard(number, of)).names


def test_every_image_is_in_one_shard_and_keeps_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(40):
        Path(f"{'ba'[number % 2]}").mkdir(exist_ok=True)
        Path(f"{'ba'[number % 2]}/{number:02}.png").touch()
    patterns = ["b", "a/0?.png"]
    shards = [names_of(patterns, number, 5) for number in range(1, 6)]
    whole = ImageFiles(patterns).names
    assert sorted(name for shard in shards for name in shard) == sorted(whole) and len(whole) == 25
    assert all(shard == [name for name in whole if name in shard] for shard in shards)
    Path("b/00-new.png").touch()
    again = [names_of(patterns, number, 5) for number in range(1, 6)]
    assert [[name for name in shard if "new" not in name] for shard in again] == shards


def test_the_name_alone_decides_by_its_sha256() -> None:
    for name in NAMES[:50]:
        first = hashlib.sha256(name.encode()).digest()[:8]
        expected = sum(byte << 8 * place for place, byte in enumerate(first)) % 12 + 1
        assert number_of(name, 12) == expected


def test_shards_are_of_about_one_size() -> None:
    counts = [0] * 8
    for name in NAMES:
        counts[number_of(name, 8) - 1] += 1
    # Binomial: 250 on average, standard deviation 14.8; five of them in either direction.
    assert sum(counts) == len(NAMES) and all(abs(count - 250) < 75 for count in counts)


@pytest.mark.parametrize(
    ("text", "words"),
    [("0/8", "add 1 to a number"), ("9/8", "counted from 1 to 8"), ("3", "two whole numbers"), ("/8", "two whole"),
     ("1/0", "1 to 1000 shards"), ("1/1001", "1 to 1000"), ("-1/8", "two whole"), ("²/8", "two whole"),
     ("1/8/2", "two whole"), ("1/" + "9" * 5000, "1 to 1000"), ("9" * 5000 + "/8", "counted from 1"),
     ("1/0000000011234567890", "1 to 1000"), ("0000000000009/8", "counted from 1"), ("", "two whole")],
)  # fmt: skip
def test_what_is_no_shard_is_refused(text: str, words: str, edgecnn: Run) -> None:
    with pytest.raises(InputError, match=words):
        parse_shard(text)
    said = sentence(edgecnn("classify", "fashion-mnist", "a.png", "--shard", text), 2)
    assert (words if text else "--shard': it is empty") in said


def test_a_shard_is_of_files(edgecnn: Run) -> None:
    refused = edgecnn("classify", "fashion-mnist", "--source", "samples", "--shard", "1/2")
    assert "--shard goes with IMAGES" in sentence(refused, 2)


def test_shards_of_a_model_that_was_described_otherwise_are_not_merged(edgecnn: Run, tmp_path: Path) -> None:
    model, merge = write_bare(tmp_path / "m.tflite"), ["merge", tmp_path / "all.csv"]
    for number, names in ((1, "0123456789"), (2, "abcdefghij")):
        (tmp_path / f"{names}.txt").write_text("\n".join(names))
        said = ("--labels", tmp_path / f"{names}.txt", "--input-range", "0", "1")
        output = tmp_path / f"{number}.csv"
        done = edgecnn("classify", model, *sample_images(), *said, "--shard", f"{number}/2", "--output", output)
        assert done.exit_code == 0, done.output
        merge.append(output)
    words = "made with another description of the model (--labels, --input-range, ...) than"
    assert words in sentence(edgecnn(*merge))


def test_an_image_whose_name_begins_like_an_option_stays_behind_the_dashes_in_what_is_advised(
    edgecnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("-odd.png", "even.png", "other.png"):
        shutil.copy(sample_images()[0], name)
    images = ("--", "-odd.png", "even.png", "other.png")
    assert edgecnn("classify", "fashion-mnist", "--shard", "1/2", "-o", "1.csv", *images).exit_code == 0
    advised = sentence(edgecnn("merge", "all.csv", "1.csv")).partition("make: edgecnn ")[2]
    assert advised.endswith(" -- -odd.png even.png other.png")
    assert edgecnn(*shlex.split(advised)).exit_code == 0
    assert edgecnn("merge", "all.csv", "1.csv", "shard-2-of-2.csv").exit_code == 0
