"""Read small zip archives from strangers: nothing is inflated before its size is known and allowed."""

import io
import zipfile

_ENCRYPTED = 0x1  # of a member's flags
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # Python unpacks the others without a bound


def read_members(data: bytes, limit: int) -> tuple[dict[str, bytes], bytes]:
    """The members of the archive `data` in their order, and its comment.

    Args:
        data: the archive; something may stand before it.
        limit: how many bytes it may unpack to.

    Raises:
        One of `edgecnn.zip_errors.ZIP_ERRORS`: it does not read, is larger than that, or holds a name twice, an
            encrypted member or a compression other than deflate.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        _require_bounded(entries, limit)
        members = {entry.filename: archive.read(entry) for entry in entries}
        if len(members) < len(entries):
            raise ValueError("a file is in it twice")
        return members, archive.comment


def read_member(data: bytes, name: str, limit: int) -> bytes:
    """One member of the archive `data`, of at most `limit` bytes.

    Raises:
        KeyError: there is none of that name.
        One of `edgecnn.zip_errors.ZIP_ERRORS`: as `read_members` raises.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entry = archive.getinfo(name)
        _require_bounded([entry], limit)
        return archive.read(entry)


def _require_bounded(entries: list[zipfile.ZipInfo], limit: int) -> None:
    if sum(entry.file_size for entry in entries) > limit:
        raise ValueError(f"it unpacks to more than {limit:,} bytes")
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED:
            raise ValueError("a file in it is encrypted")
        if entry.compress_type not in _METHODS:
            raise ValueError(f"a file in it has the compression {entry.compress_type}, not deflate")
