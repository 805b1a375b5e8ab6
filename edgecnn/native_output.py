"""Keeps the chatter of native libraries off the terminal, but not out of error messages."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import IO

from . import printable

_verbose = False
_stderr_lock = threading.RLock()


def set_verbose(verbose: bool = True) -> None:
    """Let TensorFlow, absl and the runtimes write to standard error from now on, or no longer."""
    global _verbose
    _verbose = verbose


def is_verbose() -> bool:
    """Whether native libraries may write to standard error."""
    return _verbose


def silence_tensorflow(backend: str = "tensorflow") -> None:
    """Set what Keras and TensorFlow read at import; call it before they are imported for the first time.

    Args:
        backend: of Keras; conversion needs TensorFlow, whatever the user trains with elsewhere.
    """
    os.environ["KERAS_BACKEND"] = backend
    # All memory of all GPUs is taken at the start otherwise, whoever else computes there.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    # Processors without AVX-512 get it only if asked: it trains in a quarter less time there, and knows what
    # TensorFlow's own kernels do not: channels first, gradients of grouped convolutions.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    if _verbose:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("ABSL_MIN_LOG_LEVEL", "3")
    import logging

    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of tracing, which several conversions need


def drop_native_output() -> None:
    """Drop what native code writes from now on, also while it aborts; what Python writes still comes."""
    if not _verbose and _has_streams():
        _send_native_output(os.open(os.devnull, os.O_WRONLY))


def escape_native_output() -> None:
    """Show what native code writes from now on on standard error, with what would steer the terminal escaped.

    A child process escapes it. It ends after this one, when it has passed everything on, even if this one crashes.
    """
    if not _has_streams():
        return
    import subprocess

    command, (reading, writing) = [sys.executable, "-I", "-S", printable.__file__], os.pipe()
    try:
        escaping = subprocess.Popen(command, stdin=reading, stdout=subprocess.DEVNULL, start_new_session=True)
    except OSError:  # no memory for it
        os.close(writing)
    else:
        escaping.returncode = 0  # it ends after this process, which does not wait for it
        _send_native_output(writing)
    os.close(reading)


def _has_streams() -> bool:
    return sys.stdout is not None and sys.stderr is not None and _is_open(1) and _is_open(2)


def _send_native_output(to: int) -> None:
    """Redirect descriptors 1 and 2 to `to`, which is closed; Python's own streams go on to where 1 and 2 led before."""
    sys.stdout.flush()
    sys.stderr.flush()
    own = [
        os.fdopen(
            os.dup(descriptor), "w", buffering=1, encoding=getattr(stream, "encoding", None), errors="backslashreplace"
        )
        for descriptor, stream in ((1, sys.stdout), (2, sys.stderr))
    ]
    os.dup2(to, 1)
    os.dup2(to, 2)
    os.close(to)
    sys.stdout, sys.stderr = own


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def scratch_file() -> IO[bytes]:
    """A file in memory where the system has them: a full disk must not keep a device from classifying."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("native-stderr"), "w+b")
    import tempfile

    return tempfile.TemporaryFile()


def stderr_lock() -> contextlib.AbstractContextManager[object]:
    """Hold this while writing to standard error: what is written while another thread captures it would be lost."""
    return _stderr_lock


class NativeOutput:
    """What native code wrote to standard error inside `captured_stderr`; `text` is filled when the block ends."""

    text = ""


@contextlib.contextmanager
def captured_stderr(and_stdout: bool = False) -> Iterator[NativeOutput]:
    """Catch what native code writes to file descriptor 2, and to 1 if asked; with `--verbose` it passes through.

    What passes is escaped first where `escape_native_output` was called, which the command line does.

    The text is there for an error message: some runtimes give their reason nowhere else. What is not used for one is
    dropped. Descriptor 2 belongs to the whole process, so one thread captures at a time, other threads' lines too.
    """
    output = NativeOutput()
    streams = {2: sys.stderr, **({1: sys.stdout} if and_stdout else {})}
    caught = [descriptor for descriptor, stream in streams.items() if stream is not None and _is_open(descriptor)]
    if _verbose or not caught:
        yield output
        return
    with _stderr_lock, scratch_file() as file:
        for descriptor in caught:
            streams[descriptor].flush()
        saved = {descriptor: os.dup(descriptor) for descriptor in caught}
        try:
            for descriptor in caught:
                os.dup2(file.fileno(), descriptor)
            yield output
        finally:
            for descriptor, own in saved.items():
                streams[descriptor].flush()
                os.dup2(own, descriptor)
                os.close(own)
            file.seek(0)
            output.text = file.read().decode(errors="replace").strip()
