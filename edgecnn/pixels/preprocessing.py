"""The one preprocessing: training, calibration, parity and the device all turn an image into model input here.

Pillow image or uint8 array  ->  uint8 (height, width, channels)  ->  one table look-up  ->  model input
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from ..arguments import require_choice, require_kind
from ..arrays import Array, Pixels
from ..errors import InputError
from .colour_profile import to_srgb
from .deep_images import to_eight_bit
from .image_files import DECODER_FAILURES, open_image
from .input_spec import InputSpec
from .jpeg import reduce_jpeg
from .memory import needed_bytes, require_memory
from .orientation import Box, turn_of, turned_box
from .resizing import resize

if TYPE_CHECKING:
    from .camera_arrays import Order
    from .memory import MemoryGate

Invert = Literal["no", "yes", "auto"]
Source = str | Path | Image.Image | Pixels

_TRANSPARENT = (
    "every pixel is wholly transparent, so the model sees the background alone; if the fourth channel of an array "
    "is no alpha, pass the first three: array[:, :, :3]"
)
# Up to here the rim is cut out of the whole, which is quicker; of a photograph alone, which takes less memory.
_SMALL_PIXELS = 1 << 20


@dataclass(frozen=True)
class Prepared:
    """An image made ready for a model.

    Attributes:
        pixels: uint8, (height, width, channels), contiguous.
        border: median brightness (0 to 255) of the source image's rim.
        inverted: whether the polarity was swapped.
        note: a sentence when the rim contradicts the card's background and nothing was inverted, when nothing of the
            image is to be seen, when its colour profile is damaged, or when its 16 bits are nearly black; else empty.
        is_transparent: whether every pixel is wholly transparent, so that the model sees the background alone.
    """

    pixels: Pixels
    border: int
    inverted: bool
    note: str
    is_transparent: bool = False


def prepare(image: Image.Image, spec: InputSpec, invert: Invert = "no") -> Prepared:
    """Turn any Pillow image into the uint8 pixels that the model was trained on.

    In this order: 16-bit to 8; EXIF orientation; the colour profile, to sRGB; transparency flattened on the card's
    background; grayscale (ITU-R 601 luma) or rgb; inversion; fit and resize. An image of the right size and
    mode passes unchanged.

    Args:
        image: any mode but floating point; of an animation, the current frame.
        spec: what the model takes.
        invert: `yes` swaps light and dark, `auto` does so when the rim contradicts `spec.background`.

    Raises:
        InputError: the mode has no agreed range (floating point, or integers of which white is not known), or `invert`
            is none of the three.
    """
    return _prepare(image, None, spec, invert)


def _prepare(image: Image.Image, reduced_to: Box | None, spec: InputSpec, invert: Invert) -> Prepared:
    """`prepare`; of a reduced image what lies in a box: the rest is what the decoder had to round up to."""
    require_kind(image, Image.Image, "an image")
    require_kind(spec, InputSpec, "spec")
    require_choice(invert, ("no", "yes", "auto"), "invert")
    if 0 in image.size:
        raise InputError(f"the image has no pixels: {image.width} x {image.height}")
    try:
        image.load()
    except DECODER_FAILURES as error:
        raise InputError(f"the image is damaged or truncated ({error})") from None
    box = reduced_to or (0, 0, *image.size)  # a TIFF has its size when it is loaded
    turn = turn_of(image)
    image, dark = to_eight_bit(_with_inks(image))
    if turn is not None:
        box, image = turned_box(box, image.width, image.height, turn), image.transpose(turn)
    image, unprofiled = to_srgb(image)
    transparent = image.mode in ("LA", "PA", "RGBA") and image.getchannel("A").getextrema()[1] == 0
    flat = _flatten(image, _background(spec, invert == "yes"))
    flat = _convert_colour(flat, spec)
    border = _border_brightness(flat)
    contradicts = {"dark": border > 127, "light": border <= 127, "any": False}[spec.background]
    inverted = invert == "yes" or (invert == "auto" and contradicts)
    if inverted:
        from PIL import ImageOps

        flat = ImageOps.invert(flat)
    note = dark or unprofiled
    if contradicts and not inverted and invert == "no":
        note = (
            f"the border is {'light' if border > 127 else 'dark'}, the training images' is {spec.background}; if the "
        )
        note += "background is the other way round here, try --invert yes (or auto)"
    if transparent:
        note = _TRANSPARENT
    pixels = np.asarray(resize(flat, box, spec, _background(spec, inverted=False)), dtype=np.uint8).reshape(spec.shape)
    return Prepared(np.ascontiguousarray(pixels), border, inverted, note, transparent)


def prepare_source(
    source: Source,
    spec: InputSpec,
    invert: Invert = "no",
    *,
    order: "Order | None" = None,
    gate: "MemoryGate | None" = None,
) -> Prepared:
    """Like `prepare`, for whatever a caller may have.

    Args:
        source: a path, `-` for standard input, a Pillow image, or a uint8 array (height, width[, channels]).
        spec: what the model takes.
        invert: as `prepare` has it.
        order: of an array's channels, `rgb` or `gray` by default; see `edgecnn.pixels.camera_arrays.image_of_array`.
        gate: lets a file wait until there is memory to decode it.

    Raises:
        InputError: the image cannot be read or used, or does not fit into memory; the message begins with its name if
            it has one.
    """
    if isinstance(source, np.ndarray):
        return prepare_array(source, spec, invert, order=order)
    if order is not None:
        raise InputError(f"order={order!r} is for arrays; images say themselves what their channels are: leave it out")
    if isinstance(source, Image.Image):
        return prepare(source, spec, invert)
    if not isinstance(source, str | Path):
        raise InputError(f"an image must be a path, a Pillow image or a uint8 array. Received: {type(source).__name__}")
    with contextlib.ExitStack() as held:
        reduced_to: Box | None = None

        def before_loading(image: Image.Image) -> None:
            nonlocal reduced_to
            size = image.size
            reduced_to = reduce_jpeg(image, spec)
            needed = needed_bytes(image, spec.channels, size[0] * size[1])
            if gate:
                held.enter_context(gate.holding(needed))
            require_memory(needed, f"{source}: an image of {size[0]:,} x {size[1]:,} pixels")

        image = open_image(str(source), before_loading)
        try:
            return _prepare(image, reduced_to, spec, invert)
        except InputError as error:
            raise InputError(f"{source}: {error}") from None


def check_pixels(pixels: Any, spec: InputSpec, many: bool = False) -> None:
    """Make sure that `pixels` are prepared.

    Raises:
        InputError: not uint8 of the shape (height, width, channels) of `spec`, or (count, ...) for `many`.
    """
    found = pixels if hasattr(pixels, "dtype") else np.asarray(pixels)
    if found.dtype != np.uint8 or (found.shape[1:] if many else found.shape) != spec.shape:
        raise InputError(
            f"prepared pixels must be uint8 of shape {('count', *spec.shape) if many else spec.shape}. "
            f"Received: {found.dtype} of shape {found.shape}; use prepare()"
        )


def prepare_array(pixels: Array, spec: InputSpec, invert: Invert = "no", *, order: "Order | None" = None) -> Prepared:
    """Like `prepare`, for a uint8 array; `edgecnn.pixels.camera_arrays.image_of_array` has the shapes and orders.

    Raises:
        InputError: not uint8, of another shape, or of four channels that are not named.
    """
    from .camera_arrays import image_of_array

    return prepare(image_of_array(pixels, order), spec, invert)


def _background(spec: InputSpec, inverted: bool) -> int:
    # What is transparent must be background after the inversion too.
    level = 255 if spec.background == "light" else 0
    return 255 - level if inverted else level


def _with_inks(image: Image.Image) -> Image.Image:
    """Of a CMYK JPEG, 255 for full ink. Adobe's are negatives; Pillow takes those for such that do not say so, too."""
    if image.mode != "CMYK" or image.format not in ("JPEG", "MPO") or "adobe" in image.info:
        return image
    return image.point(list(range(255, -1, -1)) * 4)


def _flatten(image: Image.Image, level: int) -> Image.Image:
    if image.mode in ("La", "RGBa"):  # premultiplied: Pillow converts it to its own straight kind only
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    if image.mode not in ("LA", "PA", "RGBA") and "transparency" not in image.info:
        return image
    image = image.convert("RGBA")
    backdrop = Image.new("RGBA", image.size, (level, level, level, 255))
    return Image.alpha_composite(backdrop, image)


def _convert_colour(image: Image.Image, spec: InputSpec) -> Image.Image:
    if spec.colour == "grayscale" and image.mode in ("1", "L"):
        return _converted(image, "L")
    image = _converted(image, "RGB")  # one way to luma from palette, CMYK, YCbCr, ...
    return _converted(image, "L") if spec.colour == "grayscale" else image


def _converted(image: Image.Image, mode: str) -> Image.Image:
    """`image.convert(mode)`, which copies an image that has the mode: of a photograph, tens of megabytes."""
    return image if image.mode == mode else image.convert(mode)


def _border_brightness(image: Image.Image) -> int:
    width, height = image.size
    rim = max(1, min(width, height) // 28)
    if width * height > _SMALL_PIXELS:
        rows = (0, 0, width, rim), (0, height - rim, width, height)
        boxes = *rows, (0, rim, rim, height - rim), (width - rim, rim, width, height - rim)
        edges = [np.asarray(image.crop(box).convert("L")) for box in boxes]
    else:
        gray = np.asarray(_converted(image, "L"))
        edges = [gray[:rim], gray[-rim:], gray[rim:-rim, :rim], gray[rim:-rim, -rim:]]
    return int(np.median(np.concatenate([edge.ravel() for edge in edges])))
