"""Images of 16 and 32 bits, of 1 bit, and of ranges that the file says or does not: right, or one sentence."""

import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgecnn import InputError, InputSpec
from edgecnn.pixels.image_files import decode_image
from edgecnn.pixels.preprocessing import Prepared, prepare, prepare_source
from tests.support.picture_files import encoded, grid
from tests.support.tiff_files import tiff

SIZE = 28
GRAY = InputSpec(SIZE, SIZE, 1, "grayscale", "pad", "bilinear", (1.0,), (0.0,), "any")
RGB = InputSpec(SIZE, SIZE, 3, "rgb", "pad", "bilinear", (1.0,) * 3, (0.0,) * 3, "any")


def values(highest: int, dtype: str, channels: int = 1) -> Any:
    plane = grid(SIZE, SIZE, channels, highest)
    plane[0, 0] = highest
    return (plane[:, :, 0] if channels == 1 else plane).astype(dtype)


def eight_bit(stored: Any, white: int) -> Any:
    """Nearest of 255 equal steps; halves up."""
    return np.floor(np.minimum(stored.astype(float), white) * 255 / white + 0.5).astype(int)


def prepared(data: bytes, folder: Path, spec: InputSpec = GRAY) -> Prepared:
    (folder / "image.tif").write_bytes(data)
    return prepare_source(folder / "image.tif", spec)


@pytest.mark.parametrize(
    ("dtype", "highest", "said", "white"),
    [("u1", 255, None, 255), ("u2", 65535, None, 65535), ("u2", 40_000, None, 65535), ("u2", 4095, 4095, 4095),
     ("u2", 300, 1023, 1023), ("u2", 20_000, 65535, 65535), ("u4", 255, 255, 255), ("i4", 4000, 4095, 4095)],
)  # fmt: skip
@pytest.mark.parametrize("white_is_zero", [False, True])
def test_what_a_tiff_says_of_white_counts(
    dtype: str, highest: int, said: int | None, white: int, white_is_zero: bool, tmp_path: Path
) -> None:
    stored = values(highest, dtype)
    if white_is_zero and dtype in ("u4", "i4"):
        with pytest.raises(InputError, match="a TIFF file that Pillow cannot read: damaged, or of a rare kind"):
            prepared(tiff(stored, white_is_zero=True, largest=said), tmp_path)
        return
    found = prepared(tiff(stored, white_is_zero=white_is_zero, largest=said), tmp_path)
    expected = eight_bit(white - stored.astype(int) if white_is_zero else stored, white)
    np.testing.assert_array_equal(found.pixels[:, :, 0], expected)
    assert found.note == ""


@pytest.mark.parametrize(
    ("stored", "words"),
    [(values(4095, "u2"), "the brightest of its 16-bit values is 4095, and nothing says which value is white"),
     (values(1023, "u2"), "values is 1023, and nothing says"), (values(16383, "u2"), "values is 16383, and nothing"),
     (values(255, "u2"), "values is 255, and nothing"), (values(4095, "u2", 3), "its 16 bits a channel hold smaller"),
     (values(255, "u2", 3), "its 16 bits a channel hold smaller"), (values(30_000, "i2"), "16-bit signed integer"),
     (values(30_000, "i2") - 1000, "16-bit signed integer images have no agreed range"),
     (values(255, "u4"), "32-bit integer images have no agreed range"),
     (values(65535, "i4"), "32-bit integer images have no agreed range"),
     (values(255, "f4"), "floating-point images have no agreed range"),
     (values(1, "f4"), "floating-point images have no agreed range")],
)  # fmt: skip
def test_a_tiff_that_does_not_say_what_white_is_is_refused(stored: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"image.tif: .*{words}.*save (it|the image) with 8 bits a channel"):
        prepared(tiff(stored), tmp_path)


def test_colours_of_sixteen_bits_keep_their_upper_eight(tmp_path: Path) -> None:
    stored = values(65535, "u2", 3)
    np.testing.assert_array_equal(prepared(tiff(stored), tmp_path, RGB).pixels, stored >> 8)
    with pytest.raises(InputError, match="white not being 65535"):
        prepared(tiff(stored, largest=32767), tmp_path, RGB)


def test_samples_of_twelve_bits_are_of_twelve(tmp_path: Path) -> None:
    stored = values(4095, "u2")
    packed = np.stack(
        [stored[:, 0::2] >> 4, (stored[:, 0::2] & 15) << 4 | stored[:, 1::2] >> 8, stored[:, 1::2] & 255], -1
    )
    whole = bytearray(tiff(packed.astype(np.uint8).reshape(SIZE, -1)))  # 42 bytes a row
    entries = whole[-(2 + 10 * 12 + 4) + 2 :]
    for number, value in ((256, SIZE), (258, 12)):
        place = next(i for i in range(0, len(entries), 12) if int.from_bytes(entries[i : i + 2], "little") == number)
        entries[place + 8 : place + 12] = value.to_bytes(4, "little")
    whole[-len(entries) :] = entries
    np.testing.assert_array_equal(prepared(bytes(whole), tmp_path).pixels[:, :, 0], eight_bit(stored, 4095))


def test_sixteen_bits_of_a_png_are_of_the_whole_range_with_a_note_if_they_are_dark(tmp_path: Path) -> None:
    for highest, noted in ((65535, False), (16384, False), (4095, True), (0, False)):
        stored = np.minimum(values(65535, "u2"), highest)
        found = prepared(encoded(Image.fromarray(stored)), tmp_path)
        np.testing.assert_array_equal(found.pixels[:, :, 0], eight_bit(stored, 65535))
        assert (f"the brightest of its 16-bit values is {highest} of 65535" in found.note) == noted


@pytest.mark.parametrize(("kind", "channels"), [(2, 3), (4, 2), (6, 4)], ids=["RGB", "LA", "RGBA"])
@pytest.mark.parametrize(("highest", "noted"), [(65535, False), (16384, False), (4095, True), (0, False)])
def test_sixteen_bits_with_colours_or_alpha_are_their_upper_eight_with_the_same_note(
    kind: int, channels: int, highest: int, noted: bool, tmp_path: Path
) -> None:
    stored = np.minimum(values(65535, "u2"), highest)
    deep = np.repeat(stored[:, :, None], channels, 2).astype(">u2")
    if kind != 2:
        deep[:, :, -1] = 65535  # opaque
    found = prepared(png_of_16_bits(deep, kind), tmp_path)
    np.testing.assert_array_equal(found.pixels[:, :, 0], stored >> 8)
    assert ("its 16-bit values are all below 4096 of 65535; if another value is white" in found.note) == noted


def png_of_16_bits(deep: Any, kind: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    rows = b"".join(b"\0" + row.tobytes() for row in deep)
    head = struct.pack(">IIBBBBB", SIZE, SIZE, 16, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_a_pgm_says_what_white_is(tmp_path: Path) -> None:
    stored = values(1000, "u2")
    data = b"P5 28 28 1000\n" + stored.astype(">u2").tobytes()
    np.testing.assert_allclose(
        prepared(data, tmp_path).pixels[:, :, 0], eight_bit(stored, 1000), atol=1
    )  # Pillow rounds to 16 bits first


@pytest.mark.parametrize("dtype", ["u2", "i4"])
def test_integers_in_memory_say_nothing_of_white_either(dtype: str) -> None:
    stored = values(65535, dtype)
    np.testing.assert_array_equal(prepare(Image.fromarray(stored), GRAY).pixels[:, :, 0], eight_bit(stored, 65535))
    with pytest.raises(InputError, match="the brightest of its 16-bit values is 255, and nothing says"):
        prepare(Image.fromarray(values(255, dtype)), GRAY)


def bilevel_files(ink: Image.Image) -> dict[str, bytes]:
    """The same drawing in every file that holds single bits, and as gray of 0 and 255."""
    gray = ink.convert("L")
    white_is_zero = io.BytesIO()
    ink.save(white_is_zero, "TIFF", compression="group4", tiffinfo={262: 0})
    indexed = Image.fromarray((np.asarray(gray) > 0).astype(np.uint8))
    indexed.putpalette([0, 0, 0, 255, 255, 255])
    return {
        "gray": encoded(gray), "PNG": encoded(ink), "TIFF": encoded(ink, "TIFF"), "PBM": encoded(ink, "PPM"),
        "fax": encoded(ink, "TIFF", compression="group4"), "negative fax": white_is_zero.getvalue(),
        "BMP": encoded(ink, "BMP"), "GIF": encoded(ink, "GIF"), "palette": encoded(indexed, bits=1),
    }  # fmt: skip


@pytest.mark.parametrize("size", [(61, 47), (1201, 1003)], ids=["small", "large"])
@pytest.mark.parametrize("spec", [GRAY, RGB], ids=["gray", "rgb"])
@pytest.mark.parametrize("filter_", ["nearest", "bilinear", "lanczos"])
def test_bilevel_is_gray_before_it_is_resized(size: tuple[int, int], spec: InputSpec, filter_: str) -> None:
    spec = replace(spec, resize_filter=filter_)  # type: ignore[arg-type]
    drawing = Image.fromarray(((grid(size[1] // 3, size[0] // 3, 1)[:, :, 0] > 100) * 255).astype(np.uint8))
    ink = drawing.resize(size, Image.Resampling.NEAREST).convert("1")
    found = {kind: prepare(decode_image(data, kind), spec) for kind, data in bilevel_files(ink).items()}
    for kind, one in found.items():
        np.testing.assert_array_equal(one.pixels, found["gray"].pixels, err_msg=kind)
        assert one.border == found["gray"].border, kind


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_of_more_bits_is_a_sentence(bits: int, progressive: bool, tmp_path: Path) -> None:
    data = bytearray(encoded(Image.new("RGB", (64, 48), (200, 20, 30)), "JPEG", progressive=progressive))
    frame = data.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    assert data[frame + 4] == 8
    data[frame + 4] = bits
    with pytest.raises(
        InputError, match="a JPEG file that Pillow cannot read: damaged, or of a rare kind, such as 12 bits"
    ):
        prepared(bytes(data), tmp_path)
