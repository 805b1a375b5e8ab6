"""Every image mode and orientation becomes what a slow oracle says, and the tensor that is fed is just that."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from edgecnn.device import Classifier
from edgecnn.pixels.dataset import Dataset
from edgecnn.pixels.image_files import decode_image
from edgecnn.pixels.input_table import apply_table, input_table
from tests.support.picture_files import CASES, UPRIGHT, encoded, grid, turned
from tests.support.preprocessing_oracle import Bytes, padded


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier("fashion-mnist")


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
    session = classifier.loaded.session
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
