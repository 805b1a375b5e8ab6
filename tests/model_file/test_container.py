"""The packed file: one file holds everything, and no damage to it goes unnoticed."""

import random
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from edgecnn import ModelFileError
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import CARD, GOLDEN, LABELS, add_header, pack, pack_card, read_model, unpack
from tests.conftest import ON_A_BOARD

# Root offset, identifier, a vtable of no fields and a table without any.
SMALLEST = struct.pack("<I4s2Hi", 12, b"TFL3", 4, 4, 4)


@pytest.fixture(scope="module")
def packed() -> bytes:
    return find_model("fashion-mnist").read_bytes()


def test_zipfile_reads_card_labels_and_probes_from_the_tflite_file() -> None:
    with zipfile.ZipFile(find_model("fashion-mnist")) as archive:
        assert archive.namelist() == [CARD, LABELS, GOLDEN]
        assert archive.read(LABELS).decode().splitlines()[7] == "Sneaker"


def test_header_moves_nothing_but_the_root_offset() -> None:
    flatbuffer = SMALLEST + bytes(range(64))
    with_header = add_header(flatbuffer)
    assert with_header[:4] == (28).to_bytes(4, "little")
    assert with_header[24:] == flatbuffer[8:]
    assert add_header(with_header) == with_header


def test_header_moves_what_counts_from_the_start_of_the_file() -> None:
    flatbuffers = pytest.importorskip("flatbuffers")
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    model, graph, operator = schema.ModelT(), schema.SubGraphT(), schema.OperatorT()
    operator.largeCustomOptionsOffset, operator.largeCustomOptionsSize = 4321, 5
    graph.operators, model.subgraphs = [operator, schema.OperatorT()], [graph]
    model.buffers = [schema.BufferT(), schema.BufferT(), schema.BufferT()]
    model.buffers[1].offset, model.buffers[2].offset = 1, 1234  # 1 stands for none
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    moved = schema.ModelT.InitFromPackedBuf(add_header(bytes(builder.Output())), 0)
    assert [buffer.offset for buffer in moved.buffers] == [0, 1, 1250]
    assert [one.largeCustomOptionsOffset for one in moved.subgraphs[0].operators] == [4337, 0]


def test_damaged_flatbuffer_gets_no_header() -> None:
    with pytest.raises(ModelFileError, match="damaged"):
        add_header(struct.pack("<I4s", 16, b"TFL3") + bytes(range(256)))


def test_every_truncation_is_refused(packed: bytes) -> None:
    for length in [*range(0, 200), *range(200, len(packed), 997), len(packed) - 1]:
        with pytest.raises(ModelFileError):
            unpack(packed[:length], "cut.tflite")


@pytest.fixture(scope="module")
def tiny(packed: bytes) -> bytes:
    """Header, flatbuffer, card, labels and probes as they are, but a hundredth of the bytes: each can be damaged."""
    model = unpack(packed, "whole")
    assert model.card
    flatbuffer = add_header(SMALLEST + bytes(range(256)))
    return pack_card(flatbuffer, replace(model.card, feature_maps=(), ranges=()), b"probes")


def test_every_flipped_bit_is_refused_or_changes_nothing(tiny: bytes) -> None:
    whole, bits, refused = unpack(tiny, "whole"), random.Random(0), 0
    places = range(0, len(tiny), 16 if ON_A_BOARD else 1)
    for place in places:
        damaged = bytearray(tiny)
        damaged[place] ^= 1 << bits.randrange(8)
        try:
            found = unpack(bytes(damaged), "flipped.tflite")
        except ModelFileError:
            refused += 1
            continue
        assert (found.flatbuffer, found.card, found.golden) == (whole.flatbuffer, whole.card, whole.golden), place
    # Harmless are only the zip's dates, versions and attributes, which no reader asks for.
    assert refused > 0.85 * len(places)


@pytest.mark.parametrize("place", range(1000, 250_000, 12_345))
def test_flipped_weight_is_found_by_its_sha256(place: int, packed: bytes) -> None:
    damaged = bytearray(packed)
    damaged[place] ^= 1
    with pytest.raises(ModelFileError, match="SHA-256"):
        unpack(bytes(damaged), "weights.tflite")


def test_damaged_tail_is_damage_and_not_a_missing_card(packed: bytes) -> None:
    tail = len(unpack(packed, "whole").flatbuffer)
    damaged = packed[:tail] + b"PK\x03\x04" + bytes(len(packed) - tail - 4)
    with pytest.raises(ModelFileError, match="damaged"):
        unpack(damaged, "tail.tflite")


def test_a_tail_without_our_header_is_read_too(packed: bytes) -> None:
    whole = unpack(packed, "whole")
    assert whole.card
    # What another tool leaves that rewrites the flatbuffer and keeps the tail: the card is for another flatbuffer.
    other = bytearray(packed)
    other[8:16] = bytes(8)
    with pytest.raises(ModelFileError, match="SHA-256"):
        unpack(bytes(other), "rewritten.tflite")


def test_file_without_a_card_is_accepted_as_such(packed: bytes) -> None:
    flatbuffer = unpack(packed, "whole").flatbuffer
    bare = flatbuffer[:8] + bytes(16) + flatbuffer[24:]
    assert unpack(bare, "bare.tflite").card is None


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty"), (b"no model", "not a TFLite model"), (b"\x89PNG" + bytes(99), "is an image, not a model")],
)
def test_what_is_no_model_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=message):
        read_model(path)


def test_a_tail_that_unpacks_to_gigabytes_is_refused(packed: bytes) -> None:
    whole = unpack(packed, "whole")
    assert whole.card
    bomb = {CARD: whole.card.to_json().encode(), LABELS: b"", GOLDEN: bytes(100 << 20)}
    with pytest.raises(ModelFileError, match="unpacks to more than"):
        unpack(pack(whole.flatbuffer, bomb), "bomb.tflite")
