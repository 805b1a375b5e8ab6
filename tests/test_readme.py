"""The README is short and plain, and what it promises is so."""

import re
from pathlib import Path

import numpy as np

from edgecnn import ModelCard
from edgecnn.model_file.container import read_model

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
FIGURES = (ROOT / "docs/explanation/figures.md").read_text()
MODEL = ROOT / "edgecnn/models/fashion-mnist.int8.tflite"


def sentences(text: str) -> list[str]:
    """The sentences of the running text: no headings, tables, programs or pictures."""
    text = re.sub(r"^```.*?^```", "\n", text, flags=re.DOTALL | re.MULTILINE)
    paragraphs = [p for p in re.split(r"\n\s*\n", text) if p.strip() and p.strip()[0] not in "#|!"]
    joined = [" ".join(re.sub(r"\]\([^)]*\)", "]", paragraph).split()) for paragraph in paragraphs]
    return [sentence for paragraph in joined for sentence in re.split(r"(?<=[.?!:])\s+", paragraph) if sentence]


def test_it_has_at_most_120_lines() -> None:
    assert len(README.splitlines()) <= 120


def test_its_sentences_are_short() -> None:
    lengths = [len(sentence.split()) for sentence in sentences(README)]
    assert len(lengths) > 20
    assert np.mean(lengths) <= 13


def test_every_folder_is_in_the_tree() -> None:
    tree = re.findall(r"^(\w+)/ ", README, re.MULTILINE)
    assert tree == ["train", "convert", "device", "edgecnn", "examples", "docs", "benchmarks", "tests"]
    assert all((ROOT / folder).is_dir() for folder in tree)


def test_figures_of_the_bundled_model_are_those_of_its_card() -> None:
    card = read_model(MODEL).card
    assert isinstance(card, ModelCard) and card.parity
    parity = card.parity
    assert parity.interval_low and parity.interval_high and parity.accuracy
    for figure in (parity.keras_accuracy, parity.accuracy, parity.agreement):
        assert figure and f"{100 * figure:.2f} %" in FIGURES
    assert f"{100 * parity.interval_low:.2f} to {100 * parity.interval_high:.2f} %" in FIGURES
    for page in (FIGURES, README):
        assert f"{100 * parity.accuracy:.2f} %" in page
        assert f"{MODEL.stat().st_size:,}" in page
