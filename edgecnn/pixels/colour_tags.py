"""What a file says of its colours: in an ICC profile, code points, PNG's gAMA and cHRM, EXIF, or a header."""

from typing import Any

from PIL import Image

from .image_files import DECODER_FAILURES
from .orientation import exif_of
from .pillow_warnings import without_pillows_warnings

_LEFT_OUT = "and was left out: colours may differ from what was photographed"
_UNKNOWN = (
    "its EXIF says that its colours are not sRGB's, but not which they are: they were taken for sRGB's; save it with a "
    "colour profile"
)
_EXIF_IFD, _INTEROPERABILITY_IFD = 0x8769, 0xA005
_COLOUR_SPACE, _INTEROPERABILITY = 0xA001, 1  # tags of EXIF
_ADOBE, _UNCALIBRATED = 2, 0xFFFF
_TIFF_PRIMARIES = 319
# Of 1 / 2.2, which stands for sRGB's curve; libpng takes them for the same.
_SAME_GAMMA = 0.05
_SAME_POINT = 0.005


def stated_profile(image: Image.Image) -> tuple[bytes | None, str]:
    """The ICC profile of an image, or one that says what the file says otherwise.

    In this order, as the PNG specification has it: code points of a PNG; ICC; sRGB, gAMA and cHRM of a PNG; code points
    of AVIF and HEIC; a BMP's header; EXIF; a TIFF's primaries, which lack a curve.

    Args:
        image: as it was opened.

    Returns:
        None where nothing speaks for other colours than sRGB's, and a note where what does cannot be used.

    Raises:
        InputError: the colours are of high dynamic range.
    """
    info, codes = image.info, _codes(image)
    if "icc_profile" in info and not (codes and image.format == "PNG"):
        return info["icc_profile"] or b"", ""
    if codes is not None:
        from .colour_codes import space_of

        return _made(space_of(codes), f"it names its colours by numbers that are not known here {codes},")
    if "srgb" in info:
        return None, ""
    if image.format == "BMP":
        from .bmp_colours import NOTE

        return None, info.get(NOTE, "")
    if image.format == "PNG" and ("gamma" in info or "chromaticity" in info):
        return _of_png(info)
    return _of_exif(image)


def _codes(image: Image.Image) -> tuple[int, int] | None:
    """Those that were found in the file's bytes, or by pillow-heif."""
    nclx = image.info.get("nclx_profile")
    if nclx:
        return int(nclx["color_primaries"]), int(nclx["transfer_characteristics"])
    codes: tuple[int, int] | None = image.info.get("cicp")
    return codes


def _made(space: Any, otherwise: str) -> tuple[bytes | None, str]:
    from .colour_space import SRGB, icc_profile

    if space == SRGB:
        return None, ""
    profile = icc_profile(space) if space else None
    return profile, "" if profile else f"{otherwise} which cannot be used {_LEFT_OUT}"


def _of_png(info: dict[Any, Any]) -> tuple[bytes | None, str]:
    from .colour_space import SRGB, ColourSpace

    gamma, points = info.get("gamma"), info.get("chromaticity", ())
    if gamma is None:
        if _are_srgb(points[2:]):
            return None, ""
        return None, f"its primaries (PNG cHRM) come without a curve (gAMA), which cannot be used {_LEFT_OUT}"
    # The specification writes sRGB's curve as 1 / 2.2.
    exponent = None if abs(gamma * 2.2 - 1) <= _SAME_GAMMA else 1 / (gamma or 1e-9)
    if not points:
        return _made(SRGB._replace(gamma=exponent), f"its gamma is {gamma:g},")
    pairs = [(points[place], points[place + 1]) for place in range(0, len(points) - 1, 2)]
    if len(pairs) == 4 and _are_srgb(points[2:]):
        return _made(SRGB._replace(gamma=exponent), f"its gamma is {gamma:g},")
    space = None
    if len(pairs) == 4:
        white, red, green, blue = pairs
        space = ColourSpace(red, green, blue, white, exponent)
    return _made(space, f"its gamma is {gamma:g} and its primaries are {points},")


def _of_exif(image: Image.Image) -> tuple[bytes | None, str]:
    primaries = getattr(image, "tag_v2", {}).get(_TIFF_PRIMARIES)
    said, name = _in_exif(_exif_of_tiff(image) if image.format == "TIFF" else exif_of(image))
    if said in (_ADOBE, _UNCALIBRATED):
        if said == _ADOBE or name.startswith("R03"):
            from .colour_space import ADOBE_RGB

            return _made(ADOBE_RGB, "")
        return None, _UNKNOWN
    if primaries and not _are_srgb(primaries):
        return None, f"its primaries are a TIFF's tag, which cannot be used without a curve {_LEFT_OUT}"
    return None, ""


def _exif_of_tiff(image: Image.Image) -> Image.Exif | None:
    """It is read with the file; None if it is damaged, or if somebody's Pillow before 11 has let go of the file."""
    try:
        return image.getexif()
    except DECODER_FAILURES:
        return None


def _in_exif(exif: Image.Exif | None) -> tuple[int | None, str]:
    """The colour space, and the rule of interoperability, which names Adobe RGB: the first has no number for it."""
    if not exif:
        return None, ""
    with without_pillows_warnings():
        try:
            tags = exif.get_ifd(_EXIF_IFD)
            # Pillow 9 fails where there is none.
            rules = exif.get_ifd(_INTEROPERABILITY_IFD) if _INTEROPERABILITY_IFD in tags else {}
            return tags.get(_COLOUR_SPACE), str(rules.get(_INTEROPERABILITY, ""))
        except DECODER_FAILURES:
            return None, ""


def _are_srgb(points: Any) -> bool:
    from .colour_space import SRGB

    own = [float(value) for pair in SRGB[:3] for value in pair]
    return len(points) == len(own) and all(abs(a - float(b)) <= _SAME_POINT for a, b in zip(own, points, strict=True))
