"""What OpenSSH writes as a signature (PROTOCOL.sshsig), read and not checked."""

import base64
from collections.abc import Iterator

from ..errors import ModelFileError
from .header import DAMAGED

BEGIN, END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_PREAMBLE = b"SSHSIG\x00\x00\x00\x01"


def require_armor(armor: bytes, name: str) -> None:
    """Make sure that what follows a file's seal is written as a signature is; whether it holds is asked elsewhere.

    Raises:
        ModelFileError: it is not.
    """
    try:
        read_armor(armor)
    except ValueError as error:
        raise ModelFileError(f"{name} is damaged: what follows its seal is no signature ({error}); {DAMAGED}") from None


def read_armor(armor: bytes) -> tuple[bytes, str, str]:
    """Public key, its type, and what the signature is for.

    There is one way alone to write a signature, so that no byte of it can change.

    Raises:
        ValueError: it is none that `ssh-keygen -Y sign` writes.
    """
    first, *lines = armor.decode("ascii", errors="replace").split("\n")
    lines, ends = lines[:-2], lines[-2:]
    if not (lines and all(lines)) or (first, *ends) != (BEGIN, END, ""):
        raise ValueError("it is not framed as an SSH signature")
    try:
        blob = base64.b64decode("".join(lines), validate=True)
    except ValueError:
        raise ValueError("it is not written in Base64") from None
    text, width = base64.b64encode(blob).decode(), len(lines[0])
    if lines != [text[start : start + width] for start in range(0, len(text), width)]:
        raise ValueError("it is written otherwise than ssh-keygen does")
    if not blob.startswith(_PREAMBLE):
        raise ValueError("it is of another version")
    body = blob[len(_PREAMBLE) :]
    key, namespace, reserved, algorithm, signature = _strings(body, 5)
    if reserved or sum(map(len, (key, namespace, algorithm, signature))) + 5 * 4 != len(body):
        raise ValueError("something is hidden in it")
    (key_type,) = _strings(key, 1)
    words = key_type.decode("ascii", errors="replace"), namespace.decode("ascii", errors="replace")
    if not all(word.isascii() and word.isprintable() for word in words):
        raise ValueError("names that are no text")
    return key, *words


def _strings(data: bytes, count: int) -> Iterator[bytes]:
    """SSH's strings: a length of four bytes, then so many."""
    at = 0
    for _ in range(count):
        length = int.from_bytes(data[at : at + 4], "big")
        if at + 4 + length > len(data):
            raise ValueError("it ends early")
        yield data[at + 4 : at + 4 + length]
        at += 4 + length
