"""A file that never ran here is tried in a child process: once for each content, version of the runtime and user."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgecnn import DelegateError, InputError, ModelFileError
from edgecnn.device import Classifier, Delegate, FeatureExtractor, sample_images, verify
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.device.runtime.runtimes import find_runtime
from edgecnn.device.runtime.trial import try_model, vouch_for
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import pack_card, read_model
from tests.support.command_line import Run
from tests.support.model_files import card_and_golden

CORPUS = Path(__file__).parents[2] / "attacks" / "corpus"
SLOW_PROCESSOR = Path(__file__).parents[2] / "scripts" / "slow_processor.py"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of somebody who has run nothing yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file to which each child process adds a line."""
    log, program = tmp_path / "starts", tmp_path / "python"
    log.touch()
    program.write_text(f'#!/bin/sh\necho started >> {log}\nexec {sys.executable} "$@"\n')
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    return log


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A copy of a bundled model: not one of ours any more."""
    path = tmp_path / "model.tflite"
    path.write_bytes(find_model("fashion-mnist").read_bytes())
    return path


@pytest.fixture
def slow_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets a child take so many seconds for the first image, the second …, and the rest, where five are the limit."""
    monkeypatch.setattr("edgecnn.device.runtime.trial.TIMEOUT_S", 5)
    program, python = tmp_path / "python", sys.executable

    def slow_down(*seconds: float) -> None:
        each = ",".join(map(str, seconds))
        program.write_text(f'#!/bin/sh\nexec "{python}" "{SLOW_PROCESSOR}" {each} "$@"\n')
        program.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(program))

    return slow_down


def count(starts: Path) -> int:
    return len(starts.read_text().splitlines())


def altered(path: Path, start: int, content: bytes) -> Path:
    """The bundled model with other bytes in its network, and every digest made anew: as somebody would on purpose."""
    network = bytearray(read_model(find_model("fashion-mnist")).flatbuffer)
    network[start : start + len(content)] = content
    path.write_bytes(pack_card(bytes(network), *card_and_golden()))
    return path


def another(path: Path) -> Path:
    """The bundled model with one bit of its network changed."""
    place = 100_000
    return altered(path, place, bytes([read_model(find_model("fashion-mnist")).flatbuffer[place] ^ 1]))


def test_a_file_is_tried_once(file: Path, starts: Path, tmp_path: Path) -> None:
    for _ in range(3):
        Classifier(file)
    verify(file)
    assert count(starts) == 1
    other_name = tmp_path / "renamed.tflite"
    Classifier(file.rename(other_name))
    assert count(starts) == 1
    Classifier(another(tmp_path / "other.tflite"))
    assert count(starts) == 2


def test_verify_alone_does_not_vouch_for_the_answers(file: Path, starts: Path) -> None:
    verify(file)
    Classifier(file)
    assert count(starts) == 2


def test_a_file_that_ran_where_it_was_made_is_not_tried(file: Path, starts: Path, edgecnn: Run) -> None:
    vouch_for(read_model(file), RunOptions())
    Classifier(file)
    verify(file)
    assert count(starts) == 0
    assert edgecnn("info", file).exit_code == 0  # with other kernels it did not run
    assert count(starts) == 1


def test_another_version_of_the_runtime_tries_it(file: Path, starts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Classifier(file)
    package = sys.modules[find_runtime(None).module.__name__.partition(".")[0]]
    monkeypatch.setattr(package, "__version__", "of tomorrow", raising=False)
    Classifier(file)
    assert count(starts) == 2


def test_bundled_and_trusted_files_are_not_tried(file: Path, starts: Path) -> None:
    Classifier("fashion-mnist")
    FeatureExtractor("fashion-mnist.activations")
    Classifier(find_model("fashion-mnist"))
    Classifier(file, trust=True)
    assert count(starts) == 0


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root writes everywhere")
def test_a_home_that_cannot_be_written_costs_time_alone(file: Path, starts: Path, home: Path) -> None:
    home.mkdir(mode=0o500)
    for number in (1, 2):
        Classifier(file)
        assert count(starts) == number


@pytest.mark.parametrize("root", ["/proc/nowhere", "/dev/null"])
def test_a_cache_that_is_no_folder_costs_time_alone(
    root: str, file: Path, starts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", root)
    for number in (1, 2):
        assert Classifier(file).labels[0] == "T-shirt/top"
        assert count(starts) == number


def test_a_child_that_fails_is_asked_again(file: Path, starts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as context:
        context.setattr(sys, "executable", "/bin/false")
        with pytest.raises(ModelFileError, match="cannot be opened"):
            Classifier(file)
    Classifier(file)
    assert count(starts) == 1


def test_a_file_that_is_exchanged_meanwhile_is_refused(file: Path, tmp_path: Path) -> None:
    meant = read_model(file).card
    assert meant
    other = another(tmp_path / "other.tflite")
    try_model(file, RunOptions(), content=meant.provenance.flatbuffer_sha256)
    with pytest.raises(ModelFileError, match="was exchanged while it was opened"):
        try_model(other, RunOptions(), content=meant.provenance.flatbuffer_sha256)


def test_changed_weights_under_digests_made_anew_are_noticed_by_the_probes(tmp_path: Path) -> None:
    path = altered(tmp_path / "m.tflite", 60_000, bytes(40_000))
    for kind in (Classifier, FeatureExtractor):
        with pytest.raises(ModelFileError, match=r"does not answer its own golden probes as it did where it was made"):
            kind(path)
    assert not verify(path).passed
    assert Classifier(path, trust=True).labels


def test_a_file_that_crashes_a_runtime_is_a_sentence(
    old_python: Path, with_project: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    hostile = CORPUS / "crashes-tflite-runtime-2.14.tflite"
    for command in (("classify", hostile, sample_images()[0]), ("verify", hostile), ("info", hostile)):
        result = with_project(old_python, *command)
        assert result.returncode == 1 and not result.stdout
        assert result.stderr == f"Error: {hostile} crashes the runtime (Segmentation fault); it is damaged\n"


def test_a_slow_processor_that_gives_one_answer_after_the_other_does_not_hang(
    file: Path, slow_processor: Callable[..., None]
) -> None:
    slow_processor(0.6)  # the first run and twelve probes: 7.8 seconds
    Classifier(file)


def test_one_that_gives_none_hangs_and_is_said_to(file: Path, slow_processor: Callable[..., None]) -> None:
    slow_processor(60)
    with pytest.raises(ModelFileError, match=r"hung the runtime for 5 s; it is damaged, or .* with --trust"):
        Classifier(file)
    Classifier(file, trust=True)


def test_a_child_that_dies_between_two_probes_gives_no_step_for_a_reason(
    file: Path, slow_processor: Callable[..., None]
) -> None:
    slow_processor(0, 0, -1)  # at its third run it ends itself
    with pytest.raises(ModelFileError, match=r"model\.tflite cannot be opened$"):
        Classifier(file)


def test_a_delegate_that_is_given_longer_to_load_has_it(slow_processor: Callable[..., None]) -> None:
    slow_processor(4)
    with pytest.raises(DelegateError, match=r"within 3 s; .* with --delegate-timeout"):
        Classifier("fashion-mnist", delegate=Delegate("cpu", isolate=True, timeout_s=3))
    slow_processor(4, 0)
    Classifier("fashion-mnist", delegate=Delegate("cpu", isolate=True, timeout_s=30))


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "60", None, True])
def test_a_time_to_load_is_seconds(seconds: Any) -> None:
    with pytest.raises(InputError, match="timeout_s must be seconds"):
        Delegate("cpu", timeout_s=seconds)


def test_a_process_of_its_own_has_as_long_as_its_parent_gives_it(slow_processor: Callable[..., None]) -> None:
    slow_processor(0.3, 11, 0)  # fifty times the first run are fifteen seconds; without that, an alarm comes after ten
    isolated = Classifier("fashion-mnist", delegate=Delegate("cpu", isolate=True, timeout_s=5))
    sample = sample_images()[0]
    assert isolated.classify(sample) == Classifier("fashion-mnist").classify(sample)
