"""What a library in this very process changes for all of it is put back, and told."""

import gc
import locale
import os
import resource
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from edgecnn import DelegateError
from edgecnn.device import Classifier, Delegate
from edgecnn.device.runtime.loading import open_model
from edgecnn.device.runtime.process_state import ProcessState
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.process_copies import children_of_thread, end_copies
from tests.conftest import ON_A_BOARD
from tests.support.processes import in_a_fork

NO_LIMITS = pytest.mark.skipif(ON_A_BOARD, reason="QEMU takes no limit of address space")

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="root alone may raise what it has lowered")
SEVERAL_PROCESSORS = pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) == 1, reason="there is one alone"
)

CHANGES = [
    ("chdir_invoke", "working directory"),
    ("umask_invoke", "umask"),
    ("locale_invoke", "locale"),
    ("rounding_invoke", "rounding of floats"),
    pytest.param("limit_invoke", "limit of address space", marks=NO_LIMITS),
    ("close_invoke", "descriptor 0"),
    ("nonblock_invoke", "descriptor 0"),
    ("files_invoke", "limit of open files"),
    ("signals_invoke", "handling of signals"),
    ("block_invoke", "blocked signals"),
    pytest.param("priority_invoke", "priority", marks=AS_ROOT),
    pytest.param("processors_invoke", "processors", marks=SEVERAL_PROCESSORS),
]


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """What runs in the background has Ctrl-C ignored, and QEMU tells of that only once it is ignored again."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def _in_utf_8() -> Iterator[None]:
    """A locale that a library can change, for this test alone."""
    before = locale.setlocale(locale.LC_ALL)
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    yield
    locale.setlocale(locale.LC_ALL, before)


def state() -> list[object]:
    mask = os.umask(0o22)
    os.umask(mask)
    rounded = float(np.float64(1) + np.float64(2) ** -54)  # above 1 where floats are rounded up
    open_ = [os.fstat(descriptor).st_ino for descriptor in (0, 1, 2)]
    limits = [resource.getrlimit(limit) for limit in (resource.RLIMIT_AS, resource.RLIMIT_NOFILE)]
    kinds = ("SigBlk", "SigIgn", "SigCgt")  # SigQ counts what all processes of this user have waiting
    signals = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(kinds)]
    share = (os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0))
    words = (os.getcwd(), locale.setlocale(locale.LC_ALL))
    return [*words, mask, rounded, limits, share, os.get_blocking(0), signals, *open_]


@pytest.mark.usefixtures("_in_utf_8")
@pytest.mark.parametrize(("mode", "what"), CHANGES)
def test_each_change_is_put_back_and_told_once(
    mode: str, what: str, library: str, capfd: pytest.CaptureFixture[str]
) -> None:
    before = state()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        told = Delegate(library, ((mode, "1"), ("chat_invoke", "1")), isolate=False)
        classifier = Classifier("fashion-mnist", delegate=told)
        loaded = len(caught)
        classifier.classify(np.zeros((28, 28, 1), np.uint8))
    assert state() == before
    assert any(f"changed the {what} of the process: put back" in str(one.message) for one in caught)
    assert 1 <= loaded == len(caught) <= 2
    assert "chatter" not in "".join(capfd.readouterr())


@NO_LIMITS
def test_what_nothing_can_give_back_is_told_as_it_is() -> None:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                with ProcessState("lib").kept():
                    resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))
                    user = "user, " if os.geteuid() == 0 else ""
                    if user:
                        os.setuid(65534)  # root may raise what it has lowered
            lasting = f"but for the {user}limit of address space, which nothing gives back"
            code = 0 if lasting in str(caught[0].message) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_the_caller_does_between_two_images_is_left_alone(library: str, tmp_path: Path) -> None:
    classifier = Classifier("fashion-mnist", delegate=Delegate(library, isolate=False))
    before = os.getcwd()
    try:
        os.chdir(tmp_path)
        classifier.classify(np.zeros((28, 28, 1), np.uint8))
        assert os.path.samefile(os.getcwd(), tmp_path)
    finally:
        os.chdir(before)


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has a working directory of its own on Linux alone")
def test_what_other_threads_read_and_write_meanwhile_lies_where_it_should(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    seen: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        pool.submit(os.getpid).result()  # the thread is there before the library computes

        def look() -> None:
            (tmp_path / f"{len(seen)}").touch()
            seen.append(os.getcwd())

        before = os.umask(0o22)
        os.umask(before)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(2):
                with ProcessState("lib").kept():
                    os.chdir(tmp_path / "elsewhere")
                    os.umask(0o777)
                    pool.submit(look).result()
    assert seen == 2 * [os.getcwd()]
    assert [path.stat().st_mode & 0o777 for path in sorted(tmp_path.glob("?"))] == 2 * [0o666 & ~before]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux names children")
def test_of_copies_that_do_not_end_few_live_and_none_outlives_the_library() -> None:
    state, made = ProcessState("lib"), set[int]()
    for _ in range(20):
        with state.kept():
            made |= {_stuck_copy()}
    assert len(children_of_thread() & made) == 8
    with state.kept():
        made |= {_stuck_copy()}
        helper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)  # which a library may need
    del state
    gc.collect()
    assert not children_of_thread() & made and helper.poll() is None
    helper.communicate(b"\n")


def test_where_nobody_tells_which_children_are_copies_none_is_ended() -> None:
    def is_left_alone() -> bool:
        copy = _stuck_copy()
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
        end_copies([copy])
        alone = os.waitpid(copy, os.WNOHANG) == (0, 0)
        os.kill(copy, signal.SIGKILL)
        return alone

    assert in_a_fork(is_left_alone) == 0


def _stuck_copy() -> int:
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        while True:
            signal.pause()
    return child


def test_a_failure_is_told_alike_however_often_it_has_come(library: str) -> None:
    fails = (("fail_invoke", "1"), ("after", "12"))  # the golden probes go well
    classifier, sentences = Classifier("fashion-mnist", delegate=Delegate(library, fails, isolate=False)), set[str]()
    for _ in range(3):
        with pytest.raises(DelegateError) as raised:
            classifier.probabilities(np.zeros((28, 28, 1), np.uint8))
        sentences.add(str(raised.value))
    assert len(sentences) == 1


def test_a_failure_that_comes_again_keeps_its_reason(library: str) -> None:
    options = RunOptions(delegate=Delegate(library, (), isolate=False))
    session, sentences = open_model("fashion-mnist", options).session, set[str]()
    for _ in range(3):
        with pytest.raises(DelegateError, match="Dimension mismatch") as raised:
            session.run(np.zeros((1, 28, 29, 1), np.int8))
        sentences.add(str(raised.value))
    assert len(sentences) == 1


def test_its_own_user_puts_back_what_another_may_not(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("root alone may act for another user")
    private = tmp_path / "private"
    private.mkdir(mode=0o700)

    def is_put_back() -> bool:
        os.chdir(private)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with ProcessState("lib").kept():
                os.chdir("/")
                os.seteuid(65534)
        return str(caught[0].message).endswith("put back") and os.getcwd() == str(private)

    assert in_a_fork(is_put_back) == 0
