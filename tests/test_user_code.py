"""A user's own Python file runs once, with what lies beside it, whichever command reads it."""

from pathlib import Path

import pytest

from edgecnn import InputError
from edgecnn.user_code import sha256_of_files

pytest.importorskip("keras")

from edgecnn.convert.network.custom_code import load_objects
from edgecnn.train.architectures import build_network, find_builder, source_sha256

NET = """
import keras
import blocks_of_mine

class Own(keras.layers.Layer):
    pass

def net(shape, classes):
    return keras.Sequential([keras.Input(shape), keras.layers.Flatten(), blocks_of_mine.last(classes)])
"""
BLOCKS = """
import keras

def last(classes):
    return keras.layers.Dense(classes, activation="softmax")
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "blocks_of_mine.py").write_text(BLOCKS)
    return tmp_path / "net.py"


def test_a_file_may_import_what_lies_beside_it(own: Path) -> None:
    assert build_network(f"{own}:net", (4, 4, 1), 3).output_shape == (None, 3)
    find_builder(f"{own}:net")
    assert load_objects(own)["Own"] is load_objects(own)["Own"]


def activation(file: Path) -> str:
    name: str = build_network(f"{file}:net", (4, 4, 1), 3).layers[-1].activation.__name__
    return name


def test_a_file_that_was_edited_runs_again(own: Path) -> None:
    before = load_objects(own)["Own"]
    own.write_text(NET + "# another\n")
    assert load_objects(own)["Own"] is not before


def test_each_network_of_a_file_has_layers_of_its_own(own: Path) -> None:
    (own.parent / "blocks_of_mine.py").write_text(
        "import keras\nlayer = keras.layers.Dense(3, activation='softmax')\ndef last(_): return layer\n"
    )
    first, second = (build_network(f"{own}:net", (4, 4, 1), 3) for _ in range(2))
    assert first.layers[-1] is not second.layers[-1]


def test_its_functions_may_import_what_lies_beside_it_too(own: Path) -> None:
    first, import_, rest = NET.partition("import blocks_of_mine\n")
    own.write_text("import sys\nsys.path.pop(0)\n" + (first + rest).replace("    return", f"    {import_}    return"))
    assert "import blocks_of_mine\n    return" in own.read_text() and activation(own) == "softmax"


def test_files_of_one_name_in_two_folders_import_each_what_lies_beside_it(own: Path) -> None:
    other = own.parent / "other" / "net.py"
    other.parent.mkdir()
    other.write_text(NET)
    (other.parent / "blocks_of_mine.py").write_text(BLOCKS.replace("softmax", "sigmoid"))
    assert [activation(file) for file in (own, other, own)] == ["softmax", "sigmoid", "softmax"]
    assert load_objects(own)["Own"].__module__ != load_objects(other)["Own"].__module__


@pytest.mark.parametrize("edits_both", [False, True])
def test_what_lies_beside_a_file_is_read_anew_where_it_was_edited(edits_both: bool, own: Path) -> None:
    assert activation(own) == "softmax"
    (own.parent / "blocks_of_mine.py").write_text(BLOCKS.replace("softmax", "sigmoid"))  # of the same size
    if edits_both:
        own.write_text(NET + "# another\n")
    assert activation(own) == "sigmoid"


def test_of_a_package_beside_a_file_all_parts_are_read_anew(tmp_path: Path) -> None:
    package = tmp_path / "parts_of_mine"
    package.mkdir()
    (package / "__init__.py").write_text("from . import last\n")
    own = tmp_path / "net.py"
    for number, name in enumerate(("softmax", "sigmoid")):
        (package / "last.py").write_text(f"NAME = '{name}'\n")
        own.write_text(f"from parts_of_mine import last\ndef net(): return last.NAME, {number}\n")
        assert load_objects(own)["net"]() == (name, number)


def test_what_it_imports_from_beside_it_belongs_to_it(own: Path) -> None:
    before, alone = source_sha256(f"{own}:net"), sha256_of_files([own.parent / "blocks_of_mine.py"])
    (own.parent / "unrelated.py").write_text("")
    assert source_sha256(f"{own}:net") == before != alone
    (own.parent / "blocks_of_mine.py").write_text(BLOCKS + "# another\n")
    assert source_sha256(f"{own}:net") != before and sha256_of_files([]) == ""


def test_of_an_error_of_several_lines_the_first_is_told(own: Path) -> None:
    own.write_text("raise ValueError('this\\nand that')")
    for read in (lambda: find_builder(f"{own}:net"), lambda: load_objects(own)):
        with pytest.raises(InputError, match=r"net\.py does not run \(ValueError: this\); correct it$"):
            read()


@pytest.mark.parametrize("content", [b"def net(", b"\xff\xfe\0", b"x = " + b"+".join([b"1"] * 100_000)], ids=len)
def test_what_python_cannot_read_is_a_sentence(content: bytes, own: Path) -> None:
    own.write_bytes(content)
    for read in (lambda: find_builder(f"{own}:net"), lambda: load_objects(own)):
        with pytest.raises(
            InputError, match=r"net\.py does not run \((Syntax|Recursion|Memory|Value)Error: .*correct it$"
        ):
            read()
