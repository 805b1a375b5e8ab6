"""The first scheme that passes is chosen."""

import dataclasses
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from edgecnn import InputError
from edgecnn.convert import Gate, Preprocessing, adopt, convert_until
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.run_directory import RunDirectory
from tests.support.command_line import Run
from tests.support.foreign import save_pictures


def test_the_first_scheme_that_passes_is_chosen(copy: RunDirectory, small: Dataset) -> None:
    black = Split(np.zeros_like(np.asarray(small.train.images[:100])), small.train.labels[:100])
    spoilt = dataclasses.replace(small, train=black, test=small.test.take(60))  # whatever is calibrated fails
    told: list[str] = []
    made = convert_until(copy.path, spoilt, Gate(min_agreement=99), force=True, progress=told.append)
    assert [conversion.scheme for conversion in made] == ["int8", "mixed", "int16x8", "float16"]
    (untrained,) = [line for line in told if line.startswith("int8: ")]
    (spoken,) = [line for line in told if line.startswith("int8 with --qat: ")]
    assert told.index(untrained) < told.index(spoken) < [line[:6] for line in told].index("mixed:")
    assert f"{made[0].plain.size_bytes:,} bytes" in spoken and "would help most in " in spoken and " dB)" in spoken
    assert not Gate(min_agreement=99).failures(made[-1].plain.parity)
    with pytest.raises(InputError, match="needs a gate"):
        convert_until(copy.path, small, Gate())


def test_automatic_choice_needs_a_gate_and_no_scheme(copy: RunDirectory, edgecnn: Run) -> None:
    usage = edgecnn("convert", copy.path, "--auto")
    assert usage.exit_code == 2 and "--auto needs a gate" in usage.output
    assert edgecnn("convert", copy.path, "--auto", "--int8", "--max-drop", "1").exit_code == 2


def test_options_that_would_do_nothing_are_wrong_usage(copy: RunDirectory, edgecnn: Run) -> None:
    usage = edgecnn("convert", copy.path, "--float32", "--float16", "--dense-per-tensor")
    assert usage.exit_code == 2
    assert "--dense-per-tensor goes with --dynamic, --mixed, --int8, --int16x8" in " ".join(usage.output.split())


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunDirectory, Path]:
    """A run of a network that nobody trained, and photographs of two classes."""
    folder, layers = tmp_path_factory.mktemp("tiny"), keras.layers
    keras.utils.set_random_seed(0)
    stack = [keras.Input((8, 8, 3)), layers.Conv2D(2, 3, name="conv"), layers.Flatten()]
    keras.Sequential([*stack, layers.Dense(2, activation="softmax")]).save(folder / "net.keras")
    pictures = np.random.default_rng(0).integers(0, 256, (2, 6, 8, 8, 3), np.uint8)
    for name, some in zip("ab", pictures, strict=True):
        save_pictures(folder / "photos" / name, some)
    run = adopt(folder / "net.keras", ("a", "b"), folder / "run", Preprocessing((1 / 255,)))
    return RunDirectory(run), folder / "photos"


# What stands last, and the only file that is made.
REFUSALS: dict[str, tuple[tuple[object, ...], str, set[str]]] = {
    "a target that refuses the others": (
        ("--target", "edgetpu"), "no scheme passes, not even int8: .*; relax the gate$",
        {"model.int8.tflite", "model.int8.activations.tflite", "parity.int8.html", "parity.int8.json"},
    ),
    "too many images": (("--calibration-images", 13), "calibration images must be 1 to 12, the size of", set()),
    "a layer that is not there": (("--feature-layers", "nope"), "no convolution or pooling layer is called", set()),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_is_no_failed_gate(case: str, tiny: tuple[RunDirectory, Path], edgecnn: Run, tmp_path: Path) -> None:
    (options, words, made), (run, photos) = REFUSALS[case], tiny
    left = RunDirectory(tmp_path).tflite("float16")  # of another time: no report is about it
    left.write_bytes(b"of before")
    common = ("--representative", photos, "--min-accuracy", 100, "--force", "-o", tmp_path)
    climbed = edgecnn("convert", run.path, "--auto", *common, *options)
    assert climbed.exit_code == 1 and re.match(f"Error: {words}", climbed.stderr.splitlines()[-1]), climbed.stderr
    assert {path.name for path in tmp_path.iterdir()} - {left.name, "cache"} == made
    assert climbed.stderr.count("there are: conv") in (0, 2)  # once of the first scheme, and at the end
