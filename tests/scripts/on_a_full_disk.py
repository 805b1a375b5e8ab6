"""on_a_full_disk.py BYTES ARGUMENT...: edgecnn where the kernel refuses to write beyond BYTES, as on a full disk."""

import resource
import signal
import sys

from edgecnn.cli import main

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
main(sys.argv[2:], prog_name="edgecnn")
