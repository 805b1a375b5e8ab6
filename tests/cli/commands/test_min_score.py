"""--min-score: below it images are unknown, in every form of output; and --other measures what strangers get."""

import csv
import json
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image

from edgecnn import ModelCard
from edgecnn.device import Classifier, sample_images
from edgecnn.device.bulk.results import Results
from edgecnn.model_file.container import read_model
from edgecnn.temperature import apply_temperature
from tests.support.command_line import Run, printed, sentence
from tests.support.model_files import fields_of_card, repacked
from tests.support.scored import CONFIDENCE, write_scored

SAMPLES = sample_images()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scored(tmp_path_factory.mktemp("scored") / "scored.tflite")


@pytest.fixture(scope="module")
def surest(model: Path) -> dict[str, float]:
    classifier = Classifier(model, trust=True)
    return {str(path): classifier.classify(path)[0].score for path in SAMPLES}


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty pictures that are no clothes: stripes."""
    folder = tmp_path_factory.mktemp("strangers")
    for number in range(30):
        stripes = np.arange(28) * (number + 1) // 7 % 2 * (255 - 4 * number)
        Image.fromarray(np.broadcast_to(stripes, (28, 28)).astype(np.uint8)).save(folder / f"{number:02}.png")
    return folder


def test_lines_say_unknown_and_what_came_closest(edgecnn: Run, model: Path, surest: dict[str, float]) -> None:
    least = sorted(surest.values())[4]
    plain = printed(edgecnn("classify", model, *SAMPLES)).splitlines()
    result = edgecnn("classify", model, *SAMPLES, "--min-score", repr(least))
    for before, line, score in zip(plain, result.stdout.splitlines(), surest.values(), strict=True):
        name, answer = before.split(": ")
        assert line == (before if score >= least else f"{name}: unknown ({answer})")
    assert result.exit_code == 0 and result.stdout.count("unknown (") == 4


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_files_of_results_say_unknown_and_the_guess(
    suffix: str, edgecnn: Run, model: Path, surest: dict[str, float], tmp_path: Path
) -> None:
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"rows.{suffix}"
    result = edgecnn("classify", model, *SAMPLES, "--min-score", "auto", "--output", path, "--json")
    unknown = sum(score < 0.7 for score in surest.values())
    assert 0 < unknown == json.loads(printed(result))["counts"]["unknown"]
    if suffix == "jsonl":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        found = [(row["image"], row["predictions"][0]["label"], row["guess"]) for row in rows]
    elif suffix == "csv":
        found = [(row["image"], row["label_1"], row["guess"]) for row in csv.DictReader(path.read_text().splitlines())]
    else:
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(path).to_pylist()
        found = [(row["image"], row["label_1"], row["guess"]) for row in table]
    assert len(found) == len(SAMPLES)
    for name, label, guess in found:
        assert (label == "unknown") == bool(guess) == (surest[name] < 0.7)


def test_a_class_that_is_called_unknown_is_told_from_a_score_that_is_too_low(edgecnn: Run, tmp_path: Path) -> None:
    fields = fields_of_card()
    fields["labels"][0] = "unknown"  # once a T-shirt
    own = repacked(tmp_path / "own.tflite", fields=fields)
    shirt = next(path for path in SAMPLES if "t-shirt" in path.name)
    sure, unsure = (edgecnn("classify", own, shirt, "--min-score", least, "--json") for least in ("0.01", "1"))
    for result, guess in ((sure, ""), (unsure, "unknown")):
        (row,) = json.loads(result.stdout)
        assert (row["predictions"][0]["label"], row["guess"]) == ("unknown", guess)
        assert "has a class called unknown, too" in result.stderr


def test_summaries_count_classes_called_unknown_and_unreadable_apart(edgecnn: Run, tmp_path: Path) -> None:
    answers = [Classifier("fashion-mnist").classify(path)[0] for path in SAMPLES]
    low, least = 4, sorted(one.score for one in answers)[4]
    first, second = list(dict.fromkeys(one.index for one in sorted(answers, key=lambda one: -one.score)))[:2]
    fields = fields_of_card()
    fields["labels"][first], fields["labels"][second] = "unknown", "unreadable"
    own = repacked(tmp_path / "own.tflite", fields=fields)
    sure = {
        fields["labels"][index]: sum(one.index == index and one.score >= least for one in answers)
        for index in (first, second)
    }
    (tmp_path / "broken.png").write_text("no image")
    images = [*SAMPLES, tmp_path / "broken.png"]
    asked = ("classify", own, *images, "--min-score", least, "--force", "--output")
    for number in ("1", "2"):
        assert edgecnn(*asked, tmp_path / f"{number}.csv", "--shard", f"{number}/2").exit_code in (0, 1)
    shards = (tmp_path / "1.csv", tmp_path / "2.csv")
    for command in ((*asked, tmp_path / "all.csv"), ("merge", tmp_path / "both.csv", "--force", *shards)):
        found = json.loads(printed(edgecnn(*command, "--json"), 1))
        assert (found["below_min_score"], found["unreadable"]) == (low, 1)
        assert found["counts"]["unknown"] == sure["unknown"] + low
        assert found["counts"]["unreadable"] == sure["unreadable"] + 1
        assert sum(found["counts"].values()) == len(images)
        said = edgecnn(*command)
        assert said.exit_code == 1
        for words in (
            f"{low} unknown (score too low)",
            f"{sure['unknown']} unknown,",
            "1 unreadable (no image)",
            f"{sure['unreadable']} unreadable,",
        ):
            assert words in f"{said.stdout.strip()},"


def test_without_it_nothing_is_unknown_and_no_guess_is_told(edgecnn: Run, model: Path) -> None:
    rows = json.loads(printed(edgecnn("classify", model, *SAMPLES, "--json")))
    assert [row["image"] for row in rows] == list(map(str, SAMPLES))
    assert all(set(row) == {"image", "predictions", "inverted", "note"} for row in rows)
    assert all(set(row["predictions"][0]) == {"label", "score", "index"} for row in rows)


def test_a_stopped_file_is_not_gone_on_with_below_another_score(edgecnn: Run, model: Path, tmp_path: Path) -> None:
    asked = ("classify", model, *SAMPLES, "--output", tmp_path / "rows.jsonl", "--min-score")
    with patch.object(Results, "finish", side_effect=KeyboardInterrupt):
        assert edgecnn(*asked, "0.7").exit_code == 1
    assert "was made with another model or other options" in sentence(edgecnn(*asked, "0.8", "--resume"))
    assert edgecnn(*asked, "0.7", "--resume").exit_code == 0


@pytest.mark.parametrize("score", ["1.5", "-0.1", "nan", "high"])
@pytest.mark.parametrize("command", ["classify", "evaluate", "live"])
def test_what_is_no_score_is_wrong_usage(command: str, score: str, edgecnn: Run, model: Path) -> None:
    images = [SAMPLES[0]] if command == "classify" else []
    said = sentence(edgecnn(command, model, *images, "--min-score", score), exit_code=2)
    assert "neither a score from 0 to 1 nor auto" in said


@pytest.mark.parametrize("command", ["classify", "live"])
def test_a_model_that_recommends_none_is_a_sentence(command: str, edgecnn: Run, tmp_path: Path) -> None:
    silent = write_scored(tmp_path / "silent.tflite", None)
    images = [SAMPLES[0]] if command == "classify" else ["--source", SAMPLES[0], "--no-page"]
    said = sentence(edgecnn(command, silent, *images, "--min-score", "auto"))
    assert "recommends no lowest score" in said and "give one yourself" in said


@pytest.mark.parametrize("option", ["--threshold", "--min-score"])
def test_live_takes_the_recommended_score_by_both_names(
    option: str, edgecnn: Run, model: Path, surest: dict[str, float]
) -> None:
    doubtful = min(surest, key=lambda name: surest[name])
    for image in (doubtful, max(surest, key=lambda name: surest[name])):
        watching = ("live", model, "--source", image, "--consecutive", "1", "--json", "--no-page", option, "auto")
        (change,) = (json.loads(line) for line in printed(edgecnn(*watching)).splitlines())
        assert (change["label"] == "unknown") == (surest[image] < 0.7) == (image == doubtful)


@pytest.fixture(scope="module")
def evaluated(edgecnn: Run, model: Path, few: Path, strangers: Path) -> dict[str, object]:
    arguments = ("--data", few, "--other", strangers, "--min-score", "auto", "--json")
    found: dict[str, object] = json.loads(edgecnn("evaluate", model, *arguments).stdout)
    return found


def test_evaluate_counts_answers_mistakes_and_strangers(
    evaluated: dict[str, object], few: Path, strangers: Path
) -> None:
    plain = Classifier("fashion-mnist")
    with np.load(few) as arrays:
        images, labels = arrays["x_test"].reshape(-1, 28, 28, 1), arrays["y_test"].ravel()
    answers = apply_temperature(plain.predict_all(images, calibrated=False), 1.7)
    others = np.stack([np.asarray(Image.open(path))[..., None] for path in sorted(strangers.iterdir())])
    theirs = apply_temperature(plain.predict_all(others, calibrated=False), 1.7).max(axis=1)
    best, kept = answers.max(axis=1), answers.max(axis=1) >= 0.7
    assert (evaluated["min_score"], evaluated["other_images"]) == (0.7, 30)
    assert evaluated["answered"] == kept.mean()
    assert evaluated["error"] == pytest.approx((answers.argmax(axis=1) != labels)[kept].mean())
    assert evaluated["other_answered"] == pytest.approx((theirs >= 0.7).mean())
    pairs = (best[:, None] > theirs) + (best[:, None] == theirs) / 2
    assert evaluated["auroc"] == pytest.approx(pairs.mean())


def test_a_folder_without_an_image_that_reads_is_a_sentence(
    edgecnn: Run, model: Path, few: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.png").write_text("no image")
    assert "holds no image that can be read" in sentence(edgecnn("evaluate", model, "--data", few, "--other", tmp_path))


@pytest.fixture(scope="module")
def run(edgecnn: Run, few: Path, strangers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that holds images back and knows strangers, in Keras and in int8."""
    pytest.importorskip("tensorflow")
    folder = tmp_path_factory.mktemp("run") / "run"
    training = ("train", "--data", few, "--epochs", "3", "--validation-split", "0.2", "--other", strangers)
    result = edgecnn(*training, "--output", folder)
    assert result.exit_code == 0, result.output
    assert "chosen with validation images" in result.stdout and "--min-score auto is" in result.stdout
    converted = edgecnn("convert", folder, "--data", few, "--no-activations")
    assert converted.exit_code == 0 and "chosen with validation images" in converted.stdout, converted.output
    return folder


def test_what_training_recommends_holds_in_int8(edgecnn: Run, run: Path, few: Path, strangers: Path) -> None:
    before = ModelCard.load(run / "card.json").confidence
    card = read_model(run / "model.int8.tflite").card
    assert before and card and card.confidence and before.source == card.confidence.source == "validation"
    after = card.confidence
    assert before.other_images == after.other_images == 30 and after.other_accepted == before.other_accepted
    assert before.coverage and after.coverage == pytest.approx(before.coverage, abs=0.1)
    assert after.error_after < after.error_before and before.error_after < before.error_before
    found = {}
    for name in ("model.keras", "model.int8.tflite"):
        arguments = ("--data", few, "--other", strangers, "--min-score", "auto", "--json")
        found[name] = json.loads(printed(edgecnn("evaluate", run / name, *arguments)))
    for own, figures in zip((before, after), found.values(), strict=True):
        assert figures["calibration_error"] == pytest.approx(own.error_after, abs=0.02)
        assert figures["answered"] == pytest.approx(own.coverage, abs=0.1)
        assert own.error_low <= figures["error"] <= own.error_high
    keras, int8 = found.values()
    assert int8["auroc"] == pytest.approx(keras["auroc"], abs=0.05)


def test_metrics_have_what_the_card_says_and_the_curves(run: Path) -> None:
    metrics, card = json.loads((run / "metrics.json").read_text()), json.loads((run / "card.json").read_text())
    assert metrics["confidence"] == card["confidence"] and metrics["risk_coverage"][-1]["coverage"] == 1
    bins = metrics["reliability_after"]
    assert sum(one["images"] for one in bins) == metrics["images"] and len(bins) == 15
    error = sum(one["images"] * abs(one["score"] - one["accuracy"]) for one in bins) / metrics["images"]
    assert error == pytest.approx(card["confidence"]["error_after"], abs=0.02)


def test_info_gives_the_advice(edgecnn: Run, model: Path) -> None:
    said = printed(edgecnn("info", model))
    assert "temperature 1.7, chosen with test images" in said and "--min-score auto is 0.7" in said
    assert f"{CONFIDENCE.error_before:.1%}" in said
