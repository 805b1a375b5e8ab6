"""Alters packed model files at random, from a seed: bytes anywhere, or single parts with every digest made anew.

It reads and writes the format by itself, as docs/reference/file-format.md says it: an attacker has no edgecnn.
"""

import hashlib
import io
import json
import random
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_WORDS = (0, 1, 4, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)
_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1,
    2**31,
    2**63,
    10**30,
    1e308,
    0.5,
    "",
    "x" * 300,
    "\x1b[2J",
    [],
    {},
    [[]],
)


@dataclass(frozen=True)
class Attack:
    """An altered file.

    Attributes:
        kind: how it was altered.
        data: the file.
        is_resealed: whether the digests were made anew.
    """

    kind: str
    data: bytes
    is_resealed: bool


@dataclass
class Parts:
    """A packed file in parts; `signature` is what follows the seal in the zip's comment."""

    flatbuffer: bytes
    members: list[tuple[str, bytes]]
    signature: bytes

    @classmethod
    def of(cls, data: bytes) -> "Parts":
        """The parts of a healthy file."""
        length = int.from_bytes(data[16:24], "little")
        with zipfile.ZipFile(io.BytesIO(data[length:])) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
            return cls(data[:length], members, archive.comment[86:])

    def resealed(self) -> bytes:
        """A whole file, in which the flatbuffer's digest in the card and the seal are right."""
        digest = hashlib.sha256(self.flatbuffer).hexdigest()
        lines = [digest]
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self.members:
                if name == "card.json":
                    content = _with_digest(content, digest)
                archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
                lines.append(f"{name} {len(content)} {hashlib.sha256(content).hexdigest()}")
            seal = hashlib.sha256("\n".join(lines).encode()).hexdigest()
            archive.comment = f"edgecnn seal, SHA-256 {seal}".encode() + self.signature
        return (
            self.flatbuffer[:16] + len(self.flatbuffer).to_bytes(8, "little") + self.flatbuffer[24:] + buffer.getvalue()
        )


def _with_digest(card: bytes, digest: str) -> bytes:
    try:
        fields = json.loads(card)
        fields["provenance"]["flatbuffer_sha256"] = digest
        return json.dumps(fields).encode()
    except (ValueError, TypeError, KeyError):
        return card


def altered(data: bytes, rng: random.Random) -> Attack:
    """`data`, a healthy packed file, altered in one place or a few."""
    if rng.random() < 0.4:
        kind = rng.choice(list(_BYTES))
        return Attack(kind, _BYTES[kind](data, rng), is_resealed=False)
    parts = Parts.of(data)
    kind = rng.choice(list(_PARTS))
    _PARTS[kind](parts, rng)
    return Attack(f"{kind}, resealed", parts.resealed(), is_resealed=True)


def _flip(data: bytes, rng: random.Random) -> bytes:
    broken = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 4, 16))):
        broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
    return bytes(broken)


def _word(data: bytes, rng: random.Random) -> bytes:
    broken, word = bytearray(data), rng.choice((*_WORDS, rng.getrandbits(32)))
    place = rng.randrange(len(broken)) // 4 * 4
    broken[place : place + 4] = word.to_bytes(4, "little")
    return bytes(broken[: len(data)])


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def _insert(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data) + 1)
    return data[:place] + rng.randbytes(rng.choice((1, 4, 64))) + data[place:]


def _drop(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data))
    return data[:place] + data[place + rng.choice((1, 4, 64)) :]


def _double(data: bytes, rng: random.Random) -> bytes:
    start, place, length = rng.randrange(len(data)), rng.randrange(len(data)), rng.choice((4, 64, 1024))
    return data[:place] + data[start : start + length] + data[place:]


def _late(data: bytes, rng: random.Random) -> bytes:
    """In the last kilobyte: the zip's directory, the seal, the signature."""
    return data[:-1024] + rng.choice((_flip, _word, _drop, _insert))(data[-1024:], rng)


def _network(parts: Parts, rng: random.Random) -> None:
    changed = bytearray(rng.choice((_flip, _word))(parts.flatbuffer, rng))
    changed[4:24] = parts.flatbuffer[4:24]
    parts.flatbuffer = bytes(changed)


def _structure(parts: Parts, rng: random.Random) -> None:
    """Small numbers are lengths, offsets and indices: tables that point elsewhere."""
    changed = bytearray(parts.flatbuffer)
    places = [at for at in range(24, len(changed) - 4, 4) if int.from_bytes(changed[at : at + 4], "little") < 0x10000]
    for _ in range(rng.choice((1, 1, 3))):
        place = rng.choice(places)
        changed[place : place + 4] = rng.choice((*_WORDS, rng.randrange(256), rng.randrange(65536))).to_bytes(
            4, "little"
        )
    parts.flatbuffer = bytes(changed)


def _weights(parts: Parts, rng: random.Random) -> None:
    """A run of zeros or noise in the network."""
    start, length = rng.randrange(24, len(parts.flatbuffer)), rng.choice((16, 256, 4096))
    run = rng.choice((bytes(length), rng.randbytes(length)))[: len(parts.flatbuffer) - start]
    parts.flatbuffer = parts.flatbuffer[:start] + run + parts.flatbuffer[start + len(run) :]


def _card(parts: Parts, rng: random.Random) -> None:
    fields = json.loads(dict(parts.members)["card.json"])
    holder: Any = fields
    while True:
        key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        if isinstance(holder[key], dict | list) and holder[key] and rng.random() < 0.8:
            holder = holder[key]
            continue
        break
    if rng.random() < 0.2:
        del holder[key]
    else:
        near = [holder[key] * 2, -holder[key]] if isinstance(holder[key], int | float) else []
        holder[key] = rng.choice((*_VALUES, *near))
    _replace(parts, "card.json", json.dumps(fields).encode())


def _labels(parts: Parts, rng: random.Random) -> None:
    lines = dict(parts.members)["labels.txt"].decode().splitlines()
    rng.shuffle(lines)
    _replace(parts, "labels.txt", "".join(f"{line}\n" for line in lines).encode())


def _probes(parts: Parts, rng: random.Random) -> None:
    magic, head, stream = dict(parts.members)["golden.bin"].split(b"\n", 2)
    change = rng.choice((_flip, _word, _cut, _insert, _drop, _double))
    if rng.random() < 0.5:
        stream = zlib.compress(change(zlib.decompress(stream), rng))
    else:
        head = json.dumps(
            {**json.loads(head), rng.choice(("count", "more", "host_runtime")): rng.choice(_VALUES)}
        ).encode()
    _replace(parts, "golden.bin", b"\n".join((magic, head, stream)))


def _member(parts: Parts, rng: random.Random) -> None:
    """Bytes of any member, whatever it means."""
    name, content = rng.choice(parts.members)
    _replace(parts, name, rng.choice((_flip, _word, _cut, _insert, _drop, _double))(content, rng))


def _names(parts: Parts, rng: random.Random) -> None:
    """A member more or less, or called otherwise, or in another order."""
    place = rng.randrange(len(parts.members))
    name, content = parts.members[place]
    more = rng.choice(("card.json", "golden.npz", "labels.txt", "../../x", "evil.py", name + "\0", name.upper(), ""))
    work = rng.randrange(4)
    if work == 0:
        parts.members.insert(place, (more + ".txt" if more in dict(parts.members) else more, content))
    elif work == 1:
        del parts.members[place]
    elif work == 2:
        parts.members[place] = (name.upper(), content)
    else:
        rng.shuffle(parts.members)


def _replace(parts: Parts, name: str, content: bytes) -> None:
    parts.members = [(own, content if own == name else data) for own, data in parts.members]


_BYTES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "flip": _flip, "word": _word, "cut": _cut, "insert": _insert, "drop": _drop, "double": _double, "late": _late,
}  # fmt: skip
_PARTS: dict[str, Callable[[Parts, random.Random], None]] = {
    "network": _network, "structure": _structure, "weights": _weights, "card": _card, "labels": _labels,
    "probes": _probes, "member": _member, "names": _names,
}  # fmt: skip
