"""A library in the command's own process ends it: the exit code is never 0, and a sentence says what happened."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edgecnn.model_file.bundled import sample_images
from tests.support.command_line import in_new_process
from tests.support.processes import below
from tests.support.waiting import until

ASKED = ("verify", "fashion-mnist", "--no-isolate", "--delegate")


def has_loaded(process: int, library: str) -> bool:
    try:
        return library in Path(f"/proc/{process}/maps").read_text()
    except OSError:
        return False


def late(mode: str) -> tuple[str, ...]:
    return ("--delegate-option", f"{mode}=1", "--delegate-option", "after=10")


@pytest.mark.parametrize(
    ("mode", "how"),
    [("exit_invoke", "with exit code 0"), ("crash_invoke", "by the signal Segmentation fault"),
     ("kill_invoke", "by the signal Killed")],
)  # fmt: skip
def test_the_end_of_the_process_is_no_success(mode: str, how: str, library: str) -> None:
    done = in_new_process(*ASKED, library, *late(mode))
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == (
        f"Error: the process ended {how} before it was done, with {library} in it; use --isolate, or --delegate cpu\n"
    )


@pytest.mark.parametrize(
    ("mode", "how"),
    [("exit_invoke", "with exit code 0"), ("abort_invoke", "by the signal Aborted"), ("throw_invoke", "by the signal")],
)
def test_on_the_old_runtime_the_end_of_the_process_is_no_success_either(
    mode: str, how: str, library: str, old_python: Path, with_project: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = with_project(old_python, *ASKED, library, *late(mode))
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(f"Error: the process ended {how}") and done.stderr.count("\n") == 1


def test_who_ignores_the_end_of_children_is_told_of_it_all_the_same(library: str) -> None:
    command = [sys.executable, "-m", "edgecnn", *ASKED, library, *late("crash_invoke")]
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # which what is started inherits
    try:
        done = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        out, error = done.communicate(timeout=60)
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert out == "" and "the process ended by the signal Segmentation fault before it was done" in error


def test_a_library_that_crashes_at_once_does_so_in_a_process_of_its_own(library: str) -> None:
    done = in_new_process(*ASKED, library, "--delegate-option", "crash_create=1")
    assert done.returncode == 1 and f"{library} crashes (Segmentation fault)" in done.stderr
    assert "the process ended" not in done.stderr


def test_the_exit_code_of_a_command_that_comes_to_its_end_is_its_own(library: str) -> None:
    assert in_new_process(*ASKED, library).returncode == 0
    assert in_new_process(*ASKED, library, "--delegate-option", "wrong=1").returncode == 1
    assert in_new_process("classify", "fashion-mnist", "x", "--no-isolate", "--delegate", library).returncode == 1
    assert in_new_process(*ASKED, library, "--threads", "0").returncode == 2


def test_a_library_that_writes_everywhere_neither_ends_nor_silences_the_command(library: str) -> None:
    command = ("classify", "fashion-mnist", *map(str, sample_images()), "--json", "--no-isolate", "--delegate", library)
    done = in_new_process(*command, *late("scrawl_invoke"))
    assert done.returncode == 0 and "Traceback" not in done.stderr
    scrawl, bracket, answers = done.stdout.partition("[\n")  # what it wrote on standard output comes first
    assert scrawl and len(json.loads(bracket + answers)) == len(sample_images())


def test_what_a_thread_of_a_library_says_is_not_among_the_results(library: str) -> None:
    command = ("classify", "fashion-mnist", *map(str, sample_images()), "--json", "--no-isolate", "--delegate", library)
    done = in_new_process(*command, "--delegate-option", "chatter_create=1")
    assert done.returncode == 0 and not done.stderr and len(json.loads(done.stdout)) == len(sample_images())


def test_copies_that_a_library_makes_of_the_command_end_with_it(library: str) -> None:
    photos = map(str, sample_images() * 3)  # decoded by threads, whose locks nobody opens in a copy
    command = [sys.executable, "-m", "edgecnn", "classify", "fashion-mnist", *photos, "--json", "--no-isolate"]
    command += ["--delegate", library, *late("fork_invoke")]
    others = set(Path("/proc").glob("[0-9]*"))  # such as this one, where another test has loaded the library
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        answers, _ = process.communicate(timeout=60)  # the pipe is closed when the last process has gone
    assert process.returncode == 0 and len(json.loads(answers)) == 3 * len(sample_images())
    assert not any(has_loaded(int(one.name), library) for one in set(Path("/proc").glob("[0-9]*")) - others)


def test_where_a_library_goes_no_image_is_looked_for(library: str, tmp_path: Path) -> None:
    for number, path in enumerate(sample_images() * 20):
        shutil.copy(path, tmp_path / f"{number:03}{path.suffix}")
    command = [sys.executable, "-m", "edgecnn", "classify", "fashion-mnist", ".", "--json", "--no-isolate"]
    command += ["--delegate", library, *late("chdir_invoke")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0 and "no such file" not in done.stderr, done.stderr
    assert len(json.loads(done.stdout)) == 20 * len(sample_images())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_to_end_the_command_ends_all_of_it(number: int, library: str) -> None:
    command = [sys.executable, "-m", "edgecnn", *ASKED, library, *late("hang_invoke")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        # One that has ended by itself was not ended by the signal.
        assert until(lambda: any(has_loaded(one, library) for one in below(process.pid)))
        process.send_signal(number)
        process.communicate(timeout=60)  # the pipes are closed when the last process has gone
    assert process.returncode in (-number, 128 + number, 1)


def test_ctrl_c_twice_ends_a_library_that_hangs(library: str) -> None:
    command = [sys.executable, "-m", "edgecnn", *ASKED, library, *late("hang_invoke")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0, text=True) as run:
        assert until(lambda: any(has_loaded(one, library) and is_idle(one) for one in below(run.pid)))
        os.killpg(run.pid, signal.SIGINT)
        time.sleep(1)
        assert run.poll() is None
        os.killpg(run.pid, signal.SIGINT)
        if not until(lambda: run.poll() is not None, 30):
            run.kill()
        out, error = run.communicate()
    assert run.returncode == 1 and out == "" and "the process ended by the signal Killed before it was done" in error


@pytest.mark.parametrize("whole_group", [False, True], ids=["one process", "terminal"])
def test_ctrl_c_ends_it_well_whomever_it_is_sent_to(whole_group: bool, library: str) -> None:
    options = ("--source", "samples", "--threshold", "0", "--consecutive", "1", "--no-page", "--no-isolate")
    command = [sys.executable, "-m", "edgecnn", "live", "fashion-mnist", *options, "--delegate", library]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0, text=True) as run:
        assert run.stdout and run.stdout.readline()  # the first change: it watches
        (os.killpg if whole_group else os.kill)(run.pid, signal.SIGINT)
        if not until(lambda: run.poll() is not None, 30):
            os.killpg(run.pid, signal.SIGKILL)
        _, error = run.communicate()
    assert run.returncode == 0 and "the process ended" not in error and "Aborted" not in error, error


WATCHED = """
import time
from edgecnn.cli import guard
guard.allow()
guard.watch_over("lib.so")
try:
    print("it runs", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(0.3)  # as if it had files to close
    print("ended well", flush=True)
    guard.report(7)
"""


def test_one_press_is_heard_once_by_a_process_that_another_one_watches_over() -> None:
    command = [sys.executable, "-c", WATCHED]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        process_group=0,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
    ) as run:
        assert run.stdout and run.stdout.readline() == "it runs\n"
        os.killpg(run.pid, signal.SIGINT)
        said, _ = run.communicate(timeout=60)
    assert (said, run.returncode) == ("ended well\n", 7)


def is_idle(process: int) -> bool:
    """Whether it waits, and has taken no processor time for a second."""
    before = state_and_ticks(process)
    time.sleep(1)
    return before[:1] == ["S"] and state_and_ticks(process) == before


def state_and_ticks(process: int) -> list[str]:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
    return [fields[0], *fields[11:13]]


@pytest.mark.parametrize(("is_own", "shown"), [(True, "\\x1b[2J"), (False, "\x1b[2J")], ids=["its own", "a program's"])
def test_what_a_library_says_is_escaped_in_the_command_lines_own_process_alone(is_own: bool, shown: str) -> None:
    allow = "guard.allow()" if is_own else "pass"
    command = 'main(["info", "fashion-mnist", "-v"], standalone_mode=False)'
    code = f"import os\nfrom edgecnn.cli import guard, main\n{allow}\n{command}\nos.write(2, b'native \\x1b[2J\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and f"native {shown}\n" in done.stderr, done.stderr
