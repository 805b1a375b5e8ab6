"""A worker, one process of a job, runs in a child: JAX aborts a process that lost another; nothing can catch that."""

import ctypes
import os
import signal
import subprocess
import sys
from types import FrameType
from typing import NoReturn

from edgecnn.errors import EdgecnnError
from edgecnn.native_output import drop_native_output
from edgecnn.printable import printable

_MARK = "EDGECNN_WORKER"
_PR_SET_PDEATHSIG = 1  # of prctl(2)


def is_worker() -> bool:
    """Whether this process is the child that `run_worker` started; it is then made fit for it."""
    if not os.environ.get(_MARK):
        return False
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # a parent that is killed takes its child along
    drop_native_output()
    return True


def exit_worker(error: EdgecnnError) -> NoReturn:
    """End the child with a sentence, without JAX's own end: it would wait for the lost process, and then abort."""
    print(f"Error: {printable(str(error))}", file=sys.stderr, flush=True)
    os._exit(1)


def run_worker() -> int:
    """Run this very command line in a child process.

    Returns:
        Its exit code.

    Raises:
        EdgecnnError: a signal ended it.
    """
    child = subprocess.Popen([sys.executable, "-m", "edgecnn", *sys.argv[1:]], env={**os.environ, _MARK: "1"})

    def forward(number: int, _: FrameType | None) -> None:
        child.send_signal(number)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the child too
    signal.signal(signal.SIGTERM, forward)
    code = child.wait()
    if code < 0:
        raise EdgecnnError(
            f"a process of the job was lost ({signal.Signals(-code).name} ended this one); the checkpoint of the last "
            "finished epoch is intact: start all of them again with --resume"
        )
    return code
