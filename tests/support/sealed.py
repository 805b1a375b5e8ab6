"""Packed files taken apart and written without edgecnn, as docs/reference/file-format.md has them."""

import hashlib
import io
import zipfile

Members = list[tuple[str, bytes]]


def parts(data: bytes) -> tuple[bytes, Members, bytes]:
    """Flatbuffer, members and comment of a packed file, read without edgecnn."""
    length = int.from_bytes(data[16:24], "little")
    with zipfile.ZipFile(io.BytesIO(data[length:])) as archive:
        return data[:length], [(name, archive.read(name)) for name in archive.namelist()], archive.comment


def seal(flatbuffer: bytes, members: Members) -> bytes:
    """As docs/reference/file-format.md says it."""
    lines = [hashlib.sha256(flatbuffer).hexdigest()]
    lines += [f"{name} {len(data)} {hashlib.sha256(data).hexdigest()}" for name, data in members]
    return b"edgecnn seal, SHA-256 " + hashlib.sha256("\n".join(lines).encode()).hexdigest().encode()


def written(flatbuffer: bytes, members: Members, comment: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
        archive.comment = comment
    return flatbuffer + buffer.getvalue()
