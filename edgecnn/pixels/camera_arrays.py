"""Arrays as cameras and libraries give them: which channel is which is said by name, never guessed."""

from typing import Literal, get_args

import numpy as np
from PIL import Image

from ..arguments import require_choice
from ..arrays import Array
from ..errors import InputError

Order = Literal["rgb", "bgr", "rgba", "bgra", "gray", "yuv420"]
ORDERS: tuple[Order, ...] = get_args(Order)

# By order, what stands where: the channels of the array in the order of red, green, blue (and alpha).
_CHANNELS: dict[str, tuple[int, ...]] = {"rgb": (0, 1, 2), "bgr": (2, 1, 0), "rgba": (0, 1, 2, 3), "bgra": (2, 1, 0, 3)}


def image_of_array(pixels: Array, order: Order | None = None) -> Image.Image:
    """The picture that an array holds.

    Args:
        pixels: uint8, (height, width), (height, width, 1), (height, width, 3) or (height, width, 4); of `yuv420`
            (height · 3/2, width): the planes Y, U and V one after another, U and V of half the height and width.
        order: of the channels. Three are red, green and blue unless it says otherwise; four must be named. OpenCV's
            are `bgr`; so are those of Picamera2's "RGB888", while its "BGR888" is `rgb`, "XBGR8888" `rgba` and
            "XRGB8888" `bgra`. `yuv420` is BT.601 in full range, which Picamera2's still and preview pictures are.

    Raises:
        InputError: not uint8, of another shape, or of a shape that is not that of `order`. Floating-point arrays are
            refused: whether they hold 0 to 1, -1 to 1 or 0 to 255 cannot be known.
    """
    array = np.asarray(pixels)
    if order is not None:
        require_choice(order, ORDERS, "order")
    if array.dtype != np.uint8:
        raise InputError(
            f"the image array must be uint8 with values 0 to 255. Received: dtype={array.dtype}; {_line_of_code(array)}"
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or 0 in array.shape or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise InputError(
            "the image array must be (height, width), (height, width, 1), (height, width, 3) or (height, width, 4). "
            f"Received: shape={np.shape(pixels)}; {_towards_one_image(array)}"
        )
    channels = 1 if array.ndim == 2 else array.shape[2]
    order = order or _default_order(channels)
    wanted = len(_CHANNELS.get(order, (0,)))
    if channels != wanted:
        raise InputError(
            f"order={order!r} is of {wanted} channel{'s' * (wanted > 1)}. Received: shape={np.shape(pixels)}; name the "
            "order that the array has"
        )
    if order == "yuv420":
        return _from_yuv420(array)
    if order in ("bgr", "bgra"):
        array = array[:, :, _CHANNELS[order]]
    return Image.fromarray(array)


def _towards_one_image(array: Array) -> str:
    if 0 in array.shape:
        return "it holds no pixels; check where it comes from"
    if array.ndim < 2:
        return "give it the shape of its picture: array.reshape(height, width), or (height, width, channels)"
    if array.ndim == 4 and array.shape[0] == 1:
        return "pass the image in it: array[0]"
    if array.ndim == 3 and array.shape[0] in (1, 3, 4):
        return "channels stand first: array.transpose(1, 2, 0) puts them last"
    if array.ndim == 3:
        return "choose the channels that are red, green and blue, or a single one: array[:, :, 0]"
    return "pass one image at a time"


def may_be_yuv420(pixels: Array) -> bool:
    """Whether an array without channels has the shape of a frame in `yuv420`; a grayscale image may have it too."""
    rows, width = pixels.shape if pixels.ndim == 2 else (1, 1)
    return bool(rows % 3 == 0 and width % 2 == 0)


def _default_order(channels: int) -> Order:
    if channels == 4:
        raise InputError(
            "an array of four channels does not say which is which; name it with order='rgba' or order='bgra', or pass "
            "three: array[:, :, :3]"
        )
    return "gray" if channels == 1 else "rgb"


def _from_yuv420(array: Array) -> Image.Image:
    rows, width = array.shape
    if rows % 3 or width % 2:
        raise InputError(
            "order='yuv420' is of an array (height * 3 / 2, width) with an even height and width. "
            f"Received: shape={array.shape}; ask the camera for an even size"
        )
    height = rows // 3 * 2
    luma, chroma = array[:height], array[height:].reshape(2, height // 2, width // 2)
    # Each value of U and V stands for four pixels.
    u, v = (Image.fromarray(plane.repeat(2, axis=0).repeat(2, axis=1)) for plane in chroma)
    return Image.merge("YCbCr", (Image.fromarray(luma), u, v)).convert("RGB")


def _line_of_code(array: Array) -> str:
    """What makes the array right, as far as its values show what they may be."""
    if array.dtype.kind not in "fiub" or not array.size:
        return "pass the raw bytes of the image, edgecnn scales them itself"
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return "it holds values that are no numbers (NaN) or infinite: look at what made it"
    if array.dtype.kind == "b":
        return "if True is white: (image * np.uint8(255))"
    low, high = float(array.min()), float(array.max())
    lines = [
        ("0 to 1", "(image * 255).round().astype(np.uint8)", 0, 1),
        ("-1 to 1", "((image + 1) * 127.5).round().astype(np.uint8)", -1, 1),
        ("0 to 255", "image.round().astype(np.uint8)", 0, 255),
        ("0 to 65535", "(image / 257).round().astype(np.uint8)", 0, 65535),
    ]
    if array.dtype.kind != "f":
        lines = lines[2:]
    for range_, code, least, most in lines:
        if least <= low and high <= most:
            return f"if its values mean {range_}: {code}"
    return f"its values, {low:.4g} to {high:.4g}, are of no usual range: pass the raw bytes of the image"
