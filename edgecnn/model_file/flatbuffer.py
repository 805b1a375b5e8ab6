"""Read single fields of a flatbuffer, such as a .tflite file, without its schema's code and without trusting it."""

import struct
from dataclasses import dataclass, field

# Vectors of a sound file lie side by side (equal zero points apart), and each is read once or twice. Of a file whose
# vectors lie over one another, 24 KB took 20 s and 850 MB to read.
_MOST_READINGS = 8


class DamagedFlatbufferError(Exception):
    """An offset or a length points out of the file, or its vectors lie over one another."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a flatbuffer; fields are named by their slot: 4 for the first, 6 for the second and so on.

    Attributes:
        data: the whole flatbuffer.
        position: of the table in it, in bytes.
        vectors_read: how many bytes of vectors were read so far, by all tables that come from one root.
    """

    data: bytes
    position: int
    vectors_read: list[int] = field(default_factory=lambda: [0], repr=False, compare=False)

    @classmethod
    def root(cls, data: bytes) -> "Table":
        """The table that a flatbuffer begins with.

        Raises:
            DamagedFlatbufferError: it has none.
        """
        return cls(data, _unpack("<I", data, 0))

    def place(self, slot: int) -> int:
        """At which byte a field is; 0 for one that is not there."""
        vtable = self.position - _unpack("<i", self.data, self.position)
        if slot >= _unpack("<H", self.data, vtable):
            return 0
        offset = _unpack("<H", self.data, vtable + slot)
        return self.position + offset if offset else 0

    def scalar(self, slot: int, code: str, default: int = 0) -> int:
        """An integer; `code` is its letter in `struct`."""
        at = self.place(slot)
        return _unpack(f"<{code}", self.data, at) if at else default

    def table(self, slot: int) -> "Table | None":
        """A table, or of a union what it holds; None where there is none."""
        at = self.place(slot)
        return self._table_at(at) if at else None

    def _table_at(self, place: int) -> "Table":
        return Table(self.data, place + _unpack("<I", self.data, place), self.vectors_read)

    def length(self, slot: int) -> int:
        """How many items a vector has; 0 where there is none."""
        at = self.place(slot)
        return _unpack("<I", self.data, at + _unpack("<I", self.data, at)) if at else 0

    def _vector(self, slot: int, item_bytes: int) -> tuple[int, int]:
        """Where the items of a vector begin, and how many they are."""
        at = self.place(slot)
        if not at:
            return 0, 0
        start = at + _unpack("<I", self.data, at)
        count = _unpack("<I", self.data, start)
        if start + 4 + count * item_bytes > len(self.data):
            raise DamagedFlatbufferError(f"a vector of {count} items at byte {start} ends behind the file")
        self.vectors_read[0] += count * item_bytes
        if self.vectors_read[0] > _MOST_READINGS * len(self.data):
            raise DamagedFlatbufferError("its vectors lie over one another")
        return start + 4, count

    def tables(self, slot: int) -> "list[Table]":
        """A vector of tables; empty where there is none."""
        start, count = self._vector(slot, 4)
        return [self._table_at(place) for place in range(start, start + 4 * count, 4)]

    def numbers(self, slot: int, code: str) -> tuple[float, ...]:
        """A vector of numbers; `code` is their letter in `struct`."""
        start, count = self._vector(slot, struct.calcsize(f"<{code}"))
        return struct.unpack_from(f"<{count}{code}", self.data, start)

    def octets(self, slot: int) -> bytes:
        """A vector of bytes, or a string; empty where there is none."""
        start, count = self._vector(slot, 1)
        return self.data[start : start + count]

    def text(self, slot: int) -> str:
        """A string; what is not UTF-8 in it is replaced."""
        return self.octets(slot).decode("utf-8", errors="replace")


def _unpack(code: str, data: bytes, at: int) -> int:
    # struct would count from the end below 0, and 32-bit processors have no such index where it is too large.
    if not 0 <= at <= len(data) - struct.calcsize(code):
        raise DamagedFlatbufferError(f"an offset points to byte {at} of {len(data)}")
    (value,) = struct.unpack_from(code, data, at)
    return int(value)
