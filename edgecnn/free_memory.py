"""Memory that is no longer used, given back to the system."""

import ctypes


def give_back_memory() -> None:
    """Give back what the C library keeps of freed memory.

    glibc keeps all that was freed below a block in use: after TensorFlow has copied the weights of a large network a
    few times, more than a gigabyte. Other C libraries have no such call, and are left alone.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # macOS, musl; Windows
        return
    trim(0)
