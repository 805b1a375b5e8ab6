"""edgecnn live, and classify --source: from a camera or a folder to lines, rows and an end."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgecnn.device import Classifier, FeatureExtractor
from edgecnn.device.bulk.results import Results
from edgecnn.model_file.bundled import sample_images
from tests.support.cameras import FakeCamera, garment
from tests.support.command_line import Run, printed, sentence
from tests.support.waiting import PATIENCE, until

MODEL = "fashion-mnist"


@pytest.fixture
def garments(tmp_path: Path) -> Path:
    folder = tmp_path / "garments"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.jpg").write_bytes(garment(number // 2))
    return folder


def test_help_says_what_sources_there_are(edgecnn: Run) -> None:
    assert "--source camera|samples|URL|/dev/video0|FOLDER|FILE " in " ".join(edgecnn("live", "--help").output.split())


def test_a_folder_is_watched_to_its_end_with_a_line_a_change(garments: Path, edgecnn: Run) -> None:
    result = edgecnn(
        "live", MODEL, "--source", garments, "--fps", "100", "--consecutive", "2", "--threshold", "0", "--no-page"
    )
    labels = [Classifier(MODEL).classify(garments / f"{n}.jpg", crop="square")[0].label for n in (0, 2)]
    assert (
        result.exit_code == 0
        and [line.split("  ")[1][: len(label)] for line, label in zip(result.stdout.splitlines(), labels, strict=True)]
        == labels
    )
    assert result.stderr == "4 frames, 0 dropped, 0 damaged\n"


def test_changes_as_json_are_lines_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edgecnn: Run
) -> None:
    FakeCamera(tmp_path, monkeypatch).install("dies:2 steady")
    options = ("--consecutive", "1", "--threshold", "0", "--fps", "50", "--frames", "6", "--json", "--no-page")
    result = edgecnn("live", MODEL, "--source", "camera", *options)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0 and rows and "opening it again" in result.stderr
    assert [row["previous"] for row in rows] == [None, *(row["label"] for row in rows[:-1])]


def test_a_camera_is_asked_for_the_size_and_rate_that_were_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edgecnn: Run
) -> None:
    camera = FakeCamera(tmp_path, monkeypatch)
    camera.install("steady")
    options = ("--size", "320x240", "--fps", "12.5", "--frames", "2", "--no-page")
    assert edgecnn("live", MODEL, "--source", "camera", *options).exit_code == 0
    assert all("--width 320 --height 240 --framerate 12.5" in run for run in camera.runs) and camera.runs


@pytest.mark.parametrize("command", [("live", "--no-page"), ("classify", "--output", "rows.csv")])
def test_with_loop_what_ends_begins_again(
    command: tuple[str, ...], garments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edgecnn: Run
) -> None:
    monkeypatch.chdir(tmp_path)
    name, *options = command
    result = edgecnn(name, MODEL, "--source", garments, "--loop", "--frames", "9", "--fps", "200", *options)
    assert result.exit_code == 0
    if name == "live":
        assert result.stderr.startswith("9 frames")
    else:
        assert len((tmp_path / "rows.csv").read_text().splitlines()) == 1 + 9


@pytest.mark.parametrize("answers", [True, False])
def test_of_all_changes_that_a_webhook_did_not_take_it_is_said_how_many(
    answers: bool, garments: Path, edgecnn: Run
) -> None:
    options = ("--fps", "100", "--consecutive", "1", "--threshold", "0", "--no-page")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        if not answers:  # nobody is there any more; else somebody takes the connection and says nothing
            server.close()
        result = edgecnn("live", MODEL, "--source", garments, *options, "--webhook", url)
    changes = len(result.stdout.splitlines())
    assert result.exit_code == 0 and changes >= 2
    assert f"the webhook did not take {changes} changes" in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="a signal is sent to another process")
@pytest.mark.parametrize(
    ("number", "arguments"),
    [
        (signal.SIGINT, ["live", MODEL, "--threshold", "0", "--consecutive", "1", "--no-page"]),
        (signal.SIGTERM, ["classify", MODEL, "--output", "rows.csv"]),
    ],
)
def test_a_signal_ends_it_well(
    number: signal.Signals, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = FakeCamera(tmp_path, monkeypatch)
    camera.install("steady")
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "-m", "edgecnn", *arguments, "--source", "camera"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert until(lambda: camera.runs)
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 0 and "Traceback" not in said and not camera.processes()
    assert arguments[0] == "live" or (tmp_path / "rows.csv").exists()


def test_the_rows_of_a_source_are_those_of_its_files(garments: Path, tmp_path: Path, edgecnn: Run) -> None:
    shared = ("--square", "--top", "3", "--drift")
    outputs = {"files": (garments,), "source": ("--source", garments)}
    for suffix in ("csv", "jsonl"):
        for name, arguments in outputs.items():
            result = edgecnn("classify", MODEL, *arguments, *shared, "--output", tmp_path / f"{name}.{suffix}")
            assert result.exit_code == 0, result.output
        assert (tmp_path / f"files.{suffix}").read_bytes() == (tmp_path / f"source.{suffix}").read_bytes()
    rows = [printed(edgecnn("classify", MODEL, *arguments, *shared, "--json")) for arguments in outputs.values()]
    assert rows[0] == rows[1] and len(json.loads(rows[0])) == 4


def test_a_camera_is_classified_as_its_frames_are_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edgecnn: Run
) -> None:
    camera = FakeCamera(tmp_path, monkeypatch)
    camera.install("steady")
    for path in sorted(camera.images.iterdir())[1:]:
        path.unlink()
    rows = tmp_path / "rows.csv"
    assert edgecnn("classify", MODEL, "--source", "camera", "--frames", "3", "--output", rows).exit_code == 0
    (kept,) = json.loads(printed(edgecnn("classify", MODEL, camera.images / "0.jpg", "--square", "--json")))
    found = list(csv.DictReader(rows.read_text().splitlines()))
    assert len(found) == 3 and {float(row["score_1"]) for row in found} == {kept["predictions"][0]["score"]}
    assert all(row["image"].startswith("frame-0000") for row in found)


def test_a_frame_that_is_no_image_is_a_row_with_an_error(tmp_path: Path, edgecnn: Run) -> None:
    (tmp_path / "broken.jpg").write_bytes(garment()[:500])
    result = edgecnn("classify", MODEL, "--source", tmp_path, "--json")
    (row,) = json.loads(result.stdout)
    assert result.exit_code == 1 and "broken.jpg: the image is damaged or truncated" in row["error"]


def test_a_source_without_one_frame_that_can_be_used_is_a_failure(tmp_path: Path, edgecnn: Run) -> None:
    (tmp_path / "broken.jpg").write_bytes(garment()[:500])
    watched = ("live", MODEL, "--source", tmp_path, "--no-page", "--fps", "100")
    result = edgecnn(*watched)
    assert result.exit_code == 1 and "0 frames, 0 dropped, 1 damaged" in result.stderr
    (tmp_path / "whole.jpg").write_bytes(garment())
    assert edgecnn(*watched).exit_code == 0


def test_a_dry_run_checks_and_watches_nothing(tmp_path: Path, edgecnn: Run) -> None:
    checked = ("live", MODEL, "--dry-run", "--source")
    result = edgecnn(*checked, "samples", "--keep", f"doubtful={tmp_path / 'kept'}")
    assert (result.exit_code, result.output) == (0, "") and not list(tmp_path.iterdir())
    assert "there is no source nowhere" in sentence(edgecnn(*checked, "nowhere"))
    assert "--no-page" in sentence(edgecnn(*checked, "samples", "--no-page", "--keep", "chosen=x"), exit_code=2)


def test_a_folder_for_kept_frames_that_cannot_be_is_said_at_the_start(tmp_path: Path, edgecnn: Run) -> None:
    (tmp_path / "file").write_text("in the way")
    rule = f"doubtful={tmp_path / 'file' / 'kept'}"
    result = edgecnn("live", MODEL, "--source", "samples", "--frames", "1", "--no-page", "--keep", rule)
    assert "frames cannot be kept in" in sentence(result, exit_code=1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("classify", MODEL), "IMAGES"),
        (("classify", MODEL, "x.png", "--source", "samples"), "--source"),
        (("classify", MODEL, "x.png", "--frames", "3"), "--frames goes with --source"),
        (("classify", MODEL, "x.png", "--loop"), "--loop goes with --source"),
        (("classify", MODEL, "--source", "samples", "--output", "x.csv", "--resume"), "--resume"),
        (("classify", MODEL, "x.png", "--square", "--crop", "0,0,5,5"), "contradict"),
        (("classify", MODEL, "x.png", "--crop", "0,0,5"), "X,Y,W,H"),
        (("live", MODEL, "--source", "samples", "--size", "640"), "WIDTHxHEIGHT"),
        (("live", MODEL, "--source", "samples", "--threshold", "nan"), "nan"),
        (("live", MODEL, "--source", "samples", "--consecutive", "0"), "consecutive"),
        (("live", MODEL, "--source", "samples", "--webhook", "ftp://host"), "webhook"),
        (("live", MODEL, "--source", "samples", "--keep", "all=x"), "chosen=DIR"),
        (("live", MODEL, "--source", "samples", "--keep", "doubtful=x", "--keep", "doubtful=y"), "each kind once"),
        (("live", MODEL, "--source", "samples", "--keep", "chosen=x", "--no-page"), "--no-page"),
        (("live", MODEL, "--source", "samples", "--port", "65536"), "port"),
    ],
)
def test_wrong_usage_is_one_sentence(arguments: tuple[str, ...], words: str, edgecnn: Run) -> None:
    assert words in sentence(edgecnn(*arguments), exit_code=2)


@pytest.mark.parametrize(
    "arguments", [("live", MODEL, "--source", "nowhere"), ("classify", MODEL, "--source", "nowhere")]
)
def test_a_source_that_is_not_there_is_one_sentence(arguments: tuple[str, ...], edgecnn: Run) -> None:
    assert "there is no source nowhere" in sentence(edgecnn(*arguments))


def test_files_take_a_crop_too(tmp_path: Path, edgecnn: Run) -> None:
    (tmp_path / "a.jpg").write_bytes(garment(0, (300, 100)))
    whole, square, box = (
        json.loads(printed(edgecnn("classify", MODEL, tmp_path / "a.jpg", "--json", *options)))[0]["predictions"]
        for options in ((), ("--square",), ("--crop", "100,0,100,100"))
    )
    assert square == box != whole and square[0]["label"] == Classifier(MODEL).classify(sample_images()[0])[0].label


def test_feature_maps_are_of_what_is_shown(tmp_path: Path, edgecnn: Run) -> None:
    (tmp_path / "a.jpg").write_bytes(garment(0, (300, 100)))
    options = ("--npz", "--output", tmp_path / "maps", "--crop", "100,0,100,100")
    assert edgecnn("features", f"{MODEL}.activations", tmp_path / "a.jpg", *options).exit_code == 0
    expected = FeatureExtractor(f"{MODEL}.activations").extract(tmp_path / "a.jpg", crop="square").maps["conv2d"]
    with np.load(tmp_path / "maps" / "features.npz") as arrays:
        assert np.array_equal(arrays["conv2d"][0], expected)


def test_what_a_killed_run_of_a_camera_left_is_not_to_be_gone_on_with(tmp_path: Path, edgecnn: Run) -> None:
    killed = Results(tmp_path / "rows.csv", {}, resume=False, force=False)
    killed.add({"image": "frame-00000001", "error": "e"})
    killed.close()
    arguments = ("classify", MODEL, "--source", "samples", "--output", tmp_path / "rows.csv")
    told = sentence(edgecnn(*arguments))
    assert "what a stopped run left: start anew with --force" in told and "--resume" not in told
    assert edgecnn(*arguments, "--force", "--frames", "2").exit_code == 0
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 3
