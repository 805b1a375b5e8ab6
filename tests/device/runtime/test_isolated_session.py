"""A delegate that crashes, hangs or ends its process while it computes: no image is lost, and none comes twice."""

import os
import pickle
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from edgecnn import DelegateError, EdgecnnWarning
from edgecnn.convert import Conversion
from edgecnn.device import Classifier, Delegate, FeatureExtractor
from edgecnn.device.runtime.isolated_session import IsolatedSession
from edgecnn.device.runtime.loading import open_model
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.device.runtime.score_reader import ScoreReader
from edgecnn.model_file.bundled import sample_images
from edgecnn.pixels.dataset import Dataset
from tests.support.command_line import Run, in_new_process, sentence
from tests.support.processes import below, in_a_fork, in_time, running_with
from tests.support.waiting import until

LOADING = 1 + 12  # calls: a first run and the golden probes
# What it does while it computes, and what is said then.
DEATHS = [
    ("crash_invoke", r"crashes \(Segmentation fault\)"),
    ("abort_invoke", r"crashes \(Aborted\)"),
    ("kill_invoke", "the process of .* was killed, as the system does where memory runs out"),
    ("exit_invoke", "ends its process without a result"),
    ("throw_invoke", r"crashes \(Segmentation fault|Aborted\)|fails to compute"),
    ("fail_invoke", r"fails to compute \(pool delegate: told to fail in invoke\\x1b\[2J"),
    ("scrawl_invoke", "writes to descriptors that are not its own, where only answers belong"),
    ("shape_invoke", r"fails to compute \(its probabilities are int8 \(1, 5\), and not int8 \(1, 10\)\)"),
    ("hang_invoke", "hangs: it gave no result within [0-9.]+ s"),
]


@pytest.fixture(scope="module")
def images(fashion: Dataset) -> np.ndarray:
    return np.asarray(fashion.test.images[:8])


@pytest.fixture(scope="module")
def expected(images: np.ndarray) -> np.ndarray:
    return Classifier("fashion-mnist").predict_all(images)


def told(library: str, options: dict[str, object], fallback: bool = False, audit: float = 0) -> Delegate:
    pairs = tuple((name, str(value)) for name, value in options.items())
    return Delegate(library, pairs, fallback=fallback, audit=audit)


@pytest.mark.parametrize(("mode", "words"), DEATHS)
def test_one_death_costs_no_image(
    mode: str, words: str, library: str, tmp_path: Path, images: np.ndarray, expected: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("edgecnn.device.runtime.worker.LEAST_PATIENCE_S", 1.0)
    dies_once = told(library, {mode: 1, "after": LOADING + 3, "once": tmp_path / "died"})
    classifier = Classifier("fashion-mnist", delegate=dies_once)
    with pytest.warns(EdgecnnWarning, match=words) as caught:
        answers = classifier.predict_all(images)
    np.testing.assert_array_equal(answers, expected)
    assert len(caught) == 1 and "started again, with the image that it had" in str(caught[0].message)


def test_what_it_has_started_neither_hides_its_death_nor_outlives_it(
    library: str, tmp_path: Path, images: np.ndarray, expected: np.ndarray
) -> None:
    with_helper = {"helper_invoke": 1, "crash_invoke": 1, "after": LOADING + 3, "once": tmp_path / "died"}
    classifier = Classifier("fashion-mnist", delegate=told(library, with_helper))
    with pytest.warns(EdgecnnWarning, match=r"crashes \(Segmentation fault\); started again"):
        answers = classifier.predict_all(images)
    np.testing.assert_array_equal(answers, expected)
    assert until(lambda: not running_with(f"tail\0-f\0{tmp_path / 'died'}"))


@pytest.mark.parametrize("isolate", [True, False])
def test_a_copy_that_it_makes_while_it_loads_neither_hides_its_death_nor_outlives_it(
    isolate: bool, library: str, tmp_path: Path
) -> None:
    own_name = tmp_path / "pool.so"
    own_name.symlink_to(library)
    told_so = (("stuck_create", "1"), ("crash_create", "1"))
    with pytest.raises(DelegateError, match=r"crashes \(Segmentation fault\)"):
        Classifier("fashion-mnist", delegate=Delegate(str(own_name), told_so, isolate=isolate, timeout_s=30))
    assert until(lambda: not running_with(str(own_name)))


@pytest.mark.filterwarnings("ignore:.*started again:edgecnn.EdgecnnWarning")
def test_two_deaths_at_one_image_are_a_sentence_or_with_fallback_the_cpus_turn(
    library: str, images: np.ndarray, expected: np.ndarray
) -> None:
    for fallback in (False, True):
        # A first run and one image go well in each worker.
        loaded = open_model(
            "fashion-mnist", RunOptions(delegate=told(library, {"crash_invoke": 1, "after": 1}, fallback), probe=False)
        )
        if not fallback:
            with pytest.raises(DelegateError, match=r"crashes \(Segmentation fault\)"):
                loaded.session.run_all(images, loaded.input, loaded.probabilities)
            continue
        with pytest.warns(EdgecnnWarning, match="going on with the CPU"):
            raw = loaded.session.run_all(images, loaded.input, loaded.probabilities)
        np.testing.assert_array_equal(ScoreReader(loaded).probabilities(raw), expected)
        assert loaded.session.delegate is None


def test_one_that_is_given_up_is_gone_while_its_failure_is_still_talked_about(
    library: str, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgecnn.device.runtime.isolated_session.MOST_RESTARTS", 0)
    others = set(below(os.getpid()))
    classifier = Classifier("fashion-mnist", delegate=told(library, {"fail_invoke": 1, "after": LOADING}))
    assert set(below(os.getpid())) - others
    with pytest.raises(DelegateError, match="fails to compute") as caught:  # it holds all that had a part in it
        classifier.predict_all(images)
    assert caught.tb and not set(below(os.getpid())) - others


def test_what_is_done_is_kept_and_gone_on_with(
    library: str, tmp_path: Path, edgecnn: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgecnn.device.runtime.isolated_session.MOST_RESTARTS", 0)
    output, photos = tmp_path / "answers.csv", sample_images()
    dying = ("--delegate", library, "--delegate-option", "exit_invoke=1", "--delegate-option", f"after={LOADING + 3}")
    asked = ("classify", "fashion-mnist", *photos, "--output", output, *dying)
    died = edgecnn(*asked)
    assert "ends its process without a result" in sentence(died) and not output.exists()
    assert f"{tmp_path / '.answers.csv.partial'}; --resume --fallback cpu goes on" in died.stderr
    again = edgecnn(*asked, "--resume", "--fallback", "cpu")
    assert again.exit_code == 0 and "(3 images were done before)" in again.stdout
    assert again.stderr.count("going on with the CPU") == 1
    assert edgecnn("classify", "fashion-mnist", *photos, "--output", tmp_path / "honest.csv").exit_code == 0
    assert output.read_text() == (tmp_path / "honest.csv").read_text()


def test_a_forked_process_starts_a_worker_of_its_own(library: str, images: np.ndarray, expected: np.ndarray) -> None:
    classifier = Classifier("fashion-mnist", delegate=told(library, {}))

    def is_right() -> bool:
        return bool((classifier.predict_all(images) == expected).all())

    workers = below(os.getpid())
    with classifier.loaded.session.lock:  # as a thread holds it that the child process does not have
        assert in_a_fork(lambda: is_right() and len(below(os.getpid())) == 1) == 0
    assert is_right() and below(os.getpid()) == workers  # the parent's worker is still the parent's


def test_a_pickled_classifier_keeps_how_its_delegate_is_watched(
    library: str, images: np.ndarray, expected: np.ndarray
) -> None:
    twin = pickle.loads(pickle.dumps(Classifier("fashion-mnist", delegate=told(library, {}, audit=0.5))))
    np.testing.assert_array_equal(twin.predict_all(images), expected)
    assert twin.audit.images == len(images) and twin.loaded.session.delegate.is_isolated


def test_nothing_that_it_does_to_its_process_reaches_this_one(library: str, images: np.ndarray) -> None:
    before = os.getcwd(), os.umask(0o22)
    os.umask(before[1])
    modes = ("chdir_invoke", "umask_invoke", "close_invoke", "locale_invoke", "limit_invoke")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Classifier("fashion-mnist", delegate=told(library, dict.fromkeys(modes, 1))).predict_all(images)
    after = os.getcwd(), os.umask(before[1])
    assert after == before
    assert any("working directory" in str(warning.message) for warning in caught)


def test_a_copy_that_it_makes_of_its_process_answers_nothing(
    library: str, images: np.ndarray, expected: np.ndarray
) -> None:
    classifier = Classifier("fashion-mnist", delegate=told(library, {"fork_invoke": 1, "after": LOADING}))
    np.testing.assert_array_equal(classifier.predict_all(images), expected)


@pytest.mark.parametrize("isolate", [True, False])
def test_values_that_are_no_numbers_are_told_of_the_delegate_and_the_cpu_may_go_on(
    isolate: bool, library: str, float32: Conversion, images: np.ndarray
) -> None:
    path, late = float32.plain.path, (("nan", "1"), ("after", str(LOADING + 2)))
    with pytest.raises(DelegateError, match=r"computes values that are no numbers .*; use --delegate cpu"):
        Classifier(path, delegate=Delegate(library, late, isolate=isolate)).predict_all(images)
    with pytest.warns(EdgecnnWarning, match=r"are no numbers .*going on with the CPU"):
        found = Classifier(path, delegate=Delegate(library, late, isolate=isolate, fallback=True)).predict_all(images)
    np.testing.assert_allclose(found, Classifier(path).predict_all(images), atol=1e-4)


def test_where_one_of_several_outputs_has_the_cpu_go_on_all_are_the_cpus(
    library: str, float32: Conversion, images: np.ndarray
) -> None:
    assert float32.activations
    path, delegate = float32.activations.path, told(library, {"late_nan": 1, "after": LOADING}, fallback=True)
    with pytest.warns(EdgecnnWarning, match="going on with the CPU"):
        found = FeatureExtractor(path, delegate=delegate).extract(images[0]).maps
    for name, expected in FeatureExtractor(path).extract(images[0]).maps.items():
        np.testing.assert_array_equal(found[name], expected)


@pytest.mark.parametrize("verbose", [(), ("--verbose",)])
@pytest.mark.parametrize("place", ["--isolate", "--no-isolate"])
def test_its_chatter_never_steers_the_terminal(place: str, verbose: tuple[str, ...], library: str) -> None:
    options = ("--delegate-option", "chat=1", "--delegate-option", "chat_invoke=1")
    done = in_new_process("verify", "fashion-mnist", "--delegate", library, place, *options, *verbose)
    assert done.returncode == 0 and "\x1b" not in done.stdout + done.stderr and "chatter" not in done.stdout
    assert ("\\x1b[31mchatter" in done.stderr) == bool(verbose)


def test_a_worker_ends_with_the_process_that_started_it(library: str) -> None:
    program = (
        "import sys, time\nfrom edgecnn.device import Classifier, Delegate\n"
        "one = Classifier('fashion-mnist', delegate=Delegate(sys.argv[1]))\n"
        "print(one.loaded.session._runner._worker._process.pid, flush=True)\ntime.sleep(60)"
    )
    command = [sys.executable, "-c", program, library]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent, in_time(parent):
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    assert until(lambda: not _runs(worker))


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_built_in_delegate_may_be_isolated_too(images: np.ndarray, expected: np.ndarray) -> None:
    classifier = Classifier("fashion-mnist", delegate=Delegate("cpu", isolate=True))
    assert np.abs(classifier.predict_all(images) - expected).max() < 0.1
    assert isinstance(classifier.loaded.session._runner, IsolatedSession)  # type: ignore[attr-defined]
