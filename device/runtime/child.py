"""The program of a child process that runs a model: child.py TASK ARGUMENT ARGUMENT ENTRY_OF_SYS_PATH..."""

import sys

if __name__ == "__main__":
    # Started with -I, and given the path of its parent: a module that lies in the current folder must not run.
    sys.path[:] = sys.argv[4:]
    if sys.argv[1] == "serve":
        from edgecnn.device.runtime.serving import serve

        serve(*sys.argv[2:4])
    else:
        from edgecnn.device.runtime.attempt import run_in_child

        sys.exit(run_in_child(*sys.argv[2:4]))
