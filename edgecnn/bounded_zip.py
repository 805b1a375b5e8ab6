"""Read small zip archives from strangers: nothing is inflated before its size is known and allowed."""

import io
import struct
import zipfile

_ENCRYPTED = 0x1  # of a member's flags
_LOCAL_HEADER_BYTES, _END_BYTES = 30, 22
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


def require_tight(data: bytes) -> None:
    """Make sure that nothing lies in the archive `data` but its members, one behind the other, and its directory.

    Readers that go by the directory would not see it, others would.

    Raises:
        One of `edgecnn.zip_errors.ZIP_ERRORS`: something does, or it does not read.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        at = 0
        for entry in sorted(archive.infolist(), key=lambda entry: entry.header_offset):
            if entry.header_offset != at or data[at : at + 4] != b"PK\x03\x04":
                raise ValueError(f"something is hidden at byte {at}")
            # Lengths of name and extra field stand in the local header too, and may be others there.
            at += _LOCAL_HEADER_BYTES + sum(struct.unpack_from("<HH", data, at + 26)) + entry.compress_size
        end = len(data) - _END_BYTES - len(archive.comment)
        directory_bytes, directory_at = struct.unpack_from("<II", data, end + 12)
        if data[end : end + 4] != b"PK\x05\x06" or not at == directory_at == end - directory_bytes:
            raise ValueError(f"something is hidden at byte {at}, or behind the archive")


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
