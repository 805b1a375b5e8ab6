"""What one run writes, no other may write meanwhile, whichever the command."""

import shutil
from pathlib import Path

import pytest

from edgecnn import OutputError
from edgecnn.atomic_files import being_read, claimed
from edgecnn.convert import convert, parity
from edgecnn.model_file.bundled import bundled_models, sample_images
from edgecnn.pixels.dataset import Dataset
from edgecnn.train import train
from tests.support.command_line import Run, sentence
from tests.support.model_files import write_bare

BOOT = sample_images()[0]
REFERENCE = Path(__file__).parents[2] / "parity" / "reference"
WRITING: dict[str, tuple[tuple[str | Path, ...], str]] = {  # the arguments after the command, a file that it writes
    "classify": (("fashion-mnist", BOOT, "--output", "out/r.csv"), "out/r.csv"),
    "classify --force": (("fashion-mnist", BOOT, "--output", "out/r.jsonl", "--force"), "out/r.jsonl"),
    "classify --resume": (("fashion-mnist", BOOT, "--output", "out/r.csv", "--resume"), "out/r.csv"),
    "features": (("fashion-mnist.activations", BOOT, "--npz", "--output", "out"), "out/features.npz"),
    "samples": (("out",), f"out/{sample_images()[3].name}"),
    "pack": (("bare.tflite", "--output", "out/packed.tflite", "--labels", "labels.txt", "--input-range", "0", "1"),
             "out/packed.tflite"),
    "benchmark": (("fashion-mnist", "--runs", "10", "--output", "out/b.json"), "out/b.json"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRITING)
def test_a_second_run_says_who_writes_its_output_and_touches_nothing(
    case: str, edgecnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_bare(tmp_path / "bare.tflite", "fashion-mnist")
    Path("labels.txt").write_text("\n".join("abcdefghij"))
    arguments, output = WRITING[case]
    command = case.split()[0]
    with claimed([output], force=False):
        assert f"{output} is being written by process " in sentence(edgecnn(command, *arguments))
        assert [path.name for path in Path("out").iterdir()] == [f".{Path(output).name}.lock"]
    assert edgecnn(command, *arguments).exit_code == 0
    assert Path(output).is_file() and not list(Path("out").glob(".*"))


def test_a_second_training_or_conversion_of_a_run_is_refused(fashion: Dataset, tmp_path: Path) -> None:
    for name in ("model.keras", "card.json"):
        shutil.copy(REFERENCE / name, tmp_path)
    before = sorted(tmp_path.iterdir())
    with (
        claimed([tmp_path / "model.keras"], force=True),
        pytest.raises(OutputError, match=r"model\.keras is being writ"),
    ):
        train(tmp_path, fashion, force=True)
    with (
        claimed([tmp_path / "model.int8.activations.tflite"], force=True),
        pytest.raises(OutputError, match=r"model\.int8\.activations\.tflite is being written by process"),
    ):
        convert(tmp_path, fashion)
    assert sorted(tmp_path.iterdir()) == before


def a_converted_run(folder: Path) -> Path:
    for name in ("model.keras", "card.json"):
        shutil.copy(REFERENCE / name, folder)
    for infix in ("", ".activations"):
        shutil.copy(bundled_models()[f"fashion-mnist{infix}"], folder / f"model.int8{infix}.tflite")
    return folder


def test_a_run_that_is_trained_or_converted_is_read_by_none_meanwhile(
    fashion: Dataset, edgecnn: Run, tmp_path: Path
) -> None:
    run = a_converted_run(tmp_path)
    with claimed([run / "model.keras"], force=True):  # as edgecnn train does, from its first epoch on
        for read in (lambda: convert(run, fashion, scheme="float16"), lambda: parity(run, fashion)):
            with pytest.raises(OutputError, match=r"model\.keras is being written by process \d+ .* for it$"):
                read()
        assert "model.keras is being written by process " in sentence(edgecnn("report", run))
    for name in ("model.int8.tflite", "model.int8.activations.tflite"):
        with claimed([run / name], force=True), pytest.raises(OutputError, match=f"{name} is being written by process"):
            parity(run, fashion)
    assert not list(run.glob(".*")) and not list(run.glob("parity.*"))


def test_what_is_read_is_written_by_none_meanwhile(fashion: Dataset, tmp_path: Path) -> None:
    run = a_converted_run(tmp_path)
    with being_read([run / "model.keras"]), pytest.raises(OutputError, match=r"model\.keras is being read by process"):
        train(run, fashion, force=True)
    with (
        being_read([run / "model.int8.tflite"]),
        pytest.raises(OutputError, match=r"model\.int8\.tflite is being read by process"),
    ):
        convert(run, fashion, force=True)
    assert not list(run.glob(".*"))
