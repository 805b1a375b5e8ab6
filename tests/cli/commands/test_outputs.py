"""What one run writes, no other may write meanwhile, whichever the command."""

import shutil
from pathlib import Path

import pytest

from edgecnn import OutputError
from edgecnn.atomic_files import claimed
from edgecnn.convert import convert
from edgecnn.model_file.bundled import sample_images
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
