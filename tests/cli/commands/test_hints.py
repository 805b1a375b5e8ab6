"""A line that a conversion or a comparison says to run does run, wherever files lie and whatever they are called."""

import re
import shlex
from pathlib import Path

import keras
import numpy as np
import pytest

from edgecnn.convert import Preprocessing, adopt
from tests.support.command_line import Outcome, Run, sentence
from tests.support.foreign import save_pictures

layers = keras.layers


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody trained, of 60 classes: in 8 bits many images have two best ones."""
    folder = tmp_path_factory.mktemp("hints")
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 1))
    x = layers.Flatten()(layers.Conv2D(4, 3, activation="relu")(image))
    keras.Model(image, layers.Dense(60, activation="softmax")(x)).save(folder / "net.keras")
    save_pictures(folder / "some photos", np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), np.uint8))
    labels = [f"class {number}" for number in range(60)]
    return adopt(folder / "net.keras", labels, folder / "a run", Preprocessing((1 / 255,)))


def follow(edgecnn: Run, said: str, photos: Path) -> Outcome:
    """Run the line of `edgecnn` in what was said, with the same images."""
    (line,) = re.findall(r"edgecnn (.*?)(?:, with the same images.*|$)", said)
    return edgecnn(*shlex.split(line), "--representative", photos)


def test_the_line_that_is_advised_runs(run: Path, edgecnn: Run, tmp_path: Path) -> None:
    photos, files = run.parent / "some photos", tmp_path / "the files"
    convert = ("convert", run, "--representative", photos, "--int8", "-o", files)
    bare = edgecnn(*convert, "--no-activations")
    (warning,) = [line for line in bare.stderr.splitlines() if "answers otherwise" in line]
    assert "converted again without --no-activations, edgecnn parity" in warning
    missing = follow(edgecnn, warning, photos)
    assert missing.exit_code == 1 and "make it with edgecnn convert" in sentence(missing)
    made = follow(edgecnn, sentence(missing), photos)  # over what is there, where it was looked for
    assert made.exit_code == 0, made.output
    (warning,) = [line for line in made.stderr.splitlines() if "answers otherwise" in line]
    compared = follow(edgecnn, warning, photos)
    assert compared.exit_code == 1 and "BROKEN" in compared.stdout, compared.output
    assert (files / "parity.int8.html").is_file() and not list(run.glob("*.tflite"))
