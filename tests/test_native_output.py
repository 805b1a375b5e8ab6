"""What native code writes reaches an error message, and the terminal only if asked."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edgecnn.native_output import captured_stderr, silence_tensorflow, stderr_lock

SCRIPT = Path(__file__).parent / "scripts" / "native_output.py"
CASES = [  # arguments, standard output, standard error
    ("captured", "to standard output\n", "before\nafter 'reason'\n"),
    ("captured both", "", "before\nafter 'reason \\nto standard output'\n"),
    ("captured verbose", "to standard output\n", "before\n reason \nafter ''\n"),
    ("dropped", "from Python\n", "from Python\n"),
    ("dropped verbose", "native\nfrom Python\n", "native\nfrom Python\n"),
    ("escaped", "from Python \x1b[1m\n", "one \\x1b[2J\ntwo \ufffd\\r\nno end\n"),
    ("silenced", "jax 3 40\ntrue\n", ""),
    ("silenced verbose", "jax None 0\ntrue\n", ""),
]


@pytest.mark.parametrize(("arguments", "stdout", "stderr"), CASES, ids=[case[0] for case in CASES])
def test_native_output_goes_where_it_belongs(arguments: str, stdout: str, stderr: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, str(SCRIPT), *arguments.split()]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == (stdout, stderr, 0)


def test_what_python_writes_keeps_its_encoding() -> None:
    command, environment = [sys.executable, str(SCRIPT), "encoded"], {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60)
    assert (done.stdout, done.stderr) == (b"\xe9\n", b"\xe9\n")


def test_the_last_words_before_a_crash_are_shown() -> None:
    command = [sys.executable, str(SCRIPT), "escaped", "abort"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode < 0 and done.stderr.startswith("one \\x1b[2J\n") and "no end" in done.stderr


def test_nobody_captures_while_another_thread_writes() -> None:
    order: list[str] = []

    def capture() -> None:
        with captured_stderr():
            order.append("captured")

    with stderr_lock():
        thread = threading.Thread(target=capture)
        thread.start()
        thread.join(0.1)
        order.append("written")
    thread.join(10)
    assert order == ["written", "captured"]


@pytest.mark.parametrize(("before", "after"), [(None, "1"), ("0", "0")])
def test_onednn_is_asked_for_unless_the_user_says_otherwise(
    before: str | None, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if before:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", before)
    silence_tensorflow()
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == after
