"""The comparison writes one report, twice, and refuses what cannot be compared."""

import dataclasses
import hashlib
import json
import re
import shutil
import zipfile
from datetime import datetime, timezone
from pathlib import Path

import flatbuffers
import pytest
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn import InputError, ModelCard, ModelFileError
from edgecnn.convert import Conversion, Gate, parity
from edgecnn.device import verify
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import RunDirectory
from tests.convert.comparison.conftest import change_card
from tests.support.command_line import Run, printed
from tests.support.model_files import fields_of_card, repacked
from tests.support.planted import edit
from tests.support.ssh_keys import make_key


def test_report_is_one_page_with_the_same_figures_as_the_json(run: RunDirectory, some: Dataset) -> None:
    report = parity(run.path, some)
    page, figures = report.html.read_text(), json.loads(report.json.read_text())
    assert page.startswith("<!doctype html>") and "<script" not in page
    assert all(source.startswith("data:") for source in re.findall(r'(?:src|href)="(.*?)"', page))
    assert figures["passed"] and figures["images"] == 300
    assert len(figures["flipped"]) == len(report.ladder.flipped)
    assert f"{100 * figures['rungs'][-1]['accuracy']:.2f} %" in page
    changes = sum(entry["converted"] - entry["keras"] for entry in figures["classes"])
    assert changes == round(300 * (figures["rungs"][-1]["accuracy"] - figures["rungs"][0]["accuracy"]))
    for entry in figures["flipped"]:
        assert f"#{entry['image']}:" in page


def test_the_report_says_which_files_it_is_of_and_info_says_the_same(
    run: RunDirectory, some: Dataset, tmp_path: Path, edgecnn: Run
) -> None:
    report = parity(run.path, some, images=20)
    page, compared = report.html.read_text(), json.loads(report.json.read_text())["compared"]
    files = [run.tflite("int8"), run.tflite("int8", activations=True)]
    seals = [zipfile.ZipFile(path).comment.decode()[-64:] for path in files]
    of_keras = hashlib.sha256(run.model.read_bytes()).hexdigest()
    assert [(one["name"], one["size_bytes"]) for one in compared["files"]] == [
        (path.name, path.stat().st_size) for path in files
    ]
    assert [one["seal_sha256"] for one in compared["files"]] == seals and seals[0] != seals[1]
    assert (compared["keras_sha256"], compared["dataset_sha256"]) == (of_keras, some.sha256)
    assert all(f">{name}<" in page for name in seals) and of_keras in page and compared["runtime"] in page
    assert abs((datetime.now(timezone.utc) - datetime.fromisoformat(compared["created"])).total_seconds()) < 600
    make_key(tmp_path, "key")
    assert edgecnn("sign", files[0], "--key", tmp_path / "key").exit_code == 0
    said = printed(edgecnn("info", files[0]))
    assert f"SHA-256 {seals[0]}" in said and f"a file with SHA-256 {of_keras}" in said
    assert "ssh-ed25519" in said


def test_a_failed_gate_is_in_the_report(run: RunDirectory, small: Dataset) -> None:
    change_card(run, lambda card: dataclasses.replace(card, input=dataclasses.replace(card.input, scale=(1 / 127.5,))))
    report = parity(run.path, small, images=100, gate=Gate(min_agreement=100))
    assert report.failures and not report.passed
    assert "does not pass its gate" in report.html.read_text()
    figures, places = json.loads(report.json.read_text()), small.test.drawn(100)[report.ladder.flipped]
    assert figures["failures"] == list(report.failures)
    assert [one["image"] for one in figures["flipped"]] == places.tolist()  # of the whole test split
    truth = [small.labels[label] for label in small.test.labels[places]]
    assert [one["label"] for one in figures["flipped"]] == truth
    assert f"#{places[0]}: {truth[0]}" in report.html.read_text()


def test_labels_are_text_in_the_report(run: RunDirectory, small: Dataset) -> None:
    hostile = ("<script>", *small.labels[1:])
    card = dataclasses.replace(ModelCard.load(run.card), labels=hostile)
    card.save(run.card)
    change_card(run, lambda card: dataclasses.replace(card, labels=hostile))
    page = parity(run.path, dataclasses.replace(small, labels=hostile), images=100).html.read_text()
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_the_command_says_where_it_breaks_and_exits_1(run: RunDirectory, edgecnn: Run) -> None:
    some = ("--images", "100")
    good = edgecnn("parity", run.path, "--max-drop", "3", "--min-agreement", "95", *some)
    assert good.exit_code == 0 and "PASS" in good.output and run.parity_report("int8", "html").exists()
    change_card(run, lambda card: dataclasses.replace(card, input=dataclasses.replace(card.input, scale=(1 / 127.5,))))
    gated = edgecnn("parity", run.path, "--min-agreement", "100", "--force", "--json", *some)
    assert gated.exit_code == 1 and json.loads(gated.stdout)["failures"]
    change_card(run, lambda card: dataclasses.replace(card, labels=card.labels[::-1]))
    bad = edgecnn("parity", run.path, "--force", *some)
    broken = "BROKEN: int8, dequantized weights, float arithmetic, probabilities: labels"
    assert bad.exit_code == 1 and f"{broken} stand in another order" in bad.output
    change_card(run, lambda card: dataclasses.replace(card, labels=(*card.labels[1:], "renamed")))
    renamed = edgecnn("parity", run.path, "--force", *some)
    assert renamed.exit_code == 1 and f"{broken} are others" in renamed.output


def test_what_is_missing_is_a_sentence(run: RunDirectory, small: Dataset) -> None:
    with pytest.raises(ModelFileError, match=r"edgecnn convert .* --mixed"):
        parity(run.path, small, scheme="mixed")
    with pytest.raises(InputError, match="unknown scheme"):
        parity(run.path, small, scheme="int4")  # type: ignore[arg-type]
    with pytest.raises(ModelFileError, match="not a run directory"):
        parity(run.path / "nowhere", small)


def test_weights_that_lie_behind_the_flatbuffer_are_not_passed_over(run: RunDirectory, small: Dataset) -> None:
    edit(run, "int8", put_largest_behind)
    assert verify(run.tflite("int8")).passed  # the runtime finds them
    with pytest.raises(ModelFileError, match=r"the weights of .*model\.int8\.tflite lie where they cannot be compared"):
        parity(run.path, small, images=50)


def put_largest_behind(edited: bytearray) -> None:
    """As the quantizer of mixed does with all constants, from 256 KiB on."""
    model = schema.ModelT.InitFromPackedBuf(bytes(edited), 0)
    buffer = max(model.buffers, key=lambda one: 0 if one.data is None else len(one.data))
    data = bytes(buffer.data)
    buffer.data, buffer.offset, buffer.size = None, 1 << 24, len(data)
    buffer.offset = -(-len(tables_of(model)) // 16) * 16  # they are as long wherever it lies
    edited[:] = tables_of(model).ljust(buffer.offset, b"\0") + data


def tables_of(model: schema.ModelT) -> bytes:
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_files_that_do_not_belong_together_are_a_sentence(
    run: RunDirectory, small: Dataset, float32: Conversion
) -> None:
    assert float32.activations
    own = shutil.copy(run.tflite("int8", activations=True), run.path / "own.tflite")
    shutil.copy(float32.activations.path, run.tflite("int8", activations=True))
    with pytest.raises(ModelFileError, match=r"is not the activations variant of model\.int8\.tflite"):
        parity(run.path, small, images=50)
    fields = fields_of_card(own)
    repacked(
        run.tflite("int8", True),
        own,
        fields={**fields, "quantization": {**fields["quantization"], "calibration_seed": 9}},
    )
    with pytest.raises(ModelFileError, match=r"is not the activations variant of model\.int8\.tflite"):
        parity(run.path, small, images=50)
    shutil.copy(run.tflite("int8"), run.tflite("int8", activations=True))
    with pytest.raises(ModelFileError, match="is of another network"):
        parity(run.path, small, images=50)
