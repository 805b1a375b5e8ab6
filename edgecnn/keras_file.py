"""Why a .keras file does not load, in one line."""

import contextlib
from collections.abc import Iterator

from .errors import ModelFileError
from .zip_errors import ZIP_ERRORS

# What Keras, h5py and zipfile raise on a damaged .keras file.
_DAMAGED_FILE = (
    *ZIP_ERRORS,
    TypeError,
    LookupError,
    ImportError,
    AttributeError,
)


@contextlib.contextmanager
def loading_keras(what: str, advice: str) -> Iterator[None]:
    """Load a .keras file, or its weights, in the block.

    Args:
        what: begins the sentence, e.g. the file's path.
        advice: ends it, e.g. "train it again".

    Raises:
        ModelFileError: the block raised what Keras raises on a damaged file; the message has the first line of it.
    """
    try:
        yield
    except _DAMAGED_FILE as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelFileError(f"{what} does not load as a Keras model ({reason}); {advice}") from None
