"""Golden probes survive packing, and their hash covers every step of the preprocessing."""

import json
import pickle
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgecnn import InputSpec, ModelCard, ModelFileError
from edgecnn.model_file.card import Provenance, Quantization
from edgecnn.model_file.golden import Golden, preprocessing_sha256


@pytest.fixture
def card(spec: InputSpec) -> ModelCard:
    """Of two classes and images of 4 x 4 pixels."""
    quantization, provenance = Quantization("int8"), Provenance("0.1.0", "3.0", "2.0", "2026-01-01T00:00:00+00:00")
    return ModelCard("small", ("a", "b"), replace(spec, height=4, width=4), quantization, provenance)


@pytest.fixture
def golden() -> Golden:
    images = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4, 1)
    scores = np.array([[0.25, 0.75], [1.0, 0.0]], np.float32)
    return Golden(images, scores, scores[::-1], "some-runtime 1.0", "abc")


def assert_equal(found: Golden, golden: Golden) -> None:
    np.testing.assert_array_equal(found.images, golden.images)
    np.testing.assert_array_equal(found.keras, golden.keras)
    np.testing.assert_array_equal(found.host, golden.host)
    assert (found.host_runtime, found.preprocessing_sha256) == (golden.host_runtime, golden.preprocessing_sha256)


def with_head(golden: Golden, body: bytes | None = None, **changes: object) -> bytes:
    """The probes with another head, or with another content of the zlib stream behind it."""
    magic, head, stream = golden.to_bytes().split(b"\n", 2)
    fields = json.dumps({**json.loads(head), **changes}).encode()
    return b"\n".join([magic, fields, stream if body is None else zlib.compress(body)])


def test_probes_survive_packing(golden: Golden, card: ModelCard) -> None:
    packed = golden.to_bytes()
    unpacked = Golden.from_bytes(packed, card, "m.tflite")
    assert_equal(unpacked, golden)
    assert unpacked.to_bytes() == packed


def test_their_bytes_are_what_the_specification_says(golden: Golden) -> None:
    magic, head, stream = golden.to_bytes().split(b"\n", 2)
    assert magic == b"golden probes, version 1"
    assert json.loads(head) == {"count": 2, "host_runtime": "some-runtime 1.0", "preprocessing_sha256": "abc"}
    answers = struct.pack("<8f", 0.25, 0.75, 1, 0, 1, 0, 0.25, 0.75)
    assert zlib.decompress(stream) == bytes(range(32)) + answers


def in_utf_16(probes: bytes) -> bytes:
    magic, head, stream = probes.split(b"\n", 2)
    return b"\n".join((magic, head.decode().encode("utf-16-be"), stream))


RIGHT = bytes(32) + struct.pack("<8f", *range(8))
SPOILT: dict[str, Callable[[Golden], bytes]] = {
    "nothing": lambda golden: b"",
    "no head": lambda golden: b"golden probes, version 1\n",
    "head without end": lambda golden: golden.to_bytes()[:20],
    "long head": lambda golden: with_head(golden, host_runtime="x" * 5000),
    "deep head": lambda golden: b"golden probes, version 1\n" + b"[" * 4000 + b"\n",
    "list": lambda golden: b"golden probes, version 1\n[]\n" + zlib.compress(RIGHT),
    "more in the head": lambda golden: with_head(golden, labels=["a"]),
    "a field twice": lambda golden: golden.to_bytes().replace(b'{"count": 2', b'{"count": 2, "count": 2'),
    "another UTF": lambda golden: in_utf_16(golden.to_bytes()),
    "byte order mark": lambda golden: golden.to_bytes().replace(b'{"count"', b'\xef\xbb\xbf{"count"'),
    "no number": lambda golden: with_head(golden, count="2"),
    "true": lambda golden: with_head(golden, count=True),
    "no image": lambda golden: with_head(golden, b"", count=0),
    "negative": lambda golden: with_head(golden, count=-2),
    "784 TiB": lambda golden: with_head(golden, count=1 << 49),
    "more digits than a float has": lambda golden: with_head(golden, count=10**400),
    "one image more": lambda golden: with_head(golden, count=3),
    "one image less": lambda golden: with_head(golden, count=1),
    "a byte less": lambda golden: with_head(golden, RIGHT[:-1]),
    "a byte more": lambda golden: with_head(golden, RIGHT + b"."),
    "bomb": lambda golden: with_head(golden, bytes(100 << 20)),
    "no zlib": lambda golden: with_head(golden).rsplit(b"\n", 1)[0] + b"\nnonsense",
    "cut stream": lambda golden: golden.to_bytes()[:-3],
    "behind the stream": lambda golden: golden.to_bytes() + b"x",
    "not finite": lambda golden: with_head(golden, bytes(32) + struct.pack("<8f", *[np.nan] * 8)),
    "terminal escape": lambda golden: with_head(golden, host_runtime="\x1b[2J"),
    "a pickle": lambda golden: pickle.dumps(golden),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_spoilt_probes_are_a_sentence_and_take_no_memory(
    spoil: Callable[[Golden], bytes], golden: Golden, card: ModelCard
) -> None:
    assert Golden.from_bytes(with_head(golden, RIGHT), card, "m").host[1, 1] == 7
    data = spoil(golden)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError, match=r"m\.tflite: its golden probes do not read \(.+\); convert"):
            Golden.from_bytes(data, card, "m.tflite")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_probes_of_another_model_are_refused(golden: Golden, card: ModelCard) -> None:
    for other in (replace(card, labels=("a", "b", "c")), replace(card, input=replace(card.input, height=5))):
        with pytest.raises(ModelFileError, match=r"take .* bytes, these are others"):
            Golden.from_bytes(golden.to_bytes(), other, "m.tflite")


CHANGES: list[dict[str, Any]] = [
    {"fit": "stretch"},
    {"resize_filter": "bicubic"},
    {"scale": (1 / 256,)},
    {"offset": (0.5,)},
    {"background": "light"},
    {"jpeg_decoding": "reduced"},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_hash_notices_any_other_preprocessing(spec: InputSpec, change: dict[str, Any]) -> None:
    images = np.resize(np.arange(256, dtype=np.uint8), (2, 28, 28, 1))
    assert preprocessing_sha256(replace(spec, **change), images) != preprocessing_sha256(spec, images)
