"""Every command in the README runs as written, and what it promises is so."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from edgecnn import ModelCard
from edgecnn.cli import COMMANDS
from edgecnn.convert import KerasModel
from edgecnn.device import Classifier
from edgecnn.model_file.container import read_model
from edgecnn.pixels.dataset import Dataset

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder in which all of the README's edgecnn commands have run, in their order."""
    folder = tmp_path_factory.mktemp("readme")
    lines = [line.split("  #")[0] for block in blocks("sh") for line in block.splitlines()]
    commands = [re.sub(r"^\w+/bin/", "", line) for line in lines if re.match(r"(\w+/bin/)?edgecnn ", line)]
    assert len(commands) == 8
    for command in commands:
        arguments = [sys.executable, "-m", *shlex.split(command)]
        result = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=600)
        assert result.returncode == 0, f"{command}\n{result.stderr}"
    return folder


def test_the_fast_recipe_reaches_91_3_percent(folder: Path) -> None:
    assert json.loads((folder / "runs/shoes/metrics.json").read_text())["accuracy"] >= 0.913


def test_int8_of_a_fresh_training_is_as_good_as_keras(folder: Path, fashion: Dataset) -> None:
    keras = KerasModel(folder / "runs/shoes/model.keras").predict_all(fashion.test.images).argmax(axis=1)
    int8 = Classifier(folder / "runs/shoes/model.int8.tflite").predict_all(fashion.test.images).argmax(axis=1)
    assert abs((keras == fashion.test.labels).mean() - (int8 == fashion.test.labels).mean()) <= 0.003
    assert (keras == int8).mean() >= 0.993


def test_the_figures_are_drawn(folder: Path) -> None:
    assert {"filter-2.png", "filter-30.png"} < {path.name for path in (folder / "features").iterdir()}


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_python_examples_run(number: int, folder: Path) -> None:
    command = [sys.executable, "-c", blocks("python")[number]]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`?make (\w+)`?", README):
        assert f"\n{target}:" in makefile


def test_every_command_is_in_the_table() -> None:
    for command in COMMANDS:
        assert f"| `edgecnn {command}" in README


def test_pictures_exist() -> None:
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", README)
    assert pictures and all((ROOT / picture).is_file() for picture in pictures)


def test_figures_of_the_bundled_model_are_those_of_its_card() -> None:
    card = read_model(ROOT / "edgecnn/models/fashion-mnist.int8.tflite").card
    assert isinstance(card, ModelCard) and card.parity
    parity = card.parity
    assert parity.interval_low and parity.interval_high
    for figure in (parity.keras_accuracy, parity.accuracy, parity.agreement):
        assert figure and f"{100 * figure:.2f} %" in README
    assert f"{100 * parity.interval_low:.2f} to {100 * parity.interval_high:.2f} %" in README
    assert f"{(ROOT / 'edgecnn/models/fashion-mnist.int8.tflite').stat().st_size:,}" in README
