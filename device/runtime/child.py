"""The program of the process in which `trial` tries a model: child.py MODEL.tflite OPTIONS ENTRY_OF_SYS_PATH..."""

import sys

if __name__ == "__main__":
    # Started with -I, and given the path of its parent: a module that lies in the current folder must not run.
    sys.path[:] = sys.argv[3:]

    from edgecnn.device.runtime.attempt import run_in_child

    sys.exit(run_in_child(*sys.argv[1:3]))
