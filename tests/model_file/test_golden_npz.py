"""Probes of files from before there was a format for them stay readable, and hostile ones end in a sentence."""

import io
import pickle
import random
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecnn import ModelFileError
from edgecnn.device import Classifier
from edgecnn.model_file.card import ModelCard
from edgecnn.model_file.golden import Golden
from tests.support.model_files import card_and_golden, repacked

# Of a model of the same shapes as the bundled one, as the edgecnn that still had golden.npz wrote it.
OLD = Path(__file__).with_name("golden-of-before.npz").read_bytes()


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return card_and_golden()[0]


def saved(array: Any, **options: Any) -> bytes:
    member = io.BytesIO()
    np.save(member, array, **options)
    return member.getvalue()


def headed(dictionary: str) -> bytes:
    """An array of no content, with a header that somebody wrote."""
    text = dictionary.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def archive(method: int = zipfile.ZIP_DEFLATED, **changes: bytes | None) -> bytes:
    """The old probes with other members in the place of some; None leaves one out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(OLD)) as before, zipfile.ZipFile(buffer, "w", method) as after:
        members = {name.removesuffix(".npy"): before.read(name) for name in before.namelist()}
        for name, content in {**members, **changes}.items():
            if content is not None:
                after.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def encrypted(data: bytes) -> bytes:
    """Marked so in the directory; nothing decrypts it."""
    spoilt, entry = bytearray(data), data.index(b"PK\x01\x02")
    spoilt[entry + 8] |= 1
    return bytes(spoilt)


def at_an_offset_past_any_file(data: bytes) -> bytes:
    """The archive with a first member that stands, says its directory, at 2**63 + 5: zip64 has eight bytes for that."""
    directory = data.index(b"PK\x01\x02")
    name_length, extra_length = struct.unpack_from("<HH", data, directory + 28)
    assert extra_length == 0
    entry, spoilt = directory + 46 + name_length, bytearray(data)
    spoilt[directory + 30 : directory + 32] = struct.pack("<H", 12)
    spoilt[directory + 42 : directory + 46] = b"\xff" * 4
    spoilt[entry:entry] = struct.pack("<HHQ", 1, 8, (1 << 63) + 5)
    end = spoilt.rindex(b"PK\x05\x06")
    (size,) = struct.unpack_from("<I", spoilt, end + 12)
    spoilt[end + 12 : end + 16] = struct.pack("<I", size + 12)
    return bytes(spoilt)


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("code in a model file ran",)


BYTES = "{{'descr': '|u1', 'fortran_order': False, 'shape': ({}), }}"
IMAGES = np.zeros((24, 28, 28, 1), np.uint8)
HOSTILE: dict[str, Callable[[], bytes]] = {
    "bare bytes": lambda: archive(images=b"bytes without a header"),
    "a pickle": lambda: archive(keras=pickle.dumps(Evil())),
    "an array of objects": lambda: archive(keras=saved(np.array([Evil()], object), allow_pickle=True)),
    "784 TiB": lambda: archive(images=headed(BYTES.format(f"{1 << 40}, 28, 28, 1"))),
    "no closing bracket": lambda: archive(images=headed("{'descr': '|u1', 'fortran_order': False, 'shape': (24, 28")),
    "code": lambda: archive(images=headed("{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,), }")),
    "a number too large": lambda: archive(images=headed(BYTES.format("9" * 59))),
    "version 3": lambda: archive(images=b"\x93NUMPY\x03\x00" + saved(IMAGES)[8:]),
    "in Fortran's order": lambda: archive(images=saved(np.asfortranarray(np.zeros((24, 28, 28, 2), np.uint8)))),
    "doubles": lambda: archive(host=saved(np.zeros((24, 10)))),
    "big-endian": lambda: archive(host=saved(np.zeros((24, 10), ">f4"))),
    "other images": lambda: archive(images=saved(IMAGES[:, 1:])),
    "no images": lambda: archive(images=saved(IMAGES[:0])),
    "fewer answers": lambda: archive(host=saved(np.zeros((23, 10), np.float32))),
    "not finite": lambda: archive(host=saved(np.full((24, 10), np.inf, np.float32))),
    "a byte more": lambda: archive(images=saved(IMAGES) + b"."),
    "a byte less": lambda: archive(images=saved(IMAGES)[:-1]),
    "a text as a list": lambda: archive(host_runtime=saved(np.array(["a", "b"]))),
    "a text of no characters": lambda: archive(host_runtime=saved(np.array("ab"))[:-8] + b"\xff" * 8),
    "a long text": lambda: archive(host_runtime=saved(np.array("x" * 1001))),
    "a text that is a number": lambda: archive(host_runtime=saved(np.array(1, np.float32))),
    "an escape": lambda: archive(host_runtime=saved(np.array("\x1b]0;x\x07"))),
    "a member more": lambda: archive(more=saved(IMAGES)),
    "a member less": lambda: archive(keras=None),
    "bomb": lambda: archive(images=bytes(65 << 20)),
    "bzip2": lambda: archive(zipfile.ZIP_BZIP2),
    "LZMA": lambda: archive(zipfile.ZIP_LZMA),
    "encrypted": lambda: encrypted(OLD),
    "past any file": lambda: at_an_offset_past_any_file(OLD),
    "no archive": lambda: b"PK\x03\x04" + bytes(40),
}  # fmt: skip


def test_old_probes_stay_readable(card: ModelCard) -> None:
    old = Golden.from_bytes(OLD, card, "m")
    with np.load(io.BytesIO(OLD)) as arrays:
        assert set(vars(old)) == set(arrays.files)
        for name, value in vars(old).items():
            np.testing.assert_array_equal(value, arrays[name])


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_hostile_probes_are_a_sentence_and_take_no_memory(make: Callable[[], bytes], card: ModelCard) -> None:
    data = make()
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError, match=r"m\.tflite: its golden probes do not read \(.+\); convert"):
            Golden.from_bytes(data, card, "m.tflite")
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()


def test_bytes_that_somebody_changed_are_a_sentence_or_the_same_probes(card: ModelCard) -> None:
    with zipfile.ZipFile(io.BytesIO(OLD)) as whole:
        images = whole.read("images.npy")
    generator, refused = random.Random(0), 0
    for _ in range(200):
        header, bits = bytearray(images), bytearray(OLD)
        header[generator.randrange(128)] = bits[generator.randrange(len(OLD))] = generator.randrange(256)
        for data in (archive(images=bytes(header)), bytes(bits)):
            try:
                found = Golden.from_bytes(data, card, "m.tflite")
            except ModelFileError:
                refused += 1
            else:
                np.testing.assert_array_equal(found.host, Golden.from_bytes(OLD, card, "m").host)
    assert refused > 200


def test_a_file_with_both_kinds_of_probes_is_refused(card: ModelCard, tmp_path: Path) -> None:
    own = Golden.from_bytes(card_and_golden()[1], card, "m")
    members: dict[str, bytes | None] = {name: saved(value) for name, value in vars(own).items()}
    probes = archive(zipfile.ZIP_DEFLATED, **members)
    old = repacked(tmp_path / "old.tflite", golden=probes, golden_name="golden.npz")
    assert Classifier(old).card
    both = repacked(tmp_path / "both.tflite", more={"golden.npz": OLD})
    with pytest.raises(ModelFileError, match=r"'golden\.npz' behind the model is no part of it"):
        Classifier(both)
