"""What is wrong with a file that should hold a Keras model and does not read: one sentence, by what it begins with."""

import re
from pathlib import Path

from edgecnn.errors import ModelFileError
from edgecnn.keras_file import first_clause
from edgecnn.model_file.other_formats import START_BYTES, describe_format

HDF5 = b"\x89HDF\r\n\x1a\n"
ZIP = b"PK\x03\x04"
AGAIN = "copy it again from where it was made"
_CUT_OFF = re.compile(r"eof = (\d+),.* stored_eof = (\d+)")


def damaged(path: Path, error: Exception) -> ModelFileError:
    """The refusal of a file, or of a SavedModel's folder, that is not what was once written.

    Args:
        path: of it.
        error: what reading it raised.
    """
    reason = first_clause(error)
    if path.is_dir():
        return ModelFileError(f"{path} is a damaged SavedModel ({reason}); {AGAIN}")
    with path.open("rb") as file:
        start = file.read(START_BYTES)
    if not start:
        return ModelFileError(f"{path} is empty (0 bytes); {AGAIN}")
    if start.startswith(HDF5):
        cut = _CUT_OFF.search(str(error))
        if cut:
            reason = f"cut off: {int(cut[1]):,} bytes of {int(cut[2]):,}"
        return ModelFileError(f"{path} is a damaged HDF5 file ({reason}); {AGAIN}")
    if start.startswith(ZIP):
        # zipfile finds no directory at the end, and then calls the file no zip.
        reason = reason.replace("File is not a zip file", "cut off: the end of its zip is missing")
        return ModelFileError(f"{path} is a damaged .keras file ({reason}); {AGAIN}")
    if sentence := describe_format(start):
        return ModelFileError(f"{path} {sentence}")
    return ModelFileError(
        f"{path} is no Keras model, or its beginning is damaged: it begins neither as .keras files do (a zip) nor as "
        f".h5 files (HDF5); give one of these, or {AGAIN}"
    )
