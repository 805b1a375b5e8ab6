"""Arrays as cameras give them become the same pixels as the picture that they show."""

import re

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from edgecnn import EdgecnnWarning, InputError, InputSpec
from edgecnn.device import Classifier, FeatureExtractor
from edgecnn.pixels.camera_arrays import ORDERS, Order, image_of_array
from edgecnn.pixels.preprocessing import prepare, prepare_array, prepare_source

SPEC = InputSpec(24, 32, 3, "rgb", "stretch", "bilinear", (1 / 255,) * 3, (0.0,) * 3, "any")
COLOURS = [(250, 10, 20), (20, 240, 30), (30, 40, 230), (128, 128, 128), (255, 255, 0), (0, 0, 0)]


def picture() -> npt.NDArray[np.uint8]:
    """RGB (48, 64, 3): six colours in rectangles of an even size."""
    rgb = np.zeros((48, 64, 3), np.uint8)
    for i, colour in enumerate(COLOURS):
        rgb[24 * (i // 3) : 24 * (i // 3 + 1), 22 * (i % 3) : 22 * (i % 3 + 1)] = colour
    return rgb


def to_yuv420(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """BT.601 in full range by its formula (JFIF), one chroma value for each four pixels."""
    r, g, b = (rgb[:, :, i].astype(float) for i in range(3))
    y = 0.299 * r + 0.587 * g + 0.114 * b
    planes = (y, ((b - y) / 1.772 + 128)[::2, ::2], ((r - y) / 1.402 + 128)[::2, ::2])
    flat = np.concatenate([np.clip(np.rint(plane), 0, 255).astype(np.uint8).ravel() for plane in planes])
    return flat.reshape(rgb.shape[0] * 3 // 2, rgb.shape[1])


def arranged(order: Order) -> npt.NDArray[np.uint8]:
    rgb = picture()
    if order == "yuv420":
        return to_yuv420(rgb)
    if order == "gray":
        return np.asarray(Image.fromarray(rgb).convert("L"))
    opaque = np.full((*rgb.shape[:2], 1), 255, np.uint8)
    channels = {"r": rgb[:, :, :1], "g": rgb[:, :, 1:2], "b": rgb[:, :, 2:], "a": opaque}
    return np.concatenate([channels[name] for name in order], axis=2)


@pytest.mark.parametrize("order", ["rgb", "bgr", "rgba", "bgra"])
def test_channels_in_any_order_equal_the_rgb_picture(order: Order) -> None:
    expected = prepare(Image.fromarray(picture()), SPEC).pixels
    np.testing.assert_array_equal(prepare_array(arranged(order), SPEC, order=order).pixels, expected)


def test_yuv420_equals_the_rgb_picture_but_for_the_rounding_of_its_planes() -> None:
    found = np.asarray(image_of_array(arranged("yuv420"), "yuv420")).astype(int)
    # A half of Y, and a half of U or V times at most 1.772, and the rounding of the result.
    assert np.abs(found - picture()).max() <= 2


def test_gray_is_what_two_dimensions_are_taken_for() -> None:
    gray = arranged("gray")
    for array in (gray, gray[:, :, None]):
        for order in (None, "gray"):
            np.testing.assert_array_equal(np.asarray(image_of_array(array, order)), gray)


def test_three_channels_are_red_green_and_blue_unless_named() -> None:
    rgb = picture()
    np.testing.assert_array_equal(np.asarray(image_of_array(rgb)), rgb)
    assert tuple(np.asarray(image_of_array(rgb, "bgr"))[0, 0]) == COLOURS[0][::-1]


def test_frames_that_do_not_lie_in_one_piece_are_taken() -> None:
    padded = np.zeros((48, 80, 3), np.uint8)  # as cameras pad their rows
    padded[:, :64] = picture()
    np.testing.assert_array_equal(np.asarray(image_of_array(padded[:, :64], "rgb")), picture())
    np.testing.assert_array_equal(np.asarray(image_of_array(picture()[:, ::-1])), picture()[:, ::-1])


REFUSED = [
    (np.zeros((8, 8, 4), np.uint8), None, r"four channels does not say which is which; name it with order='rgba'"),
    (np.zeros((8, 8, 4), np.uint8), "bgr", r"order='bgr' is of 3 channels\. Received: shape=\(8, 8, 4\)"),
    (np.zeros((8, 8, 3), np.uint8), "bgra", r"order='bgra' is of 4 channels\. Received: shape=\(8, 8, 3\)"),
    (np.zeros((8, 8), np.uint8), "rgb", r"order='rgb' is of 3 channels"),
    (np.zeros((8, 8, 3), np.uint8), "gray", r"order='gray' is of 1 channel\."),
    (np.zeros((8, 8, 3), np.uint8), "yuv420", r"order='yuv420' is of 1 channel\."),
    (np.zeros((8, 8), np.uint8), "yuv420", r"\(height \* 3 / 2, width\) .* Received: shape=\(8, 8\)"),
    (np.zeros((9, 7), np.uint8), "yuv420", r"even height and width"),
    (np.zeros((8, 8, 3), np.uint8), "grb", "order must be one of rgb, bgr, rgba, bgra, gray, yuv420. Received: 'grb'"),
]


@pytest.mark.parametrize(("array", "order", "message"), REFUSED)
def test_orders_and_shapes_that_contradict_each_other_are_a_sentence(
    array: npt.NDArray[np.uint8], order: Order, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        image_of_array(array, order)


def test_an_order_is_for_arrays_alone() -> None:
    with pytest.raises(InputError, match="order='bgr' is for arrays"):
        prepare_source(Image.new("RGB", (8, 8)), SPEC, order="bgr")


FRACTIONS = np.linspace(0, 1, 64).reshape(8, 8)
FLOATS = [
    (FRACTIONS.astype(np.float32), FRACTIONS * 255),
    ((FRACTIONS * 2 - 1).astype(np.float32), FRACTIONS * 255),
    ((FRACTIONS * 255).astype(np.float64), FRACTIONS * 255),
    (np.rint(FRACTIONS * 255).astype(np.int64), FRACTIONS * 255),
    (np.rint(FRACTIONS * 65535).astype(np.uint16), FRACTIONS * 255),
    (FRACTIONS > 0.5, (FRACTIONS > 0.5) * 255.0),
]


@pytest.mark.parametrize(("array", "meant"), FLOATS, ids=lambda value: str(value.dtype))
def test_the_line_of_code_that_is_advised_makes_the_array_right(
    array: npt.NDArray[np.generic], meant: npt.NDArray[np.float64]
) -> None:
    with pytest.raises(InputError, match="must be uint8") as error:
        image_of_array(array)
    code = str(error.value).rpartition(": ")[2]
    made = eval(code, {"np": np, "image": array})  # noqa: S307  our own sentence
    assert np.abs(np.asarray(image_of_array(made)).astype(float) - meant).max() <= 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_said(value: float) -> None:
    with pytest.raises(InputError, match="no numbers"):
        image_of_array(np.full((8, 8), value))


def test_values_of_no_usual_range_are_said() -> None:
    with pytest.raises(InputError, match=r"its values, -3 to 9, are of no usual range"):
        image_of_array(np.array([[-3.0, 9.0]]))


@pytest.mark.parametrize("order", ["rgba", "bgra"])
def test_a_wholly_transparent_frame_is_noted(order: Order) -> None:
    frame = arranged(order)
    assert not prepare_array(frame, SPEC, order=order).note
    frame[:, :, 3] = 0  # as of a camera whose fourth byte is none
    prepared = prepare_array(frame, SPEC, order=order)
    assert prepared.is_transparent and "wholly transparent" in prepared.note and prepared.pixels.max() == 0
    for call in (Classifier("fashion-mnist").classify, FeatureExtractor("fashion-mnist.activations").extract):
        with pytest.warns(EdgecnnWarning, match="wholly transparent"):
            call(frame, order=order)
    frame[0, 0, 3] = 1
    assert not prepare_array(frame, SPEC, order=order).is_transparent


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_gives_the_answer_of_the_picture(order: Order) -> None:
    classifier = Classifier("fashion-mnist")
    expected = classifier.classify(Image.fromarray(picture()))[0]
    found = classifier.classify(arranged(order), order=order)[0]
    assert found.label == expected.label and found.score == pytest.approx(expected.score, abs=2 / 256)


@pytest.mark.parametrize(
    ("array", "code"),
    [(arranged("rgb").transpose(2, 0, 1), "array.transpose(1, 2, 0)"), (arranged("rgb")[None], "array[0]")],
    ids=["channels first", "one in a batch"],
)
def test_shape_that_one_line_makes_right_is_told_that_line(array: npt.NDArray[np.uint8], code: str) -> None:
    with pytest.raises(InputError, match=re.escape(code)):
        image_of_array(array)
    made = eval(code, {"array": array})  # noqa: S307  our own sentence, as above
    np.testing.assert_array_equal(np.asarray(image_of_array(made)), picture())


def test_frame_of_a_camera_that_is_taken_for_gray_is_noted() -> None:
    frame, gray = arranged("yuv420"), InputSpec(28, 28, 1, "grayscale", "pad", "box", (1.0,), (0.0,), "any")
    assert "order='yuv420'" in prepare_array(frame, SPEC).note
    assert not prepare_array(frame, SPEC, order="gray").note and not prepare_array(frame, SPEC, order="yuv420").note
    assert not prepare_array(frame, gray).note and not prepare_array(frame[:-1], SPEC).note


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((8, 8, 2), "array[:, :, 0]"), ((8, 8, 7), "array[:, :, 0]"), ((64,), "array.reshape(height, width)"),
        ((), "array.reshape(height, width)"), ((0, 8), "it holds no pixels"), ((8, 8, 0), "it holds no pixels"),
        ((5, 8, 8, 3), "one image at a time"),
    ],
)  # fmt: skip
def test_shape_that_is_no_picture_is_told_what_is_one(shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        image_of_array(np.zeros(shape, np.uint8))
