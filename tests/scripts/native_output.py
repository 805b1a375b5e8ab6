"""native_output.py CASE: writes to the descriptors as native code does, with edgecnn listening; see the test."""

import logging
import os
import sys

from edgecnn import native_output


def captured() -> None:
    """What is written inside is the listener's, what comes before and after is the terminal's."""
    print("before", file=sys.stderr)
    with native_output.captured_stderr(and_stdout="both" in sys.argv) as output:
        os.write(2, b" reason \n")
        os.write(1, b"to standard output\n")
    print(f"after {output.text!r}", file=sys.stderr)


def dropped() -> None:
    """Only what Python writes still comes."""
    native_output.drop_native_output()
    os.write(2, b"native\n")
    os.write(1, b"native\n")
    print("from Python")
    print("from Python", file=sys.stderr)


def escaped() -> None:
    """Both descriptors lead to standard error, without what steers a terminal, also where the process crashes."""
    native_output.escape_native_output()
    print("from Python \x1b[1m")
    os.write(1, b"one \x1b[2J\n")
    os.write(2, b"two \xff\r\n")
    os.write(2, b"no end")
    if "abort" in sys.argv:
        os.abort()


def encoded() -> None:
    """What Python writes keeps its encoding."""
    native_output.drop_native_output()
    print("é")
    print("é", file=sys.stderr)


def silenced() -> None:
    """What Keras and TensorFlow read at import."""
    native_output.silence_tensorflow("jax")
    print(os.environ["KERAS_BACKEND"], os.environ.get("TF_CPP_MIN_LOG_LEVEL"), logging.getLogger("tensorflow").level)
    print(os.environ["TF_FORCE_GPU_ALLOW_GROWTH"])


if "verbose" in sys.argv:
    native_output.set_verbose()
{"captured": captured, "dropped": dropped, "escaped": escaped, "encoded": encoded, "silenced": silenced}[sys.argv[1]]()
