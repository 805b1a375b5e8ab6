"""Files whose vectors lie over one another: a few KB that would take minutes and GBs to read."""

from typing import Any

import pytest

from edgecnn import ModelFileError
from edgecnn.model_file.tflite_graph import read_graph
from edgecnn.model_file.tflite_metadata import associated_files, read_metadata

flatbuffers = pytest.importorskip("flatbuffers")
MANY = 500


def table(builder: Any, fields: dict[int, int]) -> int:
    """A table whose fields, by their number, are what was written before."""
    builder.StartObject(max(fields) + 1)
    for number, written in fields.items():
        builder.PrependUOffsetTRelativeSlot(number, written, 0)
    return int(builder.EndObject())


def vector(builder: Any, items: list[int]) -> int:
    builder.StartVector(4, len(items), 4)
    for item in items:
        builder.PrependUOffsetTRelative(item)
    return int(builder.EndVector())


def with_metadata(tensor_count: int, copies: int) -> bytes:
    """A model without anything but metadata: tensors that share one vector of so many times the same file."""
    metadata = flatbuffers.Builder()
    files = vector(metadata, [table(metadata, {0: metadata.CreateString("hidden.bin")})] * copies)
    tensors = [table(metadata, {6: files}) for _ in range(tensor_count)]
    graph = table(metadata, {3: vector(metadata, tensors)})
    metadata.Finish(table(metadata, {3: vector(metadata, [graph])}), b"M001")
    model = flatbuffers.Builder()
    buffer = table(model, {0: model.CreateByteVector(bytes(metadata.Output()))})
    entry = table(model, {0: model.CreateString("TFLITE_METADATA")})
    model.Finish(table(model, {4: vector(model, [buffer]), 6: vector(model, [entry])}), b"TFL3")
    return bytes(model.Output())


def test_files_that_metadata_names_over_and_over_are_not_looked_through() -> None:
    assert associated_files(with_metadata(3, 2)) == {"hidden.bin"}
    hostile = with_metadata(MANY, MANY)
    assert len(hostile) < 20_000 and associated_files(hostile) == frozenset()
    assert "lie over one another" in read_metadata(hostile).damage


def test_tensors_that_share_one_long_shape_are_damage() -> None:
    def model(tensors: int, sides: int) -> bytes:
        builder = flatbuffers.Builder()
        builder.StartVector(4, sides, 4)
        for _ in range(sides):
            builder.PrependInt32(1)
        shape = builder.EndVector()
        graph = table(builder, {0: vector(builder, [table(builder, {0: shape}) for _ in range(tensors)])})
        buffer = table(builder, {0: builder.CreateByteVector(b"")})
        builder.Finish(table(builder, {2: vector(builder, [graph]), 4: vector(builder, [buffer])}), b"TFL3")
        return bytes(builder.Output())

    assert read_graph(model(3, 8), "m").tensors[2].shape == (1,) * 8
    with pytest.raises(ModelFileError, match=r"m is damaged .*over one another"):
        read_graph(model(MANY, MANY), "m")
