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
