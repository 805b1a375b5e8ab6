r"""One .tflite file that holds everything: the flatbuffer, and behind it a zip of card, labels and golden probes.

    byte 0   root offset (4), identifier "TFL3" (4)          as in any .tflite
    byte 8   b"edgecnn" + b"\x01", length of the flatbuffer   our header: 16 bytes that no offset points to
    byte 24  the rest of the flatbuffer
    length   zip: card.json, labels.txt, golden.bin           the place where TFLite keeps associated files

Flatbuffer offsets are relative to where they stand, so 16 bytes put before everything but the root offset change
nothing else, save the few that count from the file's start (see tflite_buffers.py), and keep the 16-byte alignment of
the weights. With the length at the front, a truncated file is told from one that never had a card. Every runtime
ignores header and tail.

The zip's comment is a seal: a SHA-256 over the flatbuffer and every member, so that no part is exchanged by accident.
It is no signature: whoever alters a file on purpose can compute it. A signature stands behind it; see signature.py.
"""

import dataclasses
import importlib.util
import io
import json
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..bounded_zip import read_members, require_tight
from ..errors import ModelFileError
from ..zip_errors import ZIP_ERRORS, zip_reason
from .card import ModelCard
from .header import DAMAGED, HEADER, HEADER_AT, IDENTIFIER, MAGIC, split_file

ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
# Up to here Python's own SHA-256 is faster than loading OpenSSL for hashlib, which also takes 4 MB.
_SMALL_BYTES = 4 << 20
_MAX_TAIL_BYTES = 64 << 20  # probes are a few dozen small images; more is no card of ours

CARD = "card.json"
LABELS = "labels.txt"
GOLDEN = "golden.bin"
OLD_GOLDEN = "golden.npz"  # of before the probes had a format of their own
_SEAL = b"edgecnn seal, SHA-256 "
_SEALED_SCHEMA = 2  # from here on every file has a seal


@dataclass(frozen=True)
class Signed:
    """A signature and what it is of; see signature.py.

    Attributes:
        message: the bytes of the whole file as it was before it was signed.
        armor: what `ssh-keygen -Y sign` made of them.
    """

    message: bytes
    armor: bytes


@dataclass(frozen=True)
class PackedModel:
    """A model file that has been read and checked.

    Attributes:
        name: the file's name, for messages.
        flatbuffer: what a runtime parses.
        card: None for a file that never had one.
        golden: the golden probes, for `Golden.from_bytes`; None for a file that never had a card.
        seal: what the zip's comment begins with; empty for files of before there were seals.
        signed: None for a file that is not signed.
        tail: what stands behind the flatbuffer; empty for a file that never had a card.
    """

    name: str
    flatbuffer: bytes
    card: ModelCard | None
    golden: bytes | None
    seal: bytes = b""
    signed: Signed | None = None
    tail: bytes = b""

    @property
    def seal_sha256(self) -> str:
        """Of all that is in the file, hexadecimal; the same when it is signed, and empty where it has no seal."""
        return self.seal.removeprefix(_SEAL).decode("ascii")

    @property
    def flatbuffer_sha256(self) -> str:
        """Of the flatbuffer, hexadecimal: the card's, which was checked when the file was read, else computed now."""
        return self.card.provenance.flatbuffer_sha256 if self.card else sha256(self.flatbuffer)

    @property
    def content(self) -> bytes:
        """The whole file as it was checked; the one on disk may be another by now."""
        return self.flatbuffer + self.tail


def add_header(flatbuffer: bytes) -> bytes:
    """Insert the header that says how long the flatbuffer is; a flatbuffer that has one is returned as it is.

    Raises:
        ModelFileError: the flatbuffer is damaged.
    """
    if flatbuffer[HEADER_AT : HEADER_AT + len(MAGIC)] == MAGIC:
        return flatbuffer
    from .tflite_buffers import with_offsets_raised

    (root,) = struct.unpack_from("<I", flatbuffer)
    header = HEADER.pack(MAGIC, len(flatbuffer) + HEADER.size)
    rest = with_offsets_raised(flatbuffer, HEADER.size)[HEADER_AT:]
    return struct.pack("<I", root + HEADER.size) + IDENTIFIER + header + rest


def pack(flatbuffer: bytes, members: Mapping[str, bytes], *, stored: bool = False) -> bytes:
    """Append `members` as a sealed zip to a flatbuffer that has a header.

    The same input gives the same bytes: the zip carries no time of day.

    Args:
        flatbuffer: what `add_header` returned.
        members: contents by name, the card first.
        stored: do not compress them; MediaPipe reads no other zip.
    """
    buffer, method = io.BytesIO(), zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), data, method)
        archive.comment = _seal(sha256(flatbuffer), members)
    return flatbuffer + buffer.getvalue()


def pack_card(
    flatbuffer: bytes, card: ModelCard, golden: bytes, *, stored: bool = False, more: Mapping[str, bytes] | None = None
) -> bytes:
    """Put card, labels and golden probes behind the flatbuffer that they are of; see `pack`.

    Args:
        flatbuffer: what `add_header` returned.
        card: the flatbuffer's own SHA-256 is entered into it.
        golden: what `Golden.to_bytes` made.
        stored: do not compress them.
        more: other files by name, such as those that another tool's metadata names.
    """
    provenance = dataclasses.replace(card.provenance, flatbuffer_sha256=sha256(flatbuffer))
    card = dataclasses.replace(card, provenance=provenance)
    members = {CARD: card.to_json().encode(), LABELS: _label_lines(card), GOLDEN: golden, **(more or {})}
    return pack(flatbuffer, members, stored=stored)


def sha256(data: bytes) -> str:
    """SHA-256 of `data` in hexadecimal."""
    if len(data) <= _SMALL_BYTES:
        for module in ("_sha2", "_sha256"):  # of Python 3.12, and before
            if importlib.util.find_spec(module):
                return str(importlib.import_module(module).sha256(data).hexdigest())
    import hashlib

    return hashlib.sha256(data).hexdigest()


def read_model(path: str | Path) -> PackedModel:
    """Read a .tflite file and check it against its card before any runtime sees it.

    Raises:
        ModelFileError: missing, not a TFLite model, truncated, damaged, or with an invalid card.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ModelFileError(f"cannot read the model {path}: {error.strerror}") from None
    return unpack(data, str(path))


def unpack(data: bytes, name: str) -> PackedModel:
    """Split the bytes of a .tflite file into flatbuffer, card and golden probes; see `read_model`."""
    flatbuffer, tail = split_file(data, name)
    if tail is None:
        return PackedModel(name, flatbuffer, None, None)
    members, comment = _read_zip(tail, name)
    seal, line_feed, armor = comment.partition(b"\n")
    card = ModelCard.from_json(members[CARD], where=f"{name}: {CARD}")
    found = sha256(flatbuffer)
    if found != card.provenance.flatbuffer_sha256:
        raise ModelFileError(
            f"{name} is damaged: its SHA-256 is {found[:12]}…, its card says "
            f"{card.provenance.flatbuffer_sha256[:12] or 'nothing'}…; {DAMAGED}"
        )
    if members[LABELS] != _label_lines(card):
        raise ModelFileError(f"{name} is damaged: {LABELS} and {CARD} do not name the same labels; {DAMAGED}")
    _require_known(flatbuffer, members, name)
    _require_seal(seal, found, members, name)
    golden = members[GOLDEN if GOLDEN in members else OLD_GOLDEN]
    signed = None
    if line_feed:
        from .ssh_armor import require_armor

        require_armor(armor, name)
        signed = Signed(data[: -2 - len(comment)] + len(seal).to_bytes(2, "little") + seal, armor)
    return PackedModel(name, flatbuffer, card, golden, seal, signed, tail)


def _seal(flatbuffer_sha256: str, members: Mapping[str, bytes]) -> bytes:
    """What the zip's comment is: names and lengths are in it, so that nothing moves from one member to the next."""
    parts = [f"{name} {len(data)} {sha256(data)}" for name, data in members.items()]
    return _SEAL + sha256("\n".join([flatbuffer_sha256, *parts]).encode()).encode()


def _require_seal(seal: bytes, flatbuffer_sha256: str, members: Mapping[str, bytes], name: str) -> None:
    """Make sure that every member is the one that was packed; files of before there were seals have none."""
    is_older = not seal and json.loads(members[CARD])["schema_version"] < _SEALED_SCHEMA
    if not is_older and seal != _seal(flatbuffer_sha256, members):
        raise ModelFileError(
            f"{name} was changed after it was written: card, labels and probes do not match their seal; {DAMAGED}"
        )


def _label_lines(card: ModelCard) -> bytes:
    return "".join(f"{label}\n" for label in card.labels).encode()


def _read_zip(tail: bytes, name: str) -> tuple[dict[str, bytes], bytes]:
    """The members in their order, and the zip's comment."""
    try:
        members, comment = read_members(tail, _MAX_TAIL_BYTES)
        require_tight(tail)
    except ZIP_ERRORS as error:
        raise ModelFileError(
            f"{name} is damaged: the card behind the model does not read ({zip_reason(error)}); {DAMAGED}"
        ) from None
    missing = {CARD, LABELS, GOLDEN} - set(members) - ({GOLDEN} if OLD_GOLDEN in members else set())
    if missing:
        raise ModelFileError(
            f"{name} is damaged: {', '.join(sorted(missing))} is gone from behind the model; {DAMAGED}"
        )
    if next(iter(members)) != CARD:
        raise ModelFileError(f"{name} is damaged: {CARD} is not the first file behind the model; {DAMAGED}")
    return members, comment


def _require_known(flatbuffer: bytes, members: Mapping[str, bytes], name: str) -> None:
    """Make sure that nothing is hidden behind the model: files that its metadata names are other programs' own."""
    unknown = set(members) - {CARD, LABELS, GOLDEN if GOLDEN in members else OLD_GOLDEN}
    if unknown:
        from .tflite_metadata import associated_files

        unknown -= associated_files(flatbuffer)
    if unknown:
        raise ModelFileError(
            f"{name} was changed after it was written: {', '.join(sorted(map(repr, unknown)))[:200]} behind the model "
            f"is no part of it; {DAMAGED}"
        )
