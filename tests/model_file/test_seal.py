"""No member of the zip behind a network is exchanged unnoticed, though each of them is valid by itself."""

import json
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from edgecnn import ModelFileError
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import CARD, GOLDEN, LABELS, unpack
from tests.support.sealed import Members, parts, seal, written


@pytest.fixture(scope="module")
def whole() -> bytes:
    return find_model("fashion-mnist").read_bytes()


def with_fields(change: Callable[[dict[str, Any]], object]) -> Callable[[Members], Members]:
    def changed(members: Members) -> Members:
        fields = json.loads(dict(members)[CARD])
        change(fields)
        return [(name, json.dumps(fields).encode() if name == CARD else data) for name, data in members]

    return changed


def with_member(name: str, change: Callable[[bytes], bytes]) -> Callable[[Members], Members]:
    return lambda members: [(own, change(data) if own == name else data) for own, data in members]


def reversed_labels(members: Members) -> Members:
    lines = dict(members)[LABELS].decode().splitlines()[::-1]
    relabelled = with_fields(lambda fields: fields.update(labels=fields["labels"][::-1]))(members)
    return with_member(LABELS, lambda _: "".join(f"{line}\n" for line in lines).encode())(relabelled)


def test_the_seal_is_what_the_specification_says(whole: bytes) -> None:
    flatbuffer, members, comment = parts(whole)
    assert [name for name, _ in members] == [CARD, LABELS, GOLDEN]
    assert comment == seal(flatbuffer, members)


@pytest.mark.parametrize(
    "change",
    [
        reversed_labels,
        with_fields(lambda fields: fields["input"].update(scale=[2 / 255])),
        with_fields(lambda fields: fields["training"].update(test_accuracy=0.99)),
        with_fields(lambda fields: fields.update(name="another")),
        with_member(GOLDEN, lambda data: data + b" "),
        lambda members: [members[0], members[2], members[1]],
    ],
    ids=["labels", "scale", "accuracy", "name", "probes", "order"],
)
def test_a_changed_member_is_noticed(change: Callable[[Members], Members], whole: bytes) -> None:
    flatbuffer, members, comment = parts(whole)
    changed = change(members)
    with pytest.raises(ModelFileError, match=r"was changed after it was written.*do not match their seal"):
        unpack(written(flatbuffer, changed, comment), "m.tflite")
    assert unpack(written(flatbuffer, members, comment), "m.tflite").card


@pytest.mark.parametrize(
    ("change", "member"),
    [
        (lambda members: [*members, ("notes.txt", b"hello")], "'notes.txt' behind the model is no part of it"),
        (with_member(LABELS, lambda data: data[::-1]), r"labels\.txt and card\.json do not name the same"),
        (lambda members: members[:2], r"golden\.bin is gone"),
    ],
    ids=["more", "labels.txt", "fewer"],
)
def test_a_member_that_is_wrong_by_itself_is_named(
    change: Callable[[Members], Members], member: str, whole: bytes
) -> None:
    flatbuffer, members, comment = parts(whole)
    with pytest.raises(ModelFileError, match=member):
        unpack(written(flatbuffer, change(members), comment), "m.tflite")


def test_a_member_that_is_there_twice_is_refused(whole: bytes) -> None:
    flatbuffer, members, comment = parts(whole)
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = written(flatbuffer, [*members, members[0]], comment)
    with pytest.raises(ModelFileError, match="a file is in it twice"):
        unpack(twice, "m.tflite")


def test_labels_that_contradict_the_card_are_refused_though_sealed(whole: bytes) -> None:
    flatbuffer, members, _ = parts(whole)
    changed = with_member(LABELS, lambda data: data.replace(b"Sneaker", b"Slipper"))(members)
    with pytest.raises(ModelFileError, match=r"labels\.txt and card\.json do not name the same labels"):
        unpack(written(flatbuffer, changed, seal(flatbuffer, changed)), "m.tflite")


@pytest.mark.parametrize("name", ["notes.txt", "card.json ", "labels.txt/", "golden.npz", "../x", "\x1b[2J"])
def test_an_unknown_member_is_refused_though_sealed(name: str, whole: bytes) -> None:
    flatbuffer, members, _ = parts(whole)
    changed = [*members, (name, b"hello")]
    with pytest.raises(ModelFileError, match=r"was changed .* behind the model is no part of it") as caught:
        unpack(written(flatbuffer, changed, seal(flatbuffer, changed)), "m.tflite")
    assert "\x1b" not in str(caught.value)


def test_what_follows_the_zip_is_refused(whole: bytes) -> None:
    with pytest.raises(ModelFileError, match="does not read"):
        unpack(whole + b"more", "m.tflite")


def with_gap(tail: bytes, at: int, content: bytes) -> bytes:
    """The zip with something before byte `at`, and every offset in its directory right all the same."""
    end = tail.rindex(b"PK\x05\x06")
    (directory,) = struct.unpack_from("<I", tail, end + 16)
    moved = bytearray(tail)
    struct.pack_into("<I", moved, end + 16, directory + len(content))
    entry = directory
    for _ in range(3):
        name, extra, comment = struct.unpack_from("<HHH", tail, entry + 28)
        (offset,) = struct.unpack_from("<I", tail, entry + 42)
        struct.pack_into("<I", moved, entry + 42, offset + (len(content) if offset >= at else 0))
        entry += 46 + name + extra + comment
    return bytes(moved[:at] + content + moved[at:])


def test_nothing_is_hidden_between_the_members(whole: bytes) -> None:
    flatbuffer, _, _ = parts(whole)
    tail = whole[len(flatbuffer) :]
    second = tail.index(b"PK\x03\x04", 4)
    directory = tail.index(b"PK\x01\x02")
    for at in (0, second, directory):
        hidden = flatbuffer + with_gap(tail, at, tail[:second])  # another card, which the directory does not name
        assert parts(hidden) == parts(whole)
        with pytest.raises(ModelFileError, match="something is hidden at byte"):
            unpack(hidden, "m.tflite")
    assert unpack(flatbuffer + with_gap(tail, 0, b""), "m.tflite").card


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_without_a_bound_are_refused(method: int, whole: bytes) -> None:
    flatbuffer, members, comment = parts(whole)
    with pytest.raises(ModelFileError, match="has the compression"):
        unpack(written(flatbuffer, members, comment, method), "m.tflite")


@pytest.mark.parametrize("field", ["labels", "input", "scale"])
def test_a_field_that_stands_twice_in_the_card_is_refused_though_sealed(field: str, whole: bytes) -> None:
    flatbuffer, members, _ = parts(whole)
    twice = with_member(
        CARD, lambda card: card.replace(b'"%s": ' % field.encode(), b'"%s": 1, "%s": ' % (2 * (field.encode(),)))
    )
    changed = twice(members)
    assert json.loads(dict(changed)[CARD]) == json.loads(dict(members)[CARD])  # as Python reads it
    with pytest.raises(ModelFileError, match="a field stands twice in it"):
        unpack(written(flatbuffer, changed, seal(flatbuffer, changed)), "m.tflite")


def test_a_missing_seal_is_noticed_but_for_files_of_before_there_was_one(whole: bytes) -> None:
    flatbuffer, members, _ = parts(whole)
    with pytest.raises(ModelFileError, match="do not match their seal"):
        unpack(written(flatbuffer, members, b""), "m.tflite")

    def of_before(fields: dict[str, Any]) -> None:
        fields["schema_version"] = 1
        del fields["input"]["jpeg_decoding"], fields["confidence"]

    assert unpack(written(flatbuffer, with_fields(of_before)(members), b""), "m.tflite").card

    def only_says_so(fields: dict[str, Any]) -> None:
        fields["schema_version"] = 1

    with pytest.raises(ModelFileError, match=r"schema 1 or older, which has no input\.jpeg_decoding"):
        unpack(written(flatbuffer, with_fields(only_says_so)(members), b""), "m.tflite")
