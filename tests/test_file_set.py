"""Files of one set are read together, whoever replaces them meanwhile."""

import dataclasses
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edgecnn import ModelCard, ModelFileError
from edgecnn.atomic_files import together, write_bytes
from edgecnn.file_set import read_together
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import RunDirectory

REFERENCE = Path(__file__).parent / "parity" / "reference"


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    write((tmp_path / "model", tmp_path / "card"), "old")
    return tmp_path / "model", tmp_path / "card"


def write(paths: tuple[Path, Path], text: str) -> None:
    with together():
        for path in paths:
            write_bytes(path, text.encode())


def reader(paths: tuple[Path, Path], between: Callable[[], None]) -> Callable[[], tuple[str, str]]:
    """Reads both; `between` is what happens after the first."""

    def read() -> tuple[str, str]:
        first = paths[1].read_text()
        between()
        return first, paths[0].read_text()

    return read


def test_a_set_that_is_replaced_meanwhile_is_read_again(paths: tuple[Path, Path]) -> None:
    ahead = [lambda: write(paths, "new"), lambda: None]
    assert read_together(paths, reader(paths, lambda: ahead.pop(0)())) == ("new", "new")
    assert not ahead


def test_a_set_that_is_replaced_all_the_time_is_a_sentence(paths: tuple[Path, Path]) -> None:
    with pytest.raises(ModelFileError, match=r"model is replaced again and again; wait until what writes it has"):
        read_together(paths, reader(paths, lambda: write(paths, "another")))


def test_what_fails_is_tried_again_only_where_the_files_are_others_by_then(paths: tuple[Path, Path]) -> None:
    asked = [0]

    def refuse() -> str:
        asked[0] += 1
        if asked[0] == 1:
            write(paths, "new")
        if asked[0] < 3:
            raise ModelFileError("they contradict each other")
        return "read"

    with pytest.raises(ModelFileError, match="they contradict each other"):
        read_together(paths, refuse)
    assert asked == [2] and read_together(paths, refuse) == "read"


def test_a_file_that_is_about_to_take_its_place_is_waited_for(
    paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths[1].unlink()
    monkeypatch.setattr(time, "sleep", lambda _: paths[1].write_text("old"))

    def read() -> tuple[str, str]:
        if not paths[1].exists():
            raise ModelFileError("no card")
        return reader(paths, lambda: None)()

    assert read_together(paths, read) == ("old", "old")


def test_no_keras_model_is_read_beside_the_card_of_another(
    fashion: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorflow")
    from edgecnn.convert import KerasModel
    from edgecnn.train import RECIPES
    from edgecnn.train.distillation import query_teacher

    run, load = RunDirectory(tmp_path), ModelCard.load
    for path in (run.model, run.card):
        shutil.copy(REFERENCE / path.name, path)
    card = load(run.card)
    ahead, read = list[str](), list[str]()

    def load_late(path: Path) -> ModelCard:
        found = load(path)
        read.append(found.name)
        if ahead:  # another training has its first epoch just now
            with together():
                write_bytes(run.model, (REFERENCE / "model.keras").read_bytes())
                dataclasses.replace(card, name=ahead.pop()).save(run.card)
        return found

    monkeypatch.setattr(ModelCard, "load", staticmethod(load_late))
    ahead.append("next")
    assert KerasModel(run.model).card.name == "next"
    read = []
    few = dataclasses.replace(fashion, train=fashion.train.take(8))
    ahead.append("last")
    query_teacher(run.model, few, RECIPES["fast"], 0, lambda _: None)
    assert read == ["next", "last"]
