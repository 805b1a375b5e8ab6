"""Run edgecnn, killed as by `kill -9` once a file has so many bytes: `killed_at_size.py PATTERN BYTES ARGUMENTS...`.

A test that waits for the file itself may be late on a busy machine: the process would be done.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path

from edgecnn.cli.app import run


def watch(pattern: Path, size_bytes: int) -> None:
    """Kill this process when a file that matches has grown."""
    while True:
        with contextlib.suppress(OSError):  # renamed meanwhile
            if any(path.stat().st_size >= size_bytes for path in pattern.parent.glob(pattern.name)):
                os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.001)


threading.Thread(target=watch, args=(Path(sys.argv[1]), int(sys.argv[2])), daemon=True).start()
del sys.argv[1:3]
run()
