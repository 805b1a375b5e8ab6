"""Files of class names as people have them: what says an order is obeyed, and said."""

import json
import unicodedata
import warnings
from pathlib import Path

import pytest

from edgecnn import EdgecnnWarning, InputError
from edgecnn.convert import read_labels


def saved(folder: Path, content: str | bytes, name: str = "labels.txt") -> Path:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / name


NAMES = ("cat", "dog", "red fox")
SAID = [  # name, content, words of the warning
    ("labels.txt", "0 cat\n1 dog\n2 red fox\n", "are numbered"),
    ("labels.txt", "2  red fox\n0  cat\n1  dog", "are numbered"),
    ("labels.txt", "1: dog\r\n0: cat\r\n2: red fox\r\n", "are numbered"),
    ("labels.txt", "0\tcat\n1\tdog\n2\tred fox\n", "are numbered"),
    ("labels.txt", "0,cat\n2,red fox\n1,dog\n", "are numbered"),
    ("labels.txt", "00. cat\n01. dog\n02. red fox", "are numbered"),
    ("labels.txt", b"\xef\xbb\xbf0 cat\n1 dog\n2 red fox\n", "are numbered"),
    ("labels.txt", "cat\ndog\nred fox\n".encode("utf-16"), "is UTF-16"),
    ("labels.txt", b"\xfe\xff" + "cat\ndog\nred fox\n".encode("utf-16-be"), "is UTF-16"),
    ("class_indices.json", json.dumps({"dog": 1, "cat": 0, "red fox": 2}), "the order of its names"),
    ("class_indices.json", json.dumps({"1": "dog", "0": "cat", "2": "red fox"}), "the order of its names"),
    ("labels.txt", '{"red fox": 2, "cat": 0, "dog": 1}', "the order of its names"),
    ("labels.txt", "dog,1\nred fox,2\ncat,0\n", "are numbered"),
    ("labels.txt", "dog: 1\nred fox: 2\ncat: 0\n", "are numbered"),
    ("labels.txt", "dog=1\ncat=0\nred fox=2\n", "are numbered"),
    ("labels.txt", "1 -> dog\n0 -> cat\n2 -> red fox\n", "are numbered"),
    ("labels.txt", "[1] dog\n[0] cat\n[2] red fox\n", "are numbered"),
    ("labels.txt", "1\uff1adog\n0\uff1acat\n2\uff1ared fox\n", "are numbered"),
    ("labels.txt", "1\u3000dog\n0\u3000cat\n2\u3000red fox\n", "are numbered"),
    ("labels.csv", "1 dog\n0 cat\n2 red fox\n", "are numbered"),
    ("labels.txt", '"cat"\n"dog"\n"red fox"\n', "quotation marks"),
    ("labels.txt", "'cat',\n'dog',\n'red fox'\n", "quotation marks"),
    ("labels.txt", "cat,\ndog,\nred fox\n", "a comma ends the lines"),
    ("labels.csv", "mid,index,display_name\n/m/1,1,dog\n/m/0,0,cat\n/m/2,2,red fox\n", "column 2 .* in column 3"),
    ("labels.csv", "index,name\n1,dog\n0,cat\n2,red fox\n", "column 1 .* names in column 2"),
    ("labels.csv", "dog;1\nred fox;2\ncat;0\n", "column 2 .* names in column 1"),
    ("labels.csv", "id,colour,label\n0,grey,cat\n2,red,red fox\n1,brown,dog\n", "column 1 .* names in column 3"),
    ("labels.csv", "label\ncat\ndog\nred fox\n", "heading"),
]


@pytest.mark.parametrize(("name", "content", "words"), SAID)
def test_an_order_that_a_file_gives_is_obeyed_and_said(
    name: str, content: str | bytes, words: str, tmp_path: Path
) -> None:
    with pytest.warns(EdgecnnWarning, match=words):
        assert read_labels(saved(tmp_path, content, name)) == NAMES


@pytest.mark.parametrize(
    ("content", "names", "words"),
    [
        ("0 stars\n1 stars\n2 stars\n", ("0 stars", "1 stars", "2 stars"), "differ by their numbers alone"),
        ("cat,0\ncat,1\n", ("cat,0", "cat,1"), "differ by their numbers alone"),
        ("0 cats\n1 cat\nmany cats\n", ("0 cats", "1 cat", "many cats"), "line 3, 'many cats', does not"),
        ("cat 1\ndog 0\n", ("cat 1", "dog 0"), "ends with a number, 0 to 1: .* put them in front"),
        ("0 cat\nbird\n2 dog\n", ("0 cat", "bird", "2 dog"), "line 2, 'bird', does not"),
    ],
)
def test_numbers_that_may_be_names_are_kept_and_said(
    content: str, names: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    with pytest.warns(EdgecnnWarning, match=words):
        assert read_labels(saved(tmp_path, content)) == names


@pytest.mark.parametrize("line", ["2", "2:"])
def test_a_number_without_its_name_is_refused(line: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 3 has a number and no name"):
        read_labels(saved(tmp_path, f"0 cat\n1 dog\n{line}\n"))


AS_THEY_STAND = [
    ("labels.txt", b"\xef\xbb\xbfcat\n7up\n3D printer\n", ("cat", "7up", "3D printer")),
    ("labels.txt", "0\n1\n2\n", ("0", "1", "2")),
    ("labels.txt", "50 euro\nno note\n", ("50 euro", "no note")),
    ("labels.txt", "0.5 mm\n1.5 mm\n", ("0.5 mm", "1.5 mm")),
    ("labels.csv", "dog\ncat\n", ("dog", "cat")),
    ("labels.txt", '"big" cat\ndog, small\n', ('"big" cat', "dog, small")),
    ("labels.txt", "class 1\nclass 0\n", ("class 1", "class 0")),
    ("labels.txt", "نیم\u200cفاصله\nکتاب\n", ("نیم\u200cفاصله", "کتاب")),  # noqa: RUF001
    ("labels.txt", "big\u00a0cat\ndog\n", ("big\u00a0cat", "dog")),
    ("labels.json", '["dog", "cat"]', ("dog", "cat")),
]


@pytest.mark.parametrize(("name", "content", "names"), AS_THEY_STAND)
def test_names_stand_in_output_order_and_numbers_in_them_stay(
    name: str, content: str | bytes, names: tuple[str, ...], tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_labels(saved(tmp_path, content, name)) == names


@pytest.mark.parametrize("content", ["1 cat\n2 dog\n", "5 euro\n50 euro\n", "0 cat\n0 dog\n", "0 cat\n2 dog\n"])
def test_other_numbers_stay_in_the_names_and_this_is_said(content: str, tmp_path: Path) -> None:
    with pytest.warns(EdgecnnWarning, match="are not 0 to 1: .* the numbers are part of the names"):
        assert read_labels(saved(tmp_path, content)) == tuple(content.splitlines())


def test_keras_names_that_are_digits_are_names(tmp_path: Path) -> None:
    with pytest.warns(EdgecnnWarning, match="order of its names"):  # class_indices of the folders 0, 1 and 10
        assert read_labels(saved(tmp_path, '{"0": 0, "1": 1, "10": 2}', "a.json")) == ("0", "1", "10")


@pytest.mark.filterwarnings("ignore::edgecnn.EdgecnnWarning")
@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("labels.txt", "", "must name 2 classes"),
        ("labels.txt", "a\n\nb\n", "line 2 is empty"),
        ("labels.txt", "2 a\n0 a\n1 b\n", "name 3 repeats 'a'"),
        ("labels.txt", "a\u2028b\nc\n", "line 1, .*, holds a character that is no text"),
        ("labels.txt", "a\u202eb\nc\n", "line 1, .*, holds a character that is no text"),
        ("names.yaml", "0: cat\n1: dog\n", "is YAML, which is not read; give a text file"),
        ("labels.txt", b"caf\xe9\nbar\n", "not UTF-8 text; save it as UTF-8"),
        ("labels.txt", "cat\ndog\n".encode("utf-16-le"), "as UTF-16 without its mark"),
        ("labels.json", '{"cat": 1, "dog": 2}', "its numbers 0 to n - 1"),
        ("labels.json", '{"cat": 0, "cat": 1}', "repeats 'cat'"),
        ("labels.json", '{"cat": true, "dog": 0}', "must hold"),
        ("labels.json", '{"0": ["n1", "cat"], "1": ["n2", "dog"]}', "must hold"),
        ("labels.json", "[[1], 2]", "must hold"),
        ("labels.json", "[" * 9000, "does not read as JSON"),
        ("labels.json", '{"cat": 0', "does not read as JSON"),
        ("labels.json", "{}", "must hold"),
        ("labels.csv", "", "must have a column"),
        ("labels.csv", "a,b\nc\n", "row 2 has 1 columns, the first has 2"),
        ("labels.csv", "cat,black\ndog,white\n", "must have a column of class names"),
        ("labels.csv", "0,cat,black\n1,dog,white\n", "must have a column of class names"),
    ],
)
def test_what_names_no_classes_is_a_sentence(name: str, content: str | bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        read_labels(saved(tmp_path, content, name))


@pytest.mark.parametrize("name", ["labels.txt", "labels.csv", "labels.json"])
def test_a_macs_names_are_read_as_others_write_them(name: str, tmp_path: Path) -> None:
    names = [unicodedata.normalize("NFD", word) for word in ("chêne", "érable")]
    content = json.dumps(names) if name.endswith("json") else "".join(f"{word}\n" for word in names)
    assert read_labels(saved(tmp_path, content, name)) == ("chêne", "érable")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("label.txt", "did you mean .*labels.txt"),
        ("pets.json", "check its name"),
        ("no/labels.txt", "check the folder"),
    ],
)
def test_a_missing_file_is_told_what_may_be_meant(name: str, advice: str, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    with pytest.raises(InputError, match=f"cannot read the labels .*{name}: No such file or directory; {advice}"):
        read_labels(tmp_path / name)
