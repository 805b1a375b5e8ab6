"""A folder for what is needed for a moment only."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator

from .errors import EdgecnnError, OutputError

_ADVICE = "or name another folder in the environment variable TMPDIR"
_FULL = tuple(map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)))


@contextlib.contextmanager
def scratch_folder() -> Iterator[str]:
    """The path of a new folder, which goes with all that is in it when the block ends.

    Libraries say in words of their own that its disk is full, and the system does so without a name.

    Raises:
        OutputError: it is, or no folder can be made.
    """
    with contextlib.ExitStack() as held:
        try:
            folder = held.enter_context(tempfile.TemporaryDirectory(prefix="edgecnn-"))
        except OSError as error:
            raise OutputError(
                f"no folder for temporary files can be made ({error.strerror}); make room, {_ADVICE}"
            ) from None
        try:
            yield folder
        except Exception as error:
            words = str(error)
            reason = next((one for one in _FULL if one in words), None)
            if reason is None or (isinstance(error, EdgecnnError) and folder not in words):
                raise
            raise OutputError(
                f"there is no room for temporary files in {tempfile.gettempdir()} ({reason}); make some, {_ADVICE}"
            ) from error
