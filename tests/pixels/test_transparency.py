"""Transparent images get the card's background, and people who bring some are told of it."""

import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn import InputError, InputSpec
from edgecnn.convert import load_representative
from edgecnn.device import Classifier
from edgecnn.pixels.folder_images import read_folder
from edgecnn.pixels.image_files import EncodedImage
from edgecnn.pixels.input_spec import Background
from edgecnn.pixels.preprocessing import prepare, prepare_source
from edgecnn.train import input_for, load_dataset
from tests.support.command_line import Run
from tests.support.picture_files import cut_out

SPEC = input_for(24, 32, "rgb", "crop")


@pytest.mark.parametrize("mode", ["LA", "La", "RGBA", "RGBa", "PA", "P"])
@pytest.mark.parametrize("background", ["dark", "light", "any"])
def test_what_is_transparent_is_the_ground_in_every_mode(spec: InputSpec, mode: str, background: Background) -> None:
    prepared = prepare(cut_out(mode), replace(spec, background=background))
    assert prepared.is_flattened and not prepared.is_transparent
    assert prepared.pixels[0, 0, 0] == (255 if background == "light" else 0)
    assert prepared.pixels[14, 14, 0] == pytest.approx(120, abs=2)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("background", ["dark", "light"])
def test_where_auto_inverts_it_gives_the_pixels_of_yes(spec: InputSpec, mode: str, background: Background) -> None:
    """A scan with round corners: the rim says that it is the other way round, and the corners show the ground."""
    level = 230 if background == "dark" else 20
    image = Image.new("LA", (56, 56), (level, 255))
    image.paste((255 - level, 255), (20, 20, 36, 36))
    for corner in ((0, 0, 6, 6), (50, 0, 56, 6), (0, 50, 6, 56), (50, 50, 56, 56)):
        image.paste((0, 0), corner)
    image, spec = image.convert(mode), replace(spec, background=background)
    by_itself, asked_for = prepare(image, spec, "auto"), prepare(image, spec, "yes")
    assert by_itself.inverted and by_itself.is_flattened
    np.testing.assert_array_equal(by_itself.pixels, asked_for.pixels)
    assert by_itself.pixels[0, 0, 0] == (0 if background == "dark" else 255)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "CMYK"])
def test_an_opaque_image_is_flattened_on_nothing(spec: InputSpec, mode: str) -> None:
    assert not prepare(Image.new("L", (28, 28), 90).convert(mode), spec).is_flattened


def test_a_palette_of_which_the_transparent_colour_is_everywhere_shows_nothing(spec: InputSpec) -> None:
    image = Image.new("P", (28, 28), 3)
    image.info["transparency"] = 3
    prepared = prepare(image, spec)
    assert prepared.is_transparent and "wholly transparent" in prepared.note


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_the_transparent_gray_of_a_png_counts_in_its_own_bits(bits: int) -> None:
    highest = (1 << bits) - 1
    numbers = np.arange(64).reshape(8, 8) % (highest + 1)
    rows = np.packbits(np.unpackbits(numbers.astype(np.uint8)[..., None], axis=2)[:, :, -bits:].reshape(8, -1), axis=1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, bits, 0, 0, 0, 0))
    clear = chunk(b"tRNS", struct.pack(">H", 1))
    data = b"\x89PNG\r\n\x1a\n" + head + clear + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    spec = replace(SPEC, height=8, width=8, background="light")
    pixels = prepare_source(EncodedImage(data), spec).pixels[:, :, 0]
    np.testing.assert_array_equal(pixels, np.where(numbers == 1, 255, numbers * 255 // highest))


def test_a_transparent_colour_of_16_bits_is_refused_and_16_bits_without_one_are_not() -> None:
    raw = zlib.compress(b"".join(b"\0" + struct.pack(">12H", *range(0, 60000, 5000)) for _ in range(4)))
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0))
    rest = chunk(b"IDAT", raw) + chunk(b"IEND", b"")
    assert prepare_source(EncodedImage(head + rest), replace(SPEC, height=4, width=4)).pixels[0, 1, 0] == 15000 >> 8
    with pytest.raises(InputError, match="16 bits a channel with one transparent colour"):
        prepare_source(EncodedImage(head + chunk(b"tRNS", struct.pack(">3H", 1, 1, 1)) + rest), SPEC)


def save(folder: Path, modes: list[str]) -> None:
    """In two classes as many images, of these modes."""
    for name in ("mug", "spoon"):
        (folder / name).mkdir(parents=True)
        for row, mode in enumerate(modes):
            image = Image.new(mode, (40, 30), 20 + row) if mode == "L" else cut_out(mode)
            image.save(folder / name / f"{row}.{'webp' if mode == 'RGBA' else 'png'}", lossless=True)


def test_a_training_says_how_many_images_are_transparent_and_what_becomes_of_it(tmp_path: Path) -> None:
    said: list[str] = []
    save(tmp_path / "data", ["L", "RGBA", "L", "LA", "P"])
    dataset = load_dataset(tmp_path / "data", SPEC, progress=said.append)
    (line,) = [line for line in said if "transparent" in line]
    assert line.startswith("6 of 10 images are transparent in part: what is transparent becomes black, ")
    images = [prepare_source(path, SPEC).pixels for path in (tmp_path / "data").rglob("*.*")]
    seen = {image.tobytes() for split in (dataset.train, dataset.test) for image in split.images}
    assert seen == {image.tobytes() for image in images} and 0 in np.concatenate(images)
    light = load_dataset(tmp_path / "data", replace(SPEC, background="light"), progress=said.append)
    assert light.sha256 != dataset.sha256 and any("transparent becomes white, " in line for line in said)


def test_nothing_is_said_of_opaque_images(tmp_path: Path) -> None:
    said: list[str] = []
    save(tmp_path / "data", ["L"] * 3)
    load_dataset(tmp_path / "data", SPEC, progress=said.append)
    read_folder(tmp_path / "data", SPEC, "images, please", said.append)
    assert not any("transparent" in line for line in said)


def test_other_images_and_the_card_say_it_too(edgecnn: Run, tmp_path: Path) -> None:
    said: list[str] = []
    save(tmp_path / "other", ["L", "LA"])
    read_folder(tmp_path / "other", SPEC, "images, please", said.append)
    card = Classifier("fashion-mnist").card
    assert card
    load_representative(tmp_path / "other", card, progress=said.append)
    assert [line[:44] for line in said if "transparent" in line] == ["2 of 4 images are transparent in part: what "] * 2
    assert "transparency:  becomes black" in edgecnn("info", "fashion-mnist").stdout
