"""edgecnn classify --source: frames that do not come again, whose names may."""

import csv
import json
from pathlib import Path

import pytest

from edgecnn.device.bulk.results import Results
from tests.support.cameras import garment
from tests.support.command_line import Run, printed, sentence

MODEL = "fashion-mnist"
LOADING = 1 + 12  # calls of a delegate: a first run and the golden probes
NEVER = "1e-12"  # a rate at which chance audits no image: the first three and the last remain


@pytest.fixture
def garments(tmp_path: Path) -> Path:
    folder = tmp_path / "garments"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.jpg").write_bytes(garment(number))
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_a_name_that_comes_again_has_a_row_each_time_with_its_own_answer(tmp_path: Path) -> None:
    results = Results(tmp_path / "rows.csv", {}, resume=False, force=False, resumable=False)
    labels = ["Bag", "Coat", "Bag", "Shirt", "Dress"]
    for label in labels:
        results.add({"image": "latest.png", "predictions": [{"label": label, "score": 1.0, "index": 0}]})
    assert [row["label_1"] for row in rows_of(results.finish())] == labels
    assert results.counts.classes == {"Bag": 2, "Coat": 1, "Shirt": 1, "Dress": 1}
    results.close()


def test_a_loop_has_a_row_each_time(garments: Path, tmp_path: Path, edgecnn: Run) -> None:
    looped = ("classify", MODEL, "--source", garments, "--loop", "--frames", "7", "--output", tmp_path / "rows.csv")
    assert printed(edgecnn(*looped)).startswith(f"wrote {tmp_path / 'rows.csv'}: 3 Ankle boot, ")
    assert [Path(row["image"]).name for row in rows_of(tmp_path / "rows.csv")] == [f"{n % 3}.jpg" for n in range(7)]


@pytest.mark.parametrize("late", [NEVER, "1"], ids=["nine-doubtful", "one-doubtful"])
def test_what_nothing_confirms_is_left_out_of_the_file(
    late: str, library: str, garments: Path, tmp_path: Path, edgecnn: Run
) -> None:
    lying = ("--delegate", library, "--delegate-option", "wrong=1", "--delegate-option", f"after={LOADING + 7}")
    looped = ("classify", MODEL, "--source", garments, "--loop", "--frames", "12", *lying, "--audit", late)
    result = edgecnn(*looped, "--output", tmp_path / "rows.csv")
    rows = rows_of(tmp_path / "rows.csv")
    assert "contradicts the CPU" in sentence(result) and "--resume" not in result.stderr
    assert f"what was done before is in {tmp_path / 'rows.csv'}" in result.stderr
    assert len(rows) == (3 if late == NEVER else 7) and not list(tmp_path.glob(".rows*"))
    assert [Path(row["image"]).name for row in rows] == [f"{n % 3}.jpg" for n in range(len(rows))]
    if late == NEVER:
        assert "without 9 rows that nothing confirms" in result.stderr
        marks = [row.get("unconfirmed", False) for row in json.loads(printed(edgecnn(*looped, "--json"), 1))]
        assert marks == [False] * 3 + [True] * 9


def test_what_was_done_before_a_delegate_fails_is_in_the_file(
    library: str, garments: Path, tmp_path: Path, edgecnn: Run
) -> None:
    failing = ("--delegate", library, "--delegate-option", "fail_invoke=1", "--delegate-option", f"after={LOADING + 4}")
    looped = ("classify", MODEL, "--source", garments, "--loop", "--frames", "30", "--no-isolate")
    result = edgecnn(*looped, *failing, "-o", tmp_path / "rows.csv")
    assert result.exit_code == 1 and "--resume" not in result.stderr
    assert 0 < len(rows_of(tmp_path / "rows.csv")) < 10 and not list(tmp_path.glob(".rows*"))
    nothing = edgecnn(*looped, *failing[:4], "-o", tmp_path / "none.csv")
    assert nothing.exit_code == 1 and not list(tmp_path.glob("*none*"))


def test_a_file_that_cannot_be_read_is_told_and_counts(garments: Path, edgecnn: Run) -> None:
    (garments / "gone.jpg").symlink_to(garments / "nowhere.jpg")
    result = edgecnn("classify", MODEL, "--source", garments)
    assert result.exit_code == 1 and "gone.jpg: cannot be read" in result.stderr
    assert len(result.stdout.splitlines()) == 3
