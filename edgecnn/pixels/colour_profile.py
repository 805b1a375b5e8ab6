"""Colour profiles (ICC): an image that has another than sRGB is converted to it, by Little CMS in 8-bit integers.

Networks are trained on sRGB: pixels of a wider range, taken for sRGB, are paler than what was photographed. Profiles of
primaries and curves, which cameras, telephones and displays have, give the same bits with Little CMS 2.14 and 2.19, on
x86, 64-bit and 32-bit ARM (32 profiles, 100,000 colours each). Tables, which printers have, differ between these
versions by up to 4 of 255: they are refused.
"""

import io
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from ..errors import InputError
from .image_files import DECODER_FAILURES

if TYPE_CHECKING:
    from PIL import ImageCms

Space = Literal["GRAY", "RGB", "CMYK"]
_SPACES: dict[str, Space] = {"1": "GRAY", "L": "GRAY", "LA": "GRAY", "La": "GRAY", "CMYK": "CMYK"}
# Profiles that are called sRGB differ from each other by rounding; none of them may change a pixel.
_SAME = 2
_DAMAGED = "its colour profile cannot be used and was left out: colours may differ from what was photographed"


def to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, str]:
    """The image in sRGB, as its colour profile says; the image itself if it has none, or that of sRGB.

    Args:
        image: loaded, of 8 bits a channel.
        profile: as `edgecnn.pixels.colour_tags.stated_profile` gives it.

    Returns:
        L, LA, RGB or RGBA where it was converted, and a note where its profile is damaged or of other colours: what
        viewers leave out, too.

    Raises:
        InputError: this Pillow was built without Little CMS, or the profile is a table.
    """
    if profile is None:
        return image, ""
    space = _SPACES.get(image.mode, "RGB")
    try:
        conversion = _conversion(bytes(profile), space)
    except _UnusableProfile:
        return image, _DAMAGED
    if conversion is None:
        return image, ""
    # Transparency is not mixed with: neither are premultiplied values, nor a colour that stands for it.
    if image.mode in ("La", "LA", "PA", "RGBa", "RGBA") or "transparency" in image.info:
        image = image.convert("LA").convert("RGBA") if image.mode == "La" else image.convert("RGBA")
        opacity: Image.Image | None = image.getchannel("A")
    else:
        opacity = None
    colours = image.convert({"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}[space])
    converted = colours.point(conversion) if isinstance(conversion, list) else _converted(colours, conversion)
    if opacity is not None:
        converted.putalpha(opacity)
    return converted, ""


class _UnusableProfile(Exception):
    pass


@lru_cache(maxsize=16)
def _conversion(profile: bytes, space: Space) -> "list[int] | ImageCms.ImageCmsTransform | None":
    """What makes sRGB of colours: for gray a table, for others what Little CMS made; None where nothing would change.

    Raises:
        _UnusableProfile: damaged, or of other colours than the image has.
        InputError: as `to_srgb` has it.
    """
    from PIL import ImageCms, features  # most images have no profile

    if not features.check("littlecms2"):
        raise InputError(
            "the image has a colour profile, which this Pillow, built without Little CMS, cannot apply; save the image "
            "as sRGB, or install a Pillow that has it, such as PyPI's wheels and Debian's package"
        )
    try:
        read = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        found = str(getattr(read.profile, "xcolor_space")).strip()  # noqa: B009 - Pillow's own type hints lack it
        if found != space and (found, space) != ("RGB", "GRAY"):  # a photograph that was made gray keeps its profile
            raise _UnusableProfile
        mode = {"GRAY": "L"}.get(found, found)
        transform = ImageCms.buildTransform(read, ImageCms.createProfile("sRGB"), mode, "RGB")
        conversion = _unless_same(transform, mode, space)
    except (ImageCms.PyCMSError, *DECODER_FAILURES):
        raise _UnusableProfile from None
    if conversion is not None and _has_table(profile):
        raise InputError(
            "its colour profile is a table, as printers' and scanners' are, which each version of Little CMS reads a "
            "little differently; save the image as sRGB"
        )
    return conversion


def _has_table(profile: bytes) -> bool:
    """Whether there is one from the image's colours on, which then counts and not primaries and curves."""
    count = int.from_bytes(profile[128:132], "big")
    return any(profile[132 + 12 * i : 135 + 12 * i] in (b"A2B", b"D2B") for i in range(min(count, 100)))


def _unless_same(
    transform: "ImageCms.ImageCmsTransform", mode: str, space: Space
) -> "list[int] | ImageCms.ImageCmsTransform | None":
    if space == "CMYK":
        return transform
    if space == "GRAY":
        ramp = Image.frombytes("L", (256, 1), bytes(range(256))).convert(mode)
        table = list(_converted(ramp, transform).convert("L").tobytes())
        return table if max(abs(value - gray) for gray, value in enumerate(table)) > _SAME else None
    steps = np.arange(0, 256, 17, dtype=np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, len(steps), 3)
    converted = np.asarray(_converted(Image.fromarray(grid), transform)).astype(np.int16)
    return transform if np.abs(converted - grid).max() > _SAME else None


def _converted(colours: Image.Image, transform: "ImageCms.ImageCmsTransform") -> Image.Image:
    converted = transform.apply(colours)
    converted.info.pop("icc_profile", None)
    return converted
