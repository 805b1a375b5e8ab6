"""Why a .keras file does not load, in one line."""

import contextlib
import re
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
        ModelFileError: the block raised what Keras raises on a damaged file; the message has the first clause of it.
    """
    try:
        yield
    except _DAMAGED_FILE as error:
        raise ModelFileError(f"{what} does not load as a Keras model ({first_clause(error)}); {advice}") from None


def first_clause(error: BaseException | str) -> str:
    """What another program's error begins with: no more of it is shown."""
    text = str(error).strip()
    # Before it comes to the point, Keras repeats a layer's whole configuration, or says in which call it was, in bold.
    text = text.rpartition("Exception encountered: ")[2]
    if text.startswith("Exception encountered when calling"):
        text = text.partition("\n\n")[2] or text
    if text.startswith("Graph execution error"):  # then the way through Keras' files, and at last what was the matter
        text = text.rpartition("\n\n")[2]
    if "accessible `.keras` zip" in text:  # what Keras says of a file that is there, too, is that it is not found
        return "it is no zip archive, as a .keras file is"
    text = re.sub(r"\x1b\[[0-9;]*m|\{\{function_node .*?\}\} ", "", text).partition("\n\nArguments received by ")[0]
    clause = text.strip().partition("\n")[0].split(". ")[0].split(": {")[0].rstrip(".:")[:160]
    if clause:
        return clause
    return "no reason is given" if isinstance(error, str) else type(error).__name__  # as of a bare assert
