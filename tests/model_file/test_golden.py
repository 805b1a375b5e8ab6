"""Golden probes survive packing, and their hash covers every step of the preprocessing."""

import io
import random
import struct
import zipfile
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgecnn import InputSpec, ModelFileError
from edgecnn.model_file.golden import Golden, preprocessing_sha256


@pytest.fixture
def golden() -> Golden:
    images = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4, 1)
    scores = np.array([[0.25, 0.75], [1.0, 0.0]], np.float32)
    return Golden(images, scores, scores[::-1], "some-runtime 1.0", "abc")


def test_probes_survive_packing(golden: Golden) -> None:
    found = Golden.from_bytes(golden.to_bytes(), "m.tflite")
    np.testing.assert_array_equal(found.images, golden.images)
    np.testing.assert_array_equal(found.keras, golden.keras)
    np.testing.assert_array_equal(found.host, golden.host)
    assert (found.host_runtime, found.preprocessing_sha256) == ("some-runtime 1.0", "abc")


def test_same_probes_give_the_same_bytes(golden: Golden) -> None:
    assert golden.to_bytes() == golden.to_bytes()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"nonsense" * 20])
def test_damaged_probes_are_a_sentence(data: bytes) -> None:
    with pytest.raises(ModelFileError, match="golden probes do not read"):
        Golden.from_bytes(data, "m.tflite")


def repacked(golden: Golden, member: str, content: bytes) -> bytes:
    """The probes with another member in the place of one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(golden.to_bytes())) as before, zipfile.ZipFile(buffer, "w") as after:
        for name in before.namelist():
            after.writestr(name, content if name == member else before.read(name), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def test_probes_that_unpack_to_gigabytes_are_refused(golden: Golden) -> None:
    bomb = repacked(golden, "images.npy", bytes(65 << 20))
    assert len(bomb) < 1 << 20
    with pytest.raises(ModelFileError, match="unpack to more than 67,108,864 bytes"):
        Golden.from_bytes(bomb, "m.tflite")


def test_an_array_that_promises_more_than_any_memory_holds_is_a_sentence(golden: Golden) -> None:
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "|u1", "fortran_order": False, "shape": (1 << 50, 4, 4, 1)})
    with pytest.raises(ModelFileError, match="golden probes do not read"):
        Golden.from_bytes(repacked(golden, "images.npy", member.getvalue()), "m.tflite")


def at_an_offset_past_any_file(archive: bytes) -> bytes:
    """The archive with a first member that stands, says its directory, at 2**63 + 5: zip64 has eight bytes for that."""
    directory = archive.index(b"PK\x01\x02")
    name_length, extra_length = struct.unpack_from("<HH", archive, directory + 28)
    assert extra_length == 0
    entry, spoilt = directory + 46 + name_length, bytearray(archive)
    spoilt[directory + 30 : directory + 32] = struct.pack("<H", 12)
    spoilt[directory + 42 : directory + 46] = b"\xff" * 4
    spoilt[entry:entry] = struct.pack("<HHQ", 1, 8, (1 << 63) + 5)
    end = spoilt.rindex(b"PK\x05\x06")
    (size,) = struct.unpack_from("<I", spoilt, end + 12)
    spoilt[end + 12 : end + 16] = struct.pack("<I", size + 12)
    return bytes(spoilt)


def test_a_member_past_the_end_of_any_file_is_a_sentence(golden: Golden) -> None:
    spoilt = at_an_offset_past_any_file(golden.to_bytes())
    with zipfile.ZipFile(io.BytesIO(spoilt)) as archive:
        assert archive.infolist()[0].header_offset > 1 << 63
    with pytest.raises(ModelFileError, match="golden probes do not read"):
        Golden.from_bytes(spoilt, "m.tflite")


def test_probes_that_somebody_spoilt_are_a_sentence(golden: Golden) -> None:
    arrays = zipfile.ZipFile(io.BytesIO(golden.to_bytes()))
    images, whole, generator = arrays.read("images.npy"), golden.to_bytes(), random.Random(0)
    spoilt = [repacked(golden, "images.npy", images.replace(b"}", b" ")), repacked(golden, "keras.npy", b"no array")]
    for _ in range(500):
        header, archive = bytearray(images), bytearray(whole)
        header[generator.randrange(128)] = archive[generator.randrange(len(whole))] = generator.randrange(256)
        spoilt += [repacked(golden, "images.npy", bytes(header)), bytes(archive)]
    for data in spoilt[:2]:
        with pytest.raises(ModelFileError, match="golden probes do not read"):
            Golden.from_bytes(data, "m.tflite")
    refused = 0
    for data in spoilt[2:]:
        try:
            found = Golden.from_bytes(data, "m.tflite")
        except ModelFileError:
            refused += 1
        else:
            assert found.keras.shape == golden.keras.shape
    assert refused > 500


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
