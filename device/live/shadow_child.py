"""The program of the process that a shadow runs in: shadow_child.py SOCKET ENTRY_OF_SYS_PATH..."""

import sys

if __name__ == "__main__":
    # Started with -I, and given the path of its parent: a module that lies in the current folder must not run.
    sys.path[:] = sys.argv[2:]
    from edgecnn.device.live.shadow_serving import serve

    serve(int(sys.argv[1]))
