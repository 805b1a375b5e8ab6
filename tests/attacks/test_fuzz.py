"""500 altered model files: each is refused with a sentence or answers as before, and none passes for signed."""

import random
import sys
from pathlib import Path
from typing import Any

import pytest

from edgecnn.model_file.container import read_model, unpack
from tests.attacks.fuzz import BASES, TINY, Counts, Worker, fuzz, judge, refused_by_a_fresh_process
from tests.attacks.mutator import Attack, Parts, altered

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits a process's memory as Unix does")
CORPUS = sorted(Path(__file__).with_name("corpus").glob("*.tflite"))


@pytest.fixture(scope="module")
def counts() -> Counts:
    return fuzz(500, seed=11)


def test_no_file_ends_in_a_traceback_a_crash_or_another_answer(counts: Counts) -> None:
    assert not counts.failures
    assert sum(counts.outcomes.values()) == 500
    assert counts.outcomes["refused"] > 350 and counts.outcomes["answers as before"] > 10


def test_files_of_every_kind_were_made(counts: Counts) -> None:
    assert len(counts.kinds) == 15 and min(counts.kinds.values()) > 5


@pytest.fixture(scope="module")
def worker() -> Any:
    worker = Worker(sys.executable, "-")
    yield worker
    worker.stop()


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_files_that_were_found_once_are_refused(path: Path, worker: Worker) -> None:
    found = worker.verdict(path)
    if found is None:  # it crashes the runtime
        assert refused_by_a_fresh_process(sys.executable, path)[0] == "crashes a runtime, refused by the trial"
    else:
        assert "refused" in found


HEALTHY = {
    "labels": ["a", "b"], "scores": [[0.9, 0.1], [0.2, 0.8]],
    "network": "1f", "probes_differ": 0.0, "is_doubted": False,
}  # fmt: skip
OTHERWISE = {**HEALTHY, "labels": ["b", "b"], "scores": [[0.4, 0.6], [0.2, 0.8]]}


@pytest.mark.parametrize(
    ("found", "resealed"),
    [
        ({"traceback": "Traceback (most recent call last): ..."}, False),
        ({"refused": "two\nlines of a refusal"}, False),
        ({"refused": ""}, False),
        ({"refused": "\x1b[2J and more"}, False),
        ({"bare": ["nothing of the kind"]}, False),
        (OTHERWISE, True),
        ({**OTHERWISE, "is_doubted": True}, True),
        ({**OTHERWISE, "network": "2e"}, False),
        ({**OTHERWISE, "network": "2e", "probes_differ": 0.05}, True),
        ({**HEALTHY, "scores": [[0.89, 0.11], [0.2, 0.8]]}, False),
    ],
)
def test_what_must_not_be_is_a_failure(found: dict[str, Any], resealed: bool) -> None:
    assert judge(found, HEALTHY, Attack("any", b"", resealed), TINY)[1]
    assert judge(HEALTHY, HEALTHY, Attack("any", b"", resealed), TINY) == ("answers as before", "")


@pytest.mark.parametrize("known", [{"probes_differ": 0.01}, {"probes_differ": 0.05, "is_doubted": True}])
def test_another_network_that_is_sealed_anew_is_told_by_its_probes_or_by_a_signature_alone(
    known: dict[str, Any],
) -> None:
    outcome, wrong = judge({**OTHERWISE, "network": "2e", **known}, HEALTHY, Attack("weights", b"", True), TINY)
    assert outcome.startswith("another network") and not wrong


def test_a_process_that_dies_is_no_sentence(tmp_path: Path) -> None:
    dies = tmp_path / "python"
    dies.write_text("#!/bin/sh\nkill -SEGV $$\n")
    dies.chmod(0o700)
    assert Worker(str(dies), "-").verdict(TINY) is None
    assert refused_by_a_fresh_process(str(dies), TINY)[0] == "crash"
    assert refused_by_a_fresh_process(sys.executable, TINY)[0] == "crash"  # it is not refused


def test_the_same_seed_makes_the_same_file_and_resealed_ones_are_sealed() -> None:
    data = TINY.read_bytes()
    once, again = (altered(data, random.Random("3 7")) for _ in range(2))
    assert once == again
    for path in BASES:
        parts = Parts.of(path.read_bytes())
        remade = Parts.of(parts.resealed())
        assert (remade.flatbuffer, dict(remade.members)["golden.bin"]) == (
            parts.flatbuffer,
            dict(parts.members)["golden.bin"],
        )
        assert read_model(path).card == unpack(parts.resealed(), "again").card
