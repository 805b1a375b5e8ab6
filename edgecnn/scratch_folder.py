"""A folder for what is needed for a moment only."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator

from .errors import EdgecnnError, OutputError

_FULL = tuple(map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)))


@contextlib.contextmanager
def scratch_folder() -> Iterator[str]:
    """The path of a new folder, which goes with all that is in it when the block ends.

    Libraries say in words of their own that its disk is full, and the system does so without a name.

    Raises:
        OutputError: it is, or no folder can be made.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="edgecnn-") as folder:
            yield folder
    except EdgecnnError:
        raise
    except Exception as error:
        reason = next((words for words in _FULL if words in str(error)), None)
        if reason is None:
            raise
        raise OutputError(
            f"there is no room for temporary files in {tempfile.gettempdir()} ({reason}); make some, or name another "
            "folder in the environment variable TMPDIR"
        ) from error
