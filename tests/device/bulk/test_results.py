"""Many images: in order, in flat memory, gone on with after a kill, in every format."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn import InputError, OutputError
from edgecnn.device import Classifier
from edgecnn.device.bulk.results import Results
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import sha256
from edgecnn.pixels.dataset import Dataset
from tests.conftest import ON_A_BOARD
from tests.support.command_line import Run, killed_when, sentence
from tests.support.model_files import write_bare

COUNT = 300 if ON_A_BOARD else 3000


@pytest.fixture(scope="module")
def photos(fashion: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Test images; the name says which."""
    folder = tmp_path_factory.mktemp("photos")
    for row, pixels in enumerate(np.asarray(fashion.test.images[:COUNT])):
        Image.fromarray(pixels[:, :, 0]).save(folder / f"{row:04}.png")
    return folder


@pytest.fixture(scope="module")
def expected(fashion: Dataset) -> list[tuple[str, float]]:
    classifier = Classifier("fashion-mnist")
    answers = [classifier.classify(pixels)[0] for pixels in np.asarray(fashion.test.images[:COUNT])]
    return [(answer.label, answer.score) for answer in answers]


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_results_stand_in_the_order_of_the_images(
    edgecnn: Run, photos: Path, expected: list[tuple[str, float]], tmp_path: Path
) -> None:
    result = edgecnn("classify", "fashion-mnist", photos, "--output", tmp_path / "all.csv")
    assert result.exit_code == 0 and "wrote" in result.stdout
    with open(tmp_path / "all.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [Path(row["image"]).stem for row in rows] == [f"{row:04}" for row in range(COUNT)]
    assert [(row["label_1"], float(row["score_1"])) for row in rows] == expected


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_other_formats_hold_the_same(
    suffix: str, edgecnn: Run, photos: Path, expected: list[tuple[str, float]], tmp_path: Path
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet") if suffix == ".parquet" else None
    path = tmp_path / f"all{suffix}"
    images = [photos / f"{row:04}.png" for row in (7, 3, 5)]
    assert edgecnn("classify", "fashion-mnist", *images, "--top", 2, "--output", path).exit_code == 0
    if parquet is None:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        answers = [(row["predictions"][0]["label"], row["predictions"][0]["score"]) for row in rows]
        assert all(len(row["predictions"]) == 2 for row in rows)
    else:
        rows = parquet.read_table(path).to_pylist()
        answers = [(row["label_1"], row["score_1"]) for row in rows]
        assert {"label_2", "score_2"} < set(rows[0])
    assert answers == [expected[row] for row in (7, 3, 5)]


def test_a_killed_run_goes_on_without_loss_or_repetition(
    edgecnn: Run, photos: Path, expected: list[tuple[str, float]], tmp_path: Path
) -> None:
    path = tmp_path / "all.csv"
    partial = tmp_path / ".all.csv.partial"
    command = killed_when(partial, 20_000, "classify", "fashion-mnist", photos, "--output", path)
    killed = subprocess.run(command, stderr=subprocess.DEVNULL, timeout=300)
    assert killed.returncode == -signal.SIGKILL
    whole = partial.read_bytes()
    done = whole.count(b"\n") - 1
    assert 0 < done < COUNT and not path.exists()
    partial.write_bytes(whole + b'{"image": "torn')
    for other in (
        ("--top", 2),
        ("--delegate", "cpu"),
        ("--crop", "1,1,20,20"),
        ("--min-score", 0.3),
        ("--invert", "yes"),
    ):
        refused = edgecnn("classify", "fashion-mnist", photos, "--output", path, "--resume", *other)
        assert refused.exit_code == 1 and "made with another model or other options" in refused.output
    forgotten = edgecnn("classify", "fashion-mnist", photos, "--output", path)
    assert forgotten.exit_code == 1 and "go on with --resume, or start anew with --force" in forgotten.output
    result = edgecnn("classify", "fashion-mnist", photos, "--output", path, "--resume")
    assert result.exit_code == 0 and not partial.exists()
    counted = sum(int(words.split()[0].replace(",", "")) for words in result.stdout.partition(": ")[2].split(", "))
    assert counted == COUNT and f"({done:,} images were done before)" in result.stdout
    with open(path, newline="") as file:
        assert [(row["label_1"], float(row["score_1"])) for row in csv.DictReader(file)] == expected


def test_unreadable_images_have_a_row_and_exit_code_1(edgecnn: Run, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(b"nothing")
    (tmp_path / "in" / "b.png").write_bytes((photos / "0000.png").read_bytes())
    result = edgecnn("classify", "fashion-mnist", tmp_path / "in", "--output", tmp_path / "out.csv")
    assert result.exit_code == 1 and "1 unreadable" in result.stdout
    with open(tmp_path / "out.csv", newline="") as file:
        first, second = csv.DictReader(file)
    assert "not an image" in first["error"] and first["label_1"] == "" and second["label_1"] == "Ankle boot"


def test_what_was_unreadable_before_a_kill_still_counts(
    edgecnn: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(b"nothing")
    first = edgecnn("classify", "fashion-mnist", tmp_path / "in", "--output", tmp_path / "out.csv", "--json")
    assert first.exit_code == 1 and json.loads(first.stdout)["counts"] == {"unreadable": 1}
    with monkeypatch.context() as stopped:
        stopped.setattr(Results, "finish", interrupted)
        assert edgecnn("classify", "fashion-mnist", tmp_path / "in", "--output", tmp_path / "two.csv").exit_code == 1
    (tmp_path / "in" / "b.png").write_bytes((photos / "0000.png").read_bytes())
    again = edgecnn("classify", "fashion-mnist", tmp_path / "in", "--output", tmp_path / "two.csv", "--resume")
    assert again.exit_code == 1 and "Error" not in again.output
    assert "1 unreadable" in again.stdout and "1 Ankle boot" in again.stdout


def test_images_that_are_gone_by_the_time_it_goes_on_are_not_counted(
    edgecnn: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, path = tmp_path / "in", tmp_path / "out.jsonl"
    images.mkdir()
    (images / "broken.png").write_bytes(b"nothing")
    for name in ("0000.png", "0001.png"):
        (images / name).write_bytes((photos / name).read_bytes())
    with monkeypatch.context() as stopped:
        stopped.setattr(Results, "finish", interrupted)
        assert edgecnn("classify", "fashion-mnist", images, "--output", path).exit_code == 1
    (images / "broken.png").unlink()
    (images / "0000.png").unlink()
    (images / "0002.png").write_bytes((photos / "0002.png").read_bytes())
    again = edgecnn("classify", "fashion-mnist", images, "--output", path, "--resume", "--json")
    labels = [json.loads(line)["predictions"][0]["label"] for line in path.read_text().splitlines()]
    figures = json.loads(again.stdout)
    assert again.exit_code == 0 and len(labels) == 2 and figures["counts"] == dict.fromkeys(labels, 1)
    assert (figures["unreadable"], figures["done_before"]) == (0, 1)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_names_that_are_no_text_are_written(suffix: str, edgecnn: Run, photos: Path, tmp_path: Path) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    image = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))
    image.write_bytes((photos / "0000.png").read_bytes())
    result = edgecnn("classify", "fashion-mnist", image, "--output", tmp_path / f"out{suffix}")
    assert result.exit_code == 0, result.output
    assert b"udcff.png" in (tmp_path / f"out{suffix}").read_bytes()


@pytest.mark.parametrize(
    "line", ["no JSON", "[]", "{}", '{"image": 1}', '{"image": "a"}', '{"image": "a", "predictions": []}',
             '{"image": "a", "predictions": [{"label": 1}]}']
)  # fmt: skip
def test_a_damaged_partial_file_is_a_sentence(line: str, tmp_path: Path) -> None:
    Results(tmp_path / "a.csv", {}, resume=False, force=False).close()
    (tmp_path / ".a.csv.partial").write_text(f"{{}}\n{line}\n")
    with pytest.raises(OutputError, match="what a stopped run left"):
        Results(tmp_path / "a.csv", {}, resume=False, force=False)
    with pytest.raises(InputError, match="is damaged; start anew with --force"):
        Results(tmp_path / "a.csv", {}, resume=True, force=False)


@pytest.mark.parametrize("line", ['{"image": 1}', '{"image": "a"}'])
def test_python_without_asserts_says_so_too(line: str, photos: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-O", "-m", "edgecnn", "classify", "fashion-mnist", str(photos / "0000.png")]
    command += ["--output", str(tmp_path / "a.csv"), "--resume"]
    partial = tmp_path / ".a.csv.partial"
    settings = {
        "model": sha256(find_model("fashion-mnist").read_bytes()),
        "runtime": Classifier("fashion-mnist").runtime,
    }
    options = {"top": 1, "invert": "no", "drift": False, "delegate": [None]}
    partial.write_text(json.dumps({**settings, **options}, sort_keys=True) + f"\n{line}\n")
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1 and "is damaged; start anew with --force" in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [(("IMAGE", "--resume"), 2, "--resume goes with --output"),
     (("IMAGE", "--output", "a.xls"), 1, "must end in .csv, .jsonl, .parquet"),
     (("IMAGE", "--output", "there.csv"), 1, "exists already"),
     (("IMAGE", "IMAGE", "--output", "b.csv"), 1, "named twice"),
     (("IMAGE", "nothing*.png", "--output", "b.csv"), 1, "no file matches")],
)  # fmt: skip
def test_wrong_usage_is_a_sentence(
    arguments: tuple[str, ...], code: int, words: str, edgecnn: Run, photos: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("there.csv").write_text("mine")
    image = str(photos / "0000.png")
    result = edgecnn("classify", "fashion-mnist", *(image if word == "IMAGE" else word for word in arguments))
    assert result.exit_code == code and words in result.output, result.output
    assert Path("there.csv").read_text() == "mine" and not Path("b.csv").exists()


def test_a_results_file_takes_nothing_of_another_question(tmp_path: Path) -> None:
    first = Results(tmp_path / "a.jsonl", {"model": "x"}, resume=False, force=False)
    first.add({"image": "1", "error": "e"})
    first.close()
    with pytest.raises(InputError, match="another model"):
        Results(tmp_path / "a.jsonl", {"model": "y"}, resume=True, force=False)
    second = Results(tmp_path / "a.jsonl", {"model": "x"}, resume=True, force=False)
    assert second.done == {"1"}
    second.add({"image": "0", "error": "f"})
    assert [json.loads(line)["image"] for line in second.finish(["0", "1"]).read_text().splitlines()] == ["0", "1"]


def test_files_of_models_without_a_card_are_told_apart(
    edgecnn: Run, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "bare.tflite"
    for name in ("fashion-mnist", "fashion-mnist.activations"):
        write_bare(bare, name)
        with monkeypatch.context() as stopped:
            stopped.setattr(Results, "finish", interrupted)
            result = edgecnn("classify", bare, photos / "0000.png", "--output", tmp_path / "a.csv", "--resume")
    assert "made with another model" in sentence(result)


def test_no_error_is_lost_while_tiffs_are_decoded(tmp_path: Path) -> None:
    for number in range(20):
        Image.effect_noise((700, 700), 50).save(tmp_path / f"{number:02}.tif", compression="tiff_lzw")
        (tmp_path / f"{number:02}.png").write_bytes(b"nothing")
    command = [sys.executable, "-m", "edgecnn", "classify", "fashion-mnist", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1 and done.stdout.count(".tif: ") == 20 and done.stderr.count("Error: ") == 20
