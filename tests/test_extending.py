"""What docs/how-to/extend.md promises of conversions: a scheme is a row and its exporter, a target is one file."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn.convert.targets.table import DEFAULT_TARGET, TARGETS
from edgecnn.model_file.schemes import SCHEMES
from tests.support.tree_copy import TreeCopy

ROW = """    "brief": SchemeRow(
        summary="Weights as in dynamic, under another name.",
        price="that of dynamic.",
        tolerance=0.05,
    ),
"""
EXPORTER = """

@_exports("brief")
def _brief(source: ExportInput) -> bytes:
    source.converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return _convert(source.converter)
"""
TARGET = '''"""A till that takes small models."""

from edgecnn.errors import EdgecnnError

from .target import Target


class Till(Target):
    """A till."""

    name = "till"

    def require_supported(self, graph):
        if len(graph.operators) > 8:
            raise EdgecnnError("till: more than 8 operators; take layers out")

    def finish_file(self, path, graph):
        return None, (f"till: {len(graph.operators)} operators",)


TARGET = Till()
'''


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> TreeCopy:
    """A copy with one scheme and one target more."""
    made = TreeCopy(tmp_path_factory.mktemp("extended"))
    made.insert("edgecnn/model_file/schemes.py", "}\nDEFAULT_SCHEME", ROW)
    made.append("convert/tflite/exporters.py", EXPORTER)
    made.append("convert/targets/till.py", TARGET)
    return made


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny network with its labels and photographs beside it."""
    keras = pytest.importorskip("keras")
    folder = tmp_path_factory.mktemp("tiny")
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(4, 3), keras.layers.Flatten()]
    network = keras.Sequential([keras.Input((8, 8, 1)), *layers, keras.layers.Dense(2, activation="softmax")])
    network.save(folder / "tiny.keras")
    (folder / "labels.txt").write_text("a\nb\n")
    (folder / "photos").mkdir()
    for number, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (4, 8, 8), np.uint8)):
        Image.fromarray(pixels).save(folder / "photos" / f"{number}.png")
    return folder / "tiny.keras"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("convert", "--brief Weights as in dynamic"),
        ("convert", f"[{'|'.join((DEFAULT_TARGET, *sorted({*TARGETS, 'till'} - {DEFAULT_TARGET})))}]"),
        ("parity", f"[{'|'.join((*SCHEMES, 'brief'))}]"),
    ],
)
def test_help_names_them(command: str, words: str, tree: TreeCopy) -> None:
    assert words in " ".join(tree.run(command, "--help", COLUMNS="200").stdout.split())


def test_both_convert_and_the_file_passes(tree: TreeCopy, model: Path) -> None:
    beside = ("--labels", model.with_name("labels.txt"), "--representative", model.with_name("photos"))
    options = ("--brief", "--target", "till", "--json")
    made = tree.run("convert", model, *beside, *options)
    assert made.returncode == 0, made.stderr
    (conversion,) = json.loads(made.stdout)
    assert conversion["scheme"] == "brief" and conversion["notes"] == ["till: 4 operators"]
    assert conversion["plain"]["path"].endswith("model.brief.tflite") and conversion["bit_equal"]
    verified = tree.run("verify", conversion["plain"]["path"], "--json")
    assert verified.returncode == 0 and json.loads(verified.stdout)["tolerance"] == 0.05, verified.stderr


def test_a_scheme_without_an_exporter_is_a_sentence(model: Path, tmp_path: Path) -> None:
    bare = TreeCopy(tmp_path)
    bare.insert("edgecnn/model_file/schemes.py", "}\nDEFAULT_SCHEME", ROW)
    beside = ("--labels", model.with_name("labels.txt"), "--representative", model.with_name("photos"))
    made = bare.run("convert", model, *beside, "--brief", "-o", tmp_path / "out")
    assert made.returncode == 1 and "brief has no exporter" in made.stderr and "Traceback" not in made.stderr
