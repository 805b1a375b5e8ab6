"""The ladder names rung, layer and cause of models that were broken on purpose, and passes those that were not."""

import dataclasses
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from edgecnn import DelegateError, InputError, ModelCard, ModelFileError
from edgecnn.convert import Conversion, Gate, KerasModel, ParityReport, convert, convert_until, parity
from edgecnn.convert.comparison.ladder import mcnemar
from edgecnn.device import Classifier, Delegate
from edgecnn.model_file.container import CARD, GOLDEN, LABELS, pack, read_model
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.train import TrainingRun
from tests.support.command_line import Run

FILES = ("model.int8.tflite", "model.int8.activations.tflite")


@pytest.fixture
def run(small_run: TrainingRun, int8: Conversion, tmp_path: Path) -> Path:
    """A healthy run with its int8 files, to be broken."""
    assert int8.plain.path.parent == small_run.path
    for name in ("model.keras", "card.json", *FILES):
        shutil.copy(small_run.path / name, tmp_path)
    return tmp_path


def change_weights(run: Path, change: Callable[[dict[str, list[np.ndarray]]], None]) -> None:
    model = keras.models.load_model(run / "model.keras", compile=False)
    weights = {layer.name: layer.get_weights() for layer in model.layers}
    change(weights)
    for layer in model.layers:
        layer.set_weights(weights[layer.name])
    model.save(run / "model.keras")


def change_card(run: Path, change: Callable[[ModelCard], ModelCard]) -> None:
    """Of both int8 files."""
    for name in FILES:
        packed = read_model(run / name)
        assert packed.card and packed.golden
        card = change(packed.card)
        labels = "".join(f"{label}\n" for label in card.labels).encode()
        (run / name).write_bytes(
            pack(packed.flatbuffer, {CARD: card.to_json().encode(), LABELS: labels, GOLDEN: packed.golden})
        )


def cause(report: ParityReport) -> tuple[str, str, str]:
    (finding,) = [finding for finding in report.findings if finding.broken]
    assert not report.passed
    return finding.rung, finding.layer, finding.cause


REFERENCE = "int8, reference kernels"


def test_a_healthy_file_passes(run: Path, small: Dataset) -> None:
    report = parity(run, small)
    assert report.passed and [rung.name for rung in report.ladder.rungs] == [
        "Keras", "TFLite, float32", REFERENCE, "int8, default kernels",
    ]  # fmt: skip
    keras_says = KerasModel(run / "model.keras").predict_all(small.test.images)
    here = Classifier(run / FILES[0]).predict_all(small.test.images)
    last = report.ladder.rungs[-1]
    assert last.parity.agreement == (keras_says.argmax(axis=1) == here.argmax(axis=1)).mean()
    assert last.max_difference == pytest.approx(float(np.abs(keras_says - here).max()), abs=1e-6)
    assert min(layer.sqnr_db for layer in report.ladder.rungs[1].layers) > 100


def test_a_delegate_is_a_last_rung_and_named_where_it_computes_wrongly(run: Path, small: Dataset, library: str) -> None:
    some = dataclasses.replace(small, test=small.test.take(300))
    healthy = parity(run, some, delegate=Delegate(library))
    before, last = healthy.ladder.rungs[-2:]
    assert healthy.passed and last.name == "int8, pool_delegate.so"
    np.testing.assert_array_equal(last.probabilities, before.probabilities)
    wrong = parity(run, some, delegate=Delegate(library, (("wrong", "1"),)), force=True)
    assert cause(wrong) == ("int8, pool_delegate.so", "max_pooling2d", "kernels")
    with pytest.raises(DelegateError, match="no delegate library"):
        parity(run, some, delegate=Delegate("/no/such.so"), force=True)


def test_calibration_on_black_images_is_named(run: Path, small: Dataset) -> None:
    black = Split(np.zeros_like(np.asarray(small.train.images[:100])), small.train.labels[:100])
    convert(run, dataclasses.replace(small, train=black), force=True)
    report = parity(run, small)
    assert cause(report) == (REFERENCE, "conv2d", "saturated")
    assert "calibrate with images like those" in report.findings[0].words


def test_a_file_of_other_weights_is_named_with_the_layer_and_the_factor(
    run: Path, small: Dataset, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("model.keras", "card.json"):
        shutil.copy(run / name, other)

    def scale(weights: dict[str, list[np.ndarray]]) -> None:
        weights["conv2d_1"] = [1000 * values for values in weights["conv2d_1"]]

    change_weights(other, scale)
    convert(other, small)
    for name in FILES:
        shutil.copy(other / name, run)
    report = parity(run, small)
    assert cause(report) == (REFERENCE, "conv2d_1", "weights")
    factor = re.search(r"conv2d_1 are ([\d,.]+) times", report.findings[0].words)
    assert factor and float(factor[1].replace(",", "")) == pytest.approx(1000, rel=0.05)


def test_a_channel_that_dwarfs_the_others_is_named(run: Path, small: Dataset) -> None:
    def stretch(weights: dict[str, list[np.ndarray]]) -> None:
        # The same function: channel 5 a thousand times larger, and taken a thousandth of by the next layer.
        kernel, bias = weights["conv2d"]
        busiest = int(np.abs(kernel).sum(axis=(0, 1, 2)).argmax())
        order = [busiest if channel == 5 else 5 if channel == busiest else channel for channel in range(64)]
        kernel, bias, following = kernel[..., order], bias[order], weights["conv2d_1"][0][:, :, order]
        kernel[..., 5] *= 1000
        bias[5] *= 1000
        following[:, :, 5] /= 1000
        weights["conv2d"], weights["conv2d_1"][0] = [kernel, bias], following

    change_weights(run, stretch)
    convert(run, small, force=True)
    report = parity(run, small)
    rung, layer, why = cause(report)
    # The channel itself keeps its precision and dominates conv2d's own figure: the next layer feels the loss.
    assert (rung, layer, why) == (REFERENCE, "conv2d", "dwarfed") and "channel 5 " in report.findings[0].words


def test_labels_in_another_order_in_the_file_are_named(run: Path, small: Dataset) -> None:
    change_card(run, lambda card: dataclasses.replace(card, labels=card.labels[::-1]))
    assert cause(parity(run, small)) == (REFERENCE, "probabilities", "labels")


def test_labels_in_another_order_in_the_data_are_named(run: Path, small: Dataset) -> None:
    order = np.array([0, 1, 2, 5, 4, 3, 6, 7, 8, 9])
    swapped = dataclasses.replace(small, test=Split(small.test.images, order[small.test.labels]))
    report = parity(run, swapped)
    assert cause(report) == ("Keras", "probabilities", "labels")
    assert "Sandal for Dress" in report.findings[0].words and "Dress for Sandal" in report.findings[0].words


def test_other_preprocessing_in_the_file_is_named(run: Path, small: Dataset) -> None:
    change_card(run, lambda card: dataclasses.replace(card, input=dataclasses.replace(card.input, scale=(1 / 127.5,))))
    report = parity(run, small)
    assert cause(report) == (REFERENCE, "image", "preprocessing") and "0.00784314" in report.findings[0].words


def test_other_preprocessing_than_in_training_is_named(run: Path, small: Dataset) -> None:
    card = ModelCard.load(run / "card.json")
    changed = dataclasses.replace(card, input=dataclasses.replace(card.input, scale=(-1 / 255,), offset=(1.0,)))
    changed.save(run / "card.json")
    change_card(run, lambda card: dataclasses.replace(card, input=changed.input))
    assert cause(parity(run, small)) == ("Keras", "image", "preprocessing")


def test_report_is_one_page_with_the_same_figures_as_the_json(run: Path, small: Dataset) -> None:
    report = parity(run, small)
    page, figures = report.html.read_text(), json.loads(report.json.read_text())
    assert page.startswith("<!doctype html>") and "<script" not in page
    assert all(source.startswith("data:") for source in re.findall(r'(?:src|href)="(.*?)"', page))
    assert figures["passed"] and figures["images"] == 1000
    assert len(figures["flipped"]) == len(report.ladder.flipped)
    assert f"{100 * figures['rungs'][3]['accuracy']:.2f} %" in page
    changes = sum(entry["converted"] - entry["keras"] for entry in figures["classes"])
    assert changes == round(1000 * (figures["rungs"][3]["accuracy"] - figures["rungs"][0]["accuracy"]))
    for entry in figures["flipped"]:
        assert f"#{entry['image']}:" in page


def test_mcnemar_is_the_textbooks() -> None:
    # 10 against 2 discordant pairs: 2 * (1 + 12 + 66) / 4096.
    first = np.array([True] * 10 + [False] * 2 + [True] * 50)
    second = np.array([False] * 10 + [True] * 2 + [True] * 50)
    assert mcnemar(first, second) == pytest.approx(2 * 79 / 4096)
    assert mcnemar(first, first) == 1


def test_gates_fail_with_a_sentence(int8: Conversion) -> None:
    found = dataclasses.replace(int8.plain.parity, keras_accuracy=0.9, accuracy=0.895, agreement=0.99)
    assert Gate().failures(found) == Gate(0.5, 99).failures(found) == []
    assert "drops by 0.50 points, at most 0.4 may" in Gate(max_drop=0.4).failures(found)[0]
    assert "99.00%" in Gate(min_agreement=99.3).failures(found)[0]


def test_the_command_says_where_it_breaks_and_exits_1(run: Path, edgecnn: Run) -> None:
    some = ("--images", "500")
    good = edgecnn("parity", run, "--max-drop", "3", "--min-agreement", "95", *some)
    assert good.exit_code == 0 and "PASS" in good.output and (run / "parity.int8.html").exists()
    change_card(run, lambda card: dataclasses.replace(card, input=dataclasses.replace(card.input, scale=(1 / 127.5,))))
    gated = edgecnn("parity", run, "--min-agreement", "100", "--force", "--json", *some)
    assert gated.exit_code == 1 and json.loads(gated.stdout)["failures"]
    change_card(run, lambda card: dataclasses.replace(card, labels=card.labels[::-1]))
    bad = edgecnn("parity", run, "--force", *some)
    assert bad.exit_code == 1 and "BROKEN: int8, reference kernels, probabilities: labels" in bad.output


def test_what_is_missing_is_a_sentence(run: Path, small: Dataset) -> None:
    with pytest.raises(ModelFileError, match="edgecnn convert .* --mixed"):
        parity(run, small, scheme="mixed")
    with pytest.raises(InputError, match="unknown scheme"):
        parity(run, small, scheme="int4")  # type: ignore[arg-type]
    with pytest.raises(ModelFileError, match="not a run directory"):
        parity(run / "nowhere", small)


def test_the_first_scheme_that_passes_is_chosen(run: Path, small: Dataset) -> None:
    black = Split(np.zeros_like(np.asarray(small.train.images[:100])), small.train.labels[:100])
    spoilt = dataclasses.replace(small, train=black, test=small.test.take(400))  # whatever is calibrated fails
    told: list[str] = []
    made = convert_until(run, spoilt, Gate(min_agreement=99), force=True, progress=told.append)
    assert [conversion.scheme for conversion in made] == ["int8", "mixed", "int16x8", "float16"]
    (spoken,) = [line for line in told if line.startswith("int8: ")]
    assert f"{made[0].plain.size_bytes:,} bytes" in spoken and "would help most in " in spoken and " dB)" in spoken
    assert not Gate(min_agreement=99).failures(made[-1].plain.parity)
    with pytest.raises(InputError, match="needs a gate"):
        convert_until(run, small, Gate())


def test_automatic_choice_needs_a_gate_and_no_scheme(run: Path, edgecnn: Run) -> None:
    usage = edgecnn("convert", run, "--auto")
    assert usage.exit_code == 2 and "--auto needs a gate" in usage.output
    assert edgecnn("convert", run, "--auto", "--int8", "--max-drop", "1").exit_code == 2


@pytest.mark.parametrize("value", [float("nan"), -1.0, 101.0])
def test_gates_that_would_pass_everything_are_refused(value: float) -> None:
    with pytest.raises(InputError, match="must be 0 to 100"):
        Gate(max_drop=value)
    with pytest.raises(InputError, match="must be 0 to 100"):
        Gate(min_agreement=value)


def test_a_failed_gate_is_in_the_report(run: Path, small: Dataset) -> None:
    change_card(run, lambda card: dataclasses.replace(card, input=dataclasses.replace(card.input, scale=(1 / 127.5,))))
    report = parity(run, small, images=300, gate=Gate(min_agreement=100))
    assert report.failures and not report.passed
    assert "does not pass its gate" in report.html.read_text()
    assert json.loads(report.json.read_text())["failures"] == list(report.failures)


def test_labels_are_text_in_the_report(run: Path, small: Dataset) -> None:
    hostile = ("<script>", *small.labels[1:])
    card = dataclasses.replace(ModelCard.load(run / "card.json"), labels=hostile)
    card.save(run / "card.json")
    change_card(run, lambda card: dataclasses.replace(card, labels=hostile))
    page = parity(run, dataclasses.replace(small, labels=hostile), images=300).html.read_text()
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_files_that_do_not_belong_together_are_a_sentence(
    run: Path, small: Dataset, float32: Conversion, tmp_path: Path
) -> None:
    assert float32.activations
    shutil.copy(float32.activations.path, run / FILES[1])
    with pytest.raises(ModelFileError, match="is not the activations variant of model.int8.tflite"):
        parity(run, small, images=50)
    shutil.copy(run / FILES[0], run / FILES[1])
    with pytest.raises(ModelFileError, match="is of another network"):
        parity(run, small, images=50)
