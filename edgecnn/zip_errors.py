"""What zipfile raises for an archive that is damaged, or that somebody has spoilt on purpose."""

import struct
import zipfile
import zlib

ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ValueError,
    OSError,
    OverflowError,  # an offset that a 32-bit processor cannot seek to
    EOFError,
    RuntimeError,  # an "encrypted" member, or (NotImplementedError) an unknown compression
)


def zip_reason(error: Exception) -> str:
    """Why an archive does not read, in brackets behind a sentence: zipfile quotes whole files."""
    text = str(error) or type(error).__name__
    return text if len(text) <= 160 else f"{text[:157]}..."
