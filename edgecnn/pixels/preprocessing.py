"""The one preprocessing: training, calibration, parity and the device all turn an image into model input here.

Pillow image or uint8 array  ->  uint8 (height, width, channels)  ->  one table look-up  ->  model input
"""

import contextlib
import dataclasses
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from ..arguments import require_choice, require_kind, require_path
from ..arrays import Array, Pixels
from ..errors import InputError
from .colour_profile import to_srgb
from .colour_tags import stated_profile
from .deep_images import to_eight_bit
from .image_files import DECODER_FAILURES, EncodedImage, decode_image, open_image
from .input_spec import InputSpec
from .jpeg import reduce_jpeg
from .memory import needed_bytes, require_memory
from .modes import background_level, convert_colour, converted, flatten, with_inks
from .orientation import Box, turn_of, turned_box
from .resizing import resize

if TYPE_CHECKING:
    from .camera_arrays import Order
    from .crop import Crop, CropBox
    from .memory import MemoryGate

Invert = Literal["no", "yes", "auto"]
Source = str | os.PathLike[str] | Image.Image | Pixels | EncodedImage

_TRANSPARENT = (
    "every pixel is wholly transparent, so the model sees the background alone; if the fourth channel of an array "
    "is no alpha, pass the first three: array[:, :, :3]"
)
_TAKEN_FOR_GRAY = (
    "an array without channels is taken for a gray picture; if it is a camera's YUV420 frame, say order='yuv420', if "
    "not, order='gray'"
)
# Up to here the rim is cut out of the whole, which is quicker; of a photograph alone, which takes less memory.
_SMALL_PIXELS = 1 << 20


@dataclass(frozen=True)
class Prepared:
    """An image made ready for a model.

    Attributes:
        pixels: uint8, (height, width, channels), contiguous.
        border: median brightness (0 to 255) of the rim of what the model was shown, before it was resized.
        inverted: whether the polarity was swapped.
        note: a sentence when the rim contradicts the card's background and nothing was inverted, when nothing of the
            image is to be seen, when what it says of its colours cannot be used, when its 16 bits are nearly black, or
            when a crop had to be clipped; else empty.
        is_transparent: whether every pixel is wholly transparent, so that the model sees the background alone.
        width: of the whole image, upright.
        height: likewise.
        crop: (left, top, width, height) of what the model was shown of it, clipped; None for all.
        is_flattened: whether some pixel is transparent, so that the model sees the background there.
    """

    pixels: Pixels
    border: int
    inverted: bool
    note: str
    is_transparent: bool = False
    width: int = 0
    height: int = 0
    crop: "CropBox | None" = None
    is_flattened: bool = False


def prepare(image: Image.Image, spec: InputSpec, invert: Invert = "no", crop: "Crop | None" = None) -> Prepared:
    """Turn any Pillow image into the uint8 pixels that the model was trained on.

    In this order: 16-bit to 8; EXIF orientation; crop; the colours that the file names, to sRGB; transparency flattened
    on the card's background; grayscale (ITU-R 601 luma) or rgb; inversion; fit and resize. An image of the right size
    and mode passes unchanged.

    Args:
        image: any mode but floating point; of an animation, the current frame.
        spec: what the model takes.
        invert: `yes` swaps light and dark, `auto` does so when the rim contradicts `spec.background`.
        crop: `square` for the largest in the middle, or (left, top, width, height); what is outside is never looked at.

    Raises:
        InputError: the mode has no agreed range (floating point, or integers of which white is not known), `invert` is
            none of the three, or the crop lies outside the image.
    """
    return _prepare(image, None, spec, invert, crop)


def _prepare(
    image: Image.Image, reduction: "tuple[Box, float] | None", spec: InputSpec, invert: Invert, crop: "Crop | None"
) -> Prepared:
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
    # A TIFF has its size when it is loaded.
    box, scale = reduction or ((0, 0, *image.size), 1)
    turn, (profile, unstated) = turn_of(image), stated_profile(image)
    image, dark = to_eight_bit(with_inks(image))
    if turn is not None:
        box, image = turned_box(box, image.width, image.height, turn), image.transpose(turn)
    width, height = round((box[2] - box[0]) * scale), round((box[3] - box[1]) * scale)
    region, clipped = None, ""
    if crop is not None:
        from .crop import cut, region_of

        region, clipped = region_of(crop, width, height)
        image, box = cut(image, box, scale, region)
    image, unprofiled = to_srgb(image, profile)
    flat, flattened, transparent = flatten(image, background_level(spec, invert == "yes"))
    flat = convert_colour(flat, spec)
    border = _border_brightness(flat)
    contradicts = {"dark": border > 127, "light": border <= 127, "any": False}[spec.background]
    inverted = invert == "yes" or (invert == "auto" and contradicts)
    if inverted:
        from PIL import ImageOps

        if flattened and invert == "auto":  # on the ground that is the background once it is inverted
            flat = convert_colour(flatten(image, background_level(spec, inverted))[0], spec)
        flat = ImageOps.invert(flat)
    note = dark or unstated or unprofiled
    if contradicts and not inverted and invert == "no":
        note = (
            f"the border is {'light' if border > 127 else 'dark'}, the training images' is {spec.background}; if the "
            "background is the other way round here, try --invert yes (or auto)"
        )
    note = "; ".join(filter(None, (clipped, _TRANSPARENT if transparent else note)))
    pixels = np.asarray(resize(flat, box, spec, background_level(spec)), dtype=np.uint8).reshape(spec.shape)
    return Prepared(np.ascontiguousarray(pixels), border, inverted, note, transparent, width, height, region, flattened)


def prepare_source(
    source: Source,
    spec: InputSpec,
    invert: Invert = "no",
    *,
    order: "Order | None" = None,
    gate: "MemoryGate | None" = None,
    crop: "Crop | None" = None,
) -> Prepared:
    """Like `prepare`, for whatever a caller may have.

    Args:
        source: a path, `-` for standard input, an image, a uint8 array (height, width[, channels]), a file's bytes.
        spec: what the model takes.
        invert: as `prepare` has it.
        order: of an array's channels, `rgb` or `gray` by default; see `edgecnn.pixels.camera_arrays.image_of_array`.
        gate: lets a file wait until there is memory to decode it.
        crop: as `prepare` has it.

    Raises:
        InputError: the image cannot be read or used, or does not fit into memory; the message begins with its name if
            it has one.
    """
    if isinstance(source, np.ndarray):
        return prepare_array(source, spec, invert, order=order, crop=crop)
    if order is not None:
        raise InputError(f"order={order!r} is for arrays; images say themselves what their channels are: leave it out")
    if isinstance(source, Image.Image):
        return prepare(source, spec, invert, crop)
    if not isinstance(source, str | os.PathLike | EncodedImage):
        raise InputError(f"an image must be a path, a Pillow image or a uint8 array. Received: {type(source).__name__}")
    source = str(require_path(source, "an image")) if isinstance(source, os.PathLike) else source
    name = source.name if isinstance(source, EncodedImage) else source
    with contextlib.ExitStack() as held:
        reduction: tuple[Box, float] | None = None

        def before_loading(image: Image.Image) -> None:
            nonlocal reduction
            size = image.size
            with contextlib.suppress(InputError):  # a crop outside: `_prepare` refuses it, too
                reduced_to = reduce_jpeg(image, spec, crop)
                reduction = (reduced_to, size[0] / reduced_to[2]) if reduced_to else None
            needed = needed_bytes(image, spec.channels, size[0] * size[1])
            if gate:
                held.enter_context(gate.holding(needed))
            require_memory(needed, f"{name}: an image of {size[0]:,} x {size[1]:,} pixels")

        if isinstance(source, EncodedImage):
            image = decode_image(source.data, name, before_loading)
        else:
            image = open_image(name, before_loading)
        try:
            return _prepare(image, reduction, spec, invert, crop)
        except InputError as error:
            raise type(error)(f"{name}: {error}") from None


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


def prepare_array(
    pixels: Array, spec: InputSpec, invert: Invert = "no", *, order: "Order | None" = None, crop: "Crop | None" = None
) -> Prepared:
    """Like `prepare`, for a uint8 array; `edgecnn.pixels.camera_arrays.image_of_array` has the shapes and orders.

    Raises:
        InputError: not uint8, of another shape, or of four channels that are not named.
    """
    from .camera_arrays import image_of_array, may_be_yuv420

    prepared = prepare(image_of_array(pixels, order), spec, invert, crop)
    if order is None and spec.channels == 3 and may_be_yuv420(pixels):
        return dataclasses.replace(prepared, note="; ".join(filter(None, (prepared.note, _TAKEN_FOR_GRAY))))
    return prepared


def _border_brightness(image: Image.Image) -> int:
    width, height = image.size
    rim = max(1, min(width, height) // 28)
    if width * height > _SMALL_PIXELS:
        boxes = [(0, 0, width, rim), (0, height - rim, width, height)]
        if height > 2 * rim:  # of a strip, the rows are all there is
            boxes += [(0, rim, rim, height - rim), (width - rim, rim, width, height - rim)]
        edges = [np.asarray(image.crop(box).convert("L")) for box in boxes]
    else:
        gray = np.asarray(converted(image, "L"))
        edges = [gray[:rim], gray[-rim:], gray[rim:-rim, :rim], gray[rim:-rim, -rim:]]
    return int(np.median(np.concatenate([edge.ravel() for edge in edges])))
