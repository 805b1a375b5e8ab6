"""The one preprocessing, against a slow oracle written from the formulas, not from the code."""

import io
import itertools
import math
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from edgecnn import InputError, InputSpec
from edgecnn.device import Classifier
from edgecnn.pixels.dataset import Dataset
from edgecnn.pixels.image_files import decode_image
from edgecnn.pixels.input_spec import Fit
from edgecnn.pixels.input_table import apply_table, input_table
from edgecnn.pixels.preprocessing import prepare, prepare_array, prepare_source

Bytes = npt.NDArray[np.uint8]


# --- the oracle: one pixel at a time, in integers -------------------------------------------------------------------


def muldiv255(a: int, b: int) -> int:
    """a * b / 255, rounded as libImaging does."""
    t = a * b + 128
    return ((t >> 8) + t) >> 8


def luma(r: int, g: int, b: int) -> int:
    """ITU-R 601-2, 16-bit fixed point."""
    return (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16


def over(value: int, alpha: int, backdrop: int) -> int:
    """A transparent value on an opaque backdrop, 15-bit fixed point."""
    weight = alpha * 128
    t = value * weight + backdrop * (255 * 128 - weight) + (0x80 << 7)
    return (((t >> 8) + t) >> 8) >> 7


def bilinear(plane: list[list[int]], height: int, width: int) -> list[list[int]]:
    """Resize with a triangle filter as wide as the reduction, rows first, 22-bit fixed point."""

    def weights(source: int, target: int) -> list[tuple[int, list[int]]]:
        scale = source / target
        support = max(scale, 1.0)
        table = []
        for x in range(target):
            centre = (x + 0.5) * scale
            low, high = max(0, int(centre - support + 0.5)), min(source, int(centre + support + 0.5))
            raw = [max(0.0, 1.0 - abs((i + low - centre + 0.5) / support)) for i in range(high - low)]
            total = sum(raw)
            table.append((low, [int(math.floor(0.5 + w / total * (1 << 22))) for w in raw]))
        return table

    def line(values: list[int], table: list[tuple[int, list[int]]]) -> list[int]:
        sums = ((1 << 21) + sum(values[low + i] * w for i, w in enumerate(ws)) for low, ws in table)
        return [min(255, max(0, total >> 22)) for total in sums]

    if len(plane[0]) != width:
        plane = [line(row, weights(len(row), width)) for row in plane]
    if len(plane) != height:
        columns = [line(list(column), weights(len(column), height)) for column in zip(*plane, strict=True)]
        plane = [list(row) for row in zip(*columns, strict=True)]
    return plane


def padded(plane: list[list[int]], side: int, background: int) -> Bytes:
    """Fit the longer side, centre, fill with the background."""
    ratio = min(side / len(plane[0]), side / len(plane))
    width, height = max(1, round(len(plane[0]) * ratio)), max(1, round(len(plane) * ratio))
    canvas = np.full((side, side, 1), background, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    canvas[top : top + height, left : left + width, 0] = bilinear(plane, height, width)
    return canvas


def grid(height: int, width: int, channels: int, highest: int = 255) -> npt.NDArray[np.int64]:
    return np.random.default_rng(height * width + channels).integers(0, highest + 1, (height, width, channels))


# --- every image mode: what a file of it must become ----------------------------------------------------------------


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def gray_case() -> tuple[bytes, list[list[int]]]:
    values = grid(40, 30, 1)[:, :, 0]
    return encoded(Image.fromarray(values.astype(np.uint8))), values.tolist()


def bilevel_case() -> tuple[bytes, list[list[int]]]:
    values = grid(40, 30, 1, 1)[:, :, 0] * 255
    return encoded(Image.fromarray(values.astype(np.uint8)).convert("1")), values.tolist()


def rgb_case() -> tuple[bytes, list[list[int]]]:
    values = grid(33, 50, 3)
    plane = [[luma(*pixel) for pixel in row] for row in values.tolist()]
    return encoded(Image.fromarray(values.astype(np.uint8))), plane


def rgba_case() -> tuple[bytes, list[list[int]]]:
    values = grid(33, 50, 4)
    plane = [[luma(*(over(v, p[3], 0) for v in p[:3])) for p in row] for row in values.tolist()]
    return encoded(Image.fromarray(values.astype(np.uint8))), plane


def gray_alpha_case() -> tuple[bytes, list[list[int]]]:
    values = grid(20, 20, 2)
    plane = [[over(v, a, 0) for v, a in row] for row in values.tolist()]
    image = Image.merge("LA", [Image.fromarray(values[:, :, c].astype(np.uint8)) for c in range(2)])
    return encoded(image), plane


def sixteen_bit_case() -> tuple[bytes, list[list[int]]]:
    values = grid(35, 35, 1, 65535)[:, :, 0]
    plane = [[math.floor(v / 257 + 0.5) for v in row] for row in values.tolist()]
    return encoded(Image.fromarray(values.astype(np.uint16))), plane


def transparent_sixteen_bit_case() -> tuple[bytes, list[list[int]]]:
    values = grid(28, 30, 1, 3)[:, :, 0] * 20_000
    plane = [[0 if v == 40_000 else math.floor(v / 257 + 0.5) for v in row] for row in values.tolist()]
    png = encoded(Image.fromarray(values.astype(np.uint16)))
    chunk = b"tRNS" + (40_000).to_bytes(2, "big")  # not every Pillow writes it
    after = len(b"\x89PNG\r\n\x1a\n") + 25  # the header
    return png[:after] + b"\0\0\0\2" + chunk + zlib.crc32(chunk).to_bytes(4, "big") + png[after:], plane


def palette_case() -> tuple[bytes, list[list[int]]]:
    colours, indices = grid(1, 16, 3)[0].tolist(), grid(30, 44, 1, 15)[:, :, 0]
    image = Image.fromarray(indices.astype(np.uint8), mode=None).convert("L").convert("P")
    image.putdata(indices.ravel().tolist())
    image.putpalette([value for colour in colours for value in colour])
    return encoded(image), [[luma(*colours[i]) for i in row] for row in indices.tolist()]


def transparent_palette_case() -> tuple[bytes, list[list[int]]]:
    colours, indices = grid(1, 16, 3)[0].tolist(), grid(30, 44, 1, 15)[:, :, 0]
    image = Image.new("P", (44, 30))
    image.putdata(indices.ravel().tolist())
    image.putpalette([value for colour in colours for value in colour])
    plane = [[0 if i == 5 else luma(*colours[i]) for i in row] for row in indices.tolist()]
    return encoded(image, transparency=5), plane


def cmyk_case() -> tuple[bytes, list[list[int]]]:
    values = grid(31, 29, 4)
    image = Image.merge("CMYK", [Image.fromarray(values[:, :, c].astype(np.uint8)) for c in range(4)])
    plane = [
        [luma(*(max(0, 255 - p[3] - muldiv255(v, 255 - p[3])) for v in p[:3])) for p in row] for row in values.tolist()
    ]
    return encoded(image, "TIFF"), plane


# How a picture lies in a file of each orientation: which side the first row shows, and which the first column.
UPRIGHT = {
    1: lambda stored: stored,  # top, left
    2: lambda stored: stored[:, ::-1],  # top, right
    3: lambda stored: stored[::-1, ::-1],  # bottom, right
    4: lambda stored: stored[::-1],  # bottom, left
    5: lambda stored: stored.T,  # left, top
    6: lambda stored: stored[::-1].T,  # right, top
    7: lambda stored: stored[::-1, ::-1].T,  # right, bottom
    8: lambda stored: stored[:, ::-1].T,  # left, bottom
}


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def rotated_case() -> tuple[bytes, list[list[int]]]:
    values = grid(30, 20, 1)[:, :, 0]
    return encoded(Image.fromarray(values.astype(np.uint8)), exif=turned(6)), UPRIGHT[6](values).tolist()


def animated_case() -> tuple[bytes, list[list[int]]]:
    values = grid(28, 28, 1)[:, :, 0]
    later = Image.new("L", (28, 28), 200)
    first = Image.fromarray(values.astype(np.uint8))
    return encoded(first, "GIF", save_all=True, append_images=[later]), values.tolist()


CASES: list[Callable[[], tuple[bytes, list[list[int]]]]] = [
    gray_case,
    bilevel_case,
    rgb_case,
    rgba_case,
    gray_alpha_case,
    sixteen_bit_case,
    transparent_sixteen_bit_case,
    palette_case,
    transparent_palette_case,
    cmyk_case,
    rotated_case,
    animated_case,
]


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["EXIF", "ImageMagick", "TIFF"])
def test_every_orientation_becomes_upright(kind: str, orientation: int, classifier: Classifier) -> None:
    stored = grid(28, 28, 1)[:, :, 0]
    image, exif = Image.fromarray(stored.astype(np.uint8)), turned(orientation)
    if kind == "EXIF":
        data = encoded(image, exif=exif)
    elif kind == "TIFF":
        data = encoded(image, "TIFF", tiffinfo={0x0112: orientation})
    else:
        profile = exif.tobytes().hex()
        texts = PngInfo()
        texts.add_text("Raw profile type exif", f"\nexif\n{len(profile) // 2:8}\n{profile[:72]}\n{profile[72:]}\n")
        data = encoded(image, pnginfo=texts)
    pixels = classifier.prepare(decode_image(data, kind)).pixels
    np.testing.assert_array_equal(pixels[:, :, 0], UPRIGHT[orientation](stored))


def test_orientation_that_is_in_xmp_alone_is_left_on_every_machine(classifier: Classifier) -> None:
    stored = grid(28, 28, 1)[:, :, 0]
    texts = PngInfo()
    texts.add_itxt("XML:com.adobe.xmp", '<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>')
    data = encoded(Image.fromarray(stored.astype(np.uint8)), pnginfo=texts)
    np.testing.assert_array_equal(classifier.prepare(decode_image(data, "xmp")).pixels[:, :, 0], stored)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier("fashion-mnist")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_every_image_mode_becomes_what_the_oracle_says(
    case: Callable[[], tuple[bytes, list[list[int]]]], classifier: Classifier
) -> None:
    data, plane = case()
    prepared = classifier.prepare(decode_image(data, case.__name__))
    np.testing.assert_array_equal(prepared.pixels, padded(plane, 28, background=0))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_tensor_that_classify_feeds_is_what_training_and_calibration_would_see(
    case: Callable[[], tuple[bytes, list[list[int]]]], tmp_path: Path
) -> None:
    data, plane = case()
    (tmp_path / "image").write_bytes(data)
    classifier = Classifier("fashion-mnist")
    classifier.classify(tmp_path / "image")
    session = classifier._session
    fed = session.interpreter.get_tensor(session.input.index)
    trained = (padded(plane, 28, background=0) / 255.0).astype(np.float32)[None]
    np.testing.assert_array_equal(
        apply_table(input_table(classifier.input), classifier.prepare(tmp_path / "image").pixels)[None], trained
    )
    np.testing.assert_array_equal(fed, np.round(trained / np.float32(1 / 255)).astype(np.int64) - 128)


LOSSLESS: dict[str, Callable[[Bytes], Image.Image]] = {
    "L": lambda gray: Image.fromarray(gray),
    "RGB": lambda gray: Image.fromarray(gray).convert("RGB"),
    "RGBA": lambda gray: Image.fromarray(gray).convert("RGBA"),
    "LA": lambda gray: Image.fromarray(gray).convert("LA"),
    "P": lambda gray: Image.fromarray(gray).convert("P"),
    "16-bit": lambda gray: Image.fromarray(gray.astype(np.uint16) * 257),
}


@pytest.mark.parametrize("mode", LOSSLESS)
def test_device_feeds_the_bytes_that_training_and_calibration_saw(
    mode: str, fashion: Dataset, classifier: Classifier
) -> None:
    for index in range(20):
        data = encoded(LOSSLESS[mode](fashion.test.images[index, :, :, 0]))
        pixels = classifier.prepare(decode_image(data, mode)).pixels
        np.testing.assert_array_equal(pixels, fashion.test.images[index])


def test_float_input_is_the_notebooks_division_to_the_last_bit(spec: InputSpec) -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    expected = (pixels / 255.0).astype(np.float32)
    np.testing.assert_array_equal(apply_table(input_table(spec), pixels), expected)


def test_int8_input_of_the_reference_is_the_byte_minus_128(spec: InputSpec) -> None:
    table = input_table(spec, np.int8, float(np.float32(1 / 255)), -128)
    np.testing.assert_array_equal(table[0], np.arange(256) - 128)


QUANTIZED = list(itertools.product([np.int8, np.uint8], [0.0039, 0.0078125, 0.02], [-128, 0, 3, 127]))


@pytest.mark.parametrize(("dtype", "scale", "zero_point"), QUANTIZED)
def test_quantized_table_rounds_halves_away_from_zero_and_saturates(
    dtype: type[np.integer], scale: float, zero_point: int
) -> None:
    spec = InputSpec(2, 2, 3, "rgb", "stretch", "bilinear", (1 / 127.5, 0.01, -1 / 255), (-1.0, 0.0, 0.5), "any")
    limits = np.iinfo(dtype)
    table = input_table(spec, dtype, scale, zero_point)
    for channel, pixel in itertools.product(range(3), range(256)):
        real = (pixel * spec.scale[channel] + spec.offset[channel]) / scale
        steps = math.floor(real + 0.5) if real >= 0 else math.ceil(real - 0.5)
        assert table[channel, pixel] == min(max(steps + zero_point, limits.min), limits.max)


def test_each_channel_has_its_own_table() -> None:
    spec = InputSpec(1, 1, 3, "rgb", "stretch", "bilinear", (1.0, 2.0, 3.0), (0.0, 0.5, -1.0), "any")
    pixels = np.array([[[10, 20, 30]]], np.uint8)
    np.testing.assert_array_equal(apply_table(input_table(spec), pixels), [[[10.0, 40.5, 89.0]]])


# --- polarity, fit, arrays ------------------------------------------------------------------------------------------


def shoe_on_white() -> Image.Image:
    image = Image.new("L", (60, 60), 255)
    image.paste(40, (15, 20, 45, 40))
    return image


def test_light_border_suggests_inversion_but_does_not_invert(spec: InputSpec) -> None:
    prepared = prepare(shoe_on_white(), spec)
    assert "--invert yes" in prepared.note
    assert not prepared.inverted
    assert prepared.pixels[0, 0, 0] == 255


@pytest.mark.parametrize("invert", ["yes", "auto"])
def test_inversion_swaps_light_and_dark(spec: InputSpec, invert: str) -> None:
    prepared = prepare(shoe_on_white(), spec, "yes" if invert == "yes" else "auto")
    assert prepared.inverted and not prepared.note
    assert prepared.pixels[0, 0, 0] == 0 and prepared.pixels[14, 14, 0] == 215


def test_auto_leaves_a_dark_background_alone(spec: InputSpec, fashion: Dataset) -> None:
    flagged = [prepare_array(image, spec, "auto").inverted for image in fashion.test.images[:500]]
    assert not any(flagged)


def test_what_is_transparent_is_background_also_after_inversion(spec: InputSpec) -> None:
    image = Image.new("RGBA", (28, 28), (0, 0, 0, 0))
    assert prepare(image, spec, "yes").pixels.max() == 0


def test_a_light_card_pads_with_white(spec: InputSpec) -> None:
    pixels = prepare(Image.new("L", (10, 40), 9), replace(spec, background="light")).pixels
    assert pixels[14, 0, 0] == 255 and pixels[14, 14, 0] == 9


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (28, 28), (27, 29), (300, 200)])
def test_any_size_fits_in_any_way(spec: InputSpec, fit: Fit, size: tuple[int, int]) -> None:
    assert prepare(Image.new("L", size, 200), replace(spec, fit=fit)).pixels.shape == (28, 28, 1)


def test_crop_keeps_the_centre(spec: InputSpec) -> None:
    image = Image.new("L", (84, 28), 0)
    image.paste(255, (28, 0, 56, 28))
    assert prepare(image, replace(spec, fit="crop")).pixels.min() == 255


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1), (50, 40), (50, 40, 3), (50, 40, 4)])
def test_uint8_arrays_are_taken(spec: InputSpec, shape: tuple[int, ...]) -> None:
    assert prepare_array(np.zeros(shape, np.uint8), spec).pixels.shape == (28, 28, 1)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((28, 28), np.float32), "must be uint8 .* dtype=float32"),
        (np.zeros((28, 28), np.int64), "must be uint8"),
        (np.zeros((28,), np.uint8), r"shape=\(28,\)"),
        (np.zeros((2, 28, 28, 1), np.uint8), "one image at a time"),
        (np.zeros((28, 28, 2), np.uint8), "shape"),
        (np.zeros((0, 28), np.uint8), "shape"),
    ],
)
def test_arrays_that_would_have_to_be_guessed_at_are_refused(
    spec: InputSpec, array: npt.NDArray[np.generic], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        prepare_array(array, spec)


def test_premultiplied_and_empty_images_are_an_answer_or_a_sentence(spec: InputSpec) -> None:
    assert prepare(Image.new("La", (30, 30)), spec).pixels.max() == 0
    with pytest.raises(InputError, match="no pixels"):
        prepare(Image.new("L", (0, 5)), spec)


def test_truncated_pillow_image_is_a_sentence(spec: InputSpec) -> None:
    whole = encoded(Image.linear_gradient("L"), "JPEG")
    with pytest.raises(InputError, match="damaged or truncated"):
        prepare(Image.open(io.BytesIO(whole[:-200])), spec)


@pytest.mark.parametrize("source", [None, b"bytes", ["a.png"], 3])
def test_what_is_no_image_is_refused(spec: InputSpec, source: object) -> None:
    with pytest.raises(InputError, match="must be a path, a Pillow image or a uint8 array"):
        prepare_source(source, spec)  # type: ignore[arg-type]


def test_floating_point_images_are_refused(spec: InputSpec) -> None:
    with pytest.raises(InputError, match="no agreed range"):
        prepare(Image.new("F", (28, 28)), spec)
