"""The zip behind a network is as plain as can be: whatever a reader goes by, it sees the same."""

import struct
import zlib
from typing import Any

import pytest

from edgecnn import ModelFileError
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import GOLDEN, unpack
from edgecnn.model_file.golden import golden_of
from tests.support.sealed import Members, parts, seal, written


@pytest.fixture(scope="module")
def whole() -> bytes:
    return find_model("fashion-mnist").read_bytes()


def as_plain_zip(
    members: Members,
    comment: bytes,
    *,
    extra: bytes = b"",
    noted: bytes = b"",
    behind: bytes = b"",
    local: tuple[int, int, int] | None = None,
    counted: int = 0,
) -> bytes:
    """A zip by hand, with what zipfile does not write.

    Args:
        members: what is in it.
        comment: of the whole.
        extra: before each member's content.
        noted: each member's comment.
        behind: each compressed content.
        local: flags, method and sum in the header before each.
        counted: how many members more the end says.
    """
    out, directory = b"", b""
    for name, data in members:
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        stream, own, digest = deflate.compress(data) + deflate.flush() + behind, name.encode(), zlib.crc32(data)
        sizes = (len(stream), len(data))
        directory += struct.pack(
            "<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 33, digest, *sizes, len(own), 0, len(noted), 0, 0, 0, len(out)
        )
        directory += own + noted
        flags, method, summed = local or (0, 8, digest)
        out += struct.pack("<4s5H3I2H", b"PK\3\4", 20, flags, method, 0, 33, summed, *sizes, len(own), len(extra))
        out += own + extra + stream
    count = len(members) + counted
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(directory), len(out), len(comment))
    return out + directory + end + comment


@pytest.mark.parametrize(
    "more",
    [
        {"extra": struct.pack("<HH", 0x9999, 60_000) + bytes(60_000)},
        {"noted": b"hello"},
        {"behind": b"hello"},
        {"local": (1, 8, 0)},
        {"local": (0, 0, 0)},
        {"local": (0, 8, 1)},
        {"counted": 6},
    ],
    ids=["extra field", "comment of a member", "behind a stream", "encrypted", "stored", "another sum", "count"],
)
def test_nothing_is_hidden_in_the_zips_own_parts(more: dict[str, Any], whole: bytes) -> None:
    flatbuffer, members, comment = parts(whole)
    assert unpack(flatbuffer + as_plain_zip(members, comment), "m.tflite").card
    with pytest.raises(
        ModelFileError, match=r"does not read \((something is hidden|the header at byte 0 says otherwise)"
    ):
        unpack(flatbuffer + as_plain_zip(members, comment, **more), "m.tflite")


@pytest.mark.parametrize(
    "at",
    [28, 29, 30, 31, 32, 33, 34],
    ids=["name", "long name", "extra field", "long extra field", "comment", "long comment", "disk"],
)
@pytest.mark.parametrize("member", [0, 1, 2])
def test_the_directory_says_no_more_than_there_is(at: int, member: int, whole: bytes) -> None:
    """Of the last member, zipfile reads what is longer than the directory as if it ended there."""
    flatbuffer, members, comment = parts(whole)
    data = bytearray(as_plain_zip(members, comment))
    start = -1
    for _ in range(member + 1):
        start = data.index(b"PK\1\2", start + 1)
    data[start + at] += 5
    with pytest.raises(ModelFileError, match=r"m\.tflite is damaged: the card behind the model does not read"):
        unpack(flatbuffer + data, "m.tflite")


def test_the_card_is_the_first_member(whole: bytes) -> None:
    flatbuffer, members, _ = parts(whole)
    turned = members[::-1]
    with pytest.raises(ModelFileError, match=r"card\.json is not the first file behind the model"):
        unpack(written(flatbuffer, turned, seal(flatbuffer, turned)), "m.tflite")


def test_probes_of_no_bytes_are_a_sentence(whole: bytes) -> None:
    flatbuffer, members, _ = parts(whole)
    emptied = [(name, b"" if name == GOLDEN else data) for name, data in members]
    packed = unpack(written(flatbuffer, emptied, seal(flatbuffer, emptied)), "m.tflite")
    with pytest.raises(ModelFileError, match="its golden probes do not read"):
        golden_of(packed)
