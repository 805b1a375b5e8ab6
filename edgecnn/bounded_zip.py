"""Read small zip archives from strangers: nothing is inflated before its size is known and allowed."""

import io
import struct
import zipfile
import zlib

_ENCRYPTED = 0x1  # of a member's flags
_LOCAL_HEADER_BYTES, _DIRECTORY_BYTES, _END_BYTES = 30, 46, 22
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
    """Make sure that nothing lies in the archive `data` but its members, in their order, and its directory.

    Some readers go by the directory, others by the header before each member: both must say the same, and no more than
    what a member's content needs. Only of versions, times and attributes they may say what they like (Python's zipfile
    knows versions up to 6.3).

    Raises:
        One of `edgecnn.zip_errors.ZIP_ERRORS`: they do not, something else lies there, or it does not read.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries, at, directory = archive.infolist(), 0, archive.start_dir
        for entry in entries:
            if entry.header_offset != at or data[at : at + 4] != b"PK\x03\x04":
                raise ValueError(f"something is hidden at byte {at}")
            flags, method, _, _, *sizes, name_bytes, extra = struct.unpack_from("<4H3I2H", data, at + 6)
            said = entry.flag_bits, entry.compress_type, [entry.CRC, entry.compress_size, entry.file_size]
            if (flags, method, sizes) != said or extra or entry.filename != entry.orig_filename:
                raise ValueError(f"the header at byte {at} says otherwise than the directory, or more")
            start = at + _LOCAL_HEADER_BYTES + name_bytes
            at = start + entry.compress_size
            # A name, extra field or comment longer than the directory: Python cuts it off there, others refuse it.
            if data[directory + 28 : directory + 36] != struct.pack("<4H", name_bytes, 0, 0, 0):
                raise ValueError(f"something is hidden in the directory at byte {directory}")
            directory += _DIRECTORY_BYTES + name_bytes
            if method == zipfile.ZIP_DEFLATED:
                _require_whole_stream(data[start:at], entry)
        comment = archive.comment
    end = len(data) - _END_BYTES - len(comment)
    count = len(entries)
    if directory != end or data[end : end + _END_BYTES] != struct.pack(
        "<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, end - at, at, len(comment)
    ):
        raise ValueError(f"something is hidden at byte {at}, or behind the archive")


def _require_whole_stream(stream: bytes, entry: zipfile.ZipInfo) -> None:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    inflate.decompress(stream, entry.file_size + 1)
    if not inflate.eof or inflate.unused_data:
        raise ValueError(f"something is hidden behind {entry.filename!r}")


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
