"""Finding and decoding images: whatever a user gives is an image or one clear sentence."""

import io
import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn import InputError, InputSpec
from edgecnn.pixels.image_files import decode_image, find_images, open_image
from edgecnn.pixels.preprocessing import prepare


def jpeg(size: tuple[int, int] = (64, 48)) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that only claims a size; decoding it would need its pixels' memory first."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )


BAD = [
    (b"", "empty"),
    (b"hello, I am text", "not an image"),
    (jpeg()[:300], "damaged or truncated"),
    (jpeg()[:-100], "damaged or truncated"),
    (png_header(30_000, 30_000), "pixels"),
    (png_header(11_000, 11_000), "11000 x 11000 is more than 120,000,000 pixels"),
]


@pytest.mark.parametrize(("data", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_image_is_one_sentence_with_its_name(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as error:
        decode_image(data, "photo.jpg")
    assert message in str(error.value) and str(error.value).startswith("photo.jpg: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_damaged_files_are_an_image_or_a_sentence(kind: str, spec: InputSpec) -> None:
    buffer, generator = io.BytesIO(), random.Random(1)
    exif = Image.Exif()
    exif[0x0112] = 3
    options = {} if kind in ("GIF", "BMP") else {"exif": exif}
    Image.linear_gradient("L").resize((40, 40)).save(buffer, kind, **options)
    refused = 0
    for _ in range(300):
        data = bytearray(buffer.getvalue())
        for _ in range(generator.randrange(1, 6)):
            data[generator.randrange(len(data))] = generator.randrange(256)
        try:
            prepared = prepare(decode_image(bytes(data), "damaged"), spec)
        except InputError:
            refused += 1
            continue
        assert prepared.pixels.shape == spec.shape and prepared.pixels.dtype == np.uint8
    assert 0 < refused < 300  # some damage only changes colours, some is too much


def test_missing_file_is_a_sentence() -> None:
    with pytest.raises(InputError, match=r"nowhere\.png: no such file"):
        open_image("nowhere.png")


def test_an_empty_name_is_said_to_be_one() -> None:
    with pytest.raises(InputError, match="an image has an empty name; give a file"):
        open_image("")


def test_unreadable_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        open_image(str(tmp_path))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.png", "a.jpg", "sub/c.PNG", "notes.txt", "README"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(jpeg() if path.suffix == ".jpg" else b"x")
    return tmp_path


def test_folder_gives_its_images_sorted_and_nothing_else(folder: Path) -> None:
    assert find_images([str(folder)]) == [str(folder / name) for name in ("a.jpg", "b.png", "sub/c.PNG")]


def test_order_is_as_named_and_globs_are_sorted(folder: Path) -> None:
    found = find_images([str(folder / "sub"), "-", str(folder / "*.*")])
    assert found == [str(folder / "sub/c.PNG"), "-", *(str(folder / n) for n in ("a.jpg", "b.png", "notes.txt"))]


def test_folder_without_images_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no images"):
        find_images([str(tmp_path)])


def test_pattern_without_match_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file matches"):
        find_images([str(tmp_path / "*.png")])


def test_file_whose_name_has_glob_characters_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "shoe[1].png"
    path.write_bytes(b"x")
    assert find_images([str(path)]) == [str(path)]
