"""From any of Pillow's modes of 8 bits to the two that models take: L and RGB."""

from PIL import Image, ImageFile

from ..errors import InputError
from .input_spec import InputSpec

DEEP = "edgecnn_is_deep"  # in the `info` of an image that had 16 bits a channel in its file, and has 8
_WITH_PALETTES = ("PNG", "BMP", "GIF", "TGA", "TIFF")


def palette_size(image: Image.Image) -> int | None:
    """How many colours a file that is not loaded yet has in its palette; None where it takes none from there."""
    if image.format not in _WITH_PALETTES or image.mode != "P":
        return None
    if image.palette is None:
        return 0
    order = image.palette.rawmode or image.palette.mode  # such as BGRX, or BGRA;15Z for two bytes a colour
    return len(image.palette.palette) // (2 if ";1" in order else len(order.split(";")[0]))


def scale_transparent_colour(image: Image.Image, name: str) -> None:
    """Of a PNG file that is not loaded yet, bring the transparent colour to 8 bits, as the pixels will be.

    Pillow leaves it as it stands in the file.

    Raises:
        InputError: the colour has 16 bits a channel: which pixels have it is not known in 8.
    """
    if image.format != "PNG" or not isinstance(image, ImageFile.ImageFile) or not image.tile:
        return
    gray, order = image.info.get("transparency"), str(image.tile[0][3])
    if gray is not None and order == "RGB;16B":
        raise InputError(
            f"{name}: Pillow misreads a PNG file of 16 bits a channel with one transparent colour; save it with 8 "
            "bits, or with an alpha channel"
        )
    most = {"L;2": 3, "L;4": 15}.get(order, 0)
    if isinstance(gray, int) and 0 < gray <= most:
        image.info["transparency"] = gray * 255 // most


def keep_depth(image: Image.Image) -> None:
    """Of a PNG file that is not loaded yet, remember if it has 16 bits a channel: Pillow keeps 8 and forgets that."""
    if image.format == "PNG" and isinstance(image, ImageFile.ImageFile) and image.tile:
        image.info[DEEP] = str(image.tile[0][3]).endswith(";16B")


def require_colours(image: Image.Image, colours: int | None, name: str) -> None:
    """Refuse an image whose pixels name colours beyond its palette: each decoder shows others in their place.

    Raises:
        InputError: it is such.
    """
    highest = image.getextrema()[1] if colours is not None else -1
    is_transparent = highest == image.info.get("transparency")  # a GIF's number for it need not be in the palette
    if colours is not None and isinstance(highest, int) and highest >= colours and not is_transparent:
        raise InputError(
            f"{name}: the image is damaged: its palette has {colours} colours, and its pixels take number {highest}; "
            "copy it again"
        )


def with_inks(image: Image.Image) -> Image.Image:
    """Of a CMYK JPEG, 255 for full ink. Adobe's are negatives; Pillow takes those for such that do not say so, too."""
    if image.mode != "CMYK" or image.format not in ("JPEG", "MPO") or "adobe" in image.info:
        return image
    return image.point(list(range(255, -1, -1)) * 4)


def flatten(image: Image.Image, level: int) -> tuple[Image.Image, bool, bool]:
    """An image on a background of `level`, 0 to 255; and whether some of it was transparent, and whether all was."""
    if image.mode in ("La", "RGBa"):  # premultiplied: Pillow converts it to its own straight kind only
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    if image.mode not in ("LA", "PA", "RGBA") and "transparency" not in image.info:
        return image, False, False
    image = image.convert("RGBA")
    backdrop = Image.new("RGBA", image.size, (level, level, level, 255))
    least, most = image.getchannel("A").getextrema()
    return Image.alpha_composite(backdrop, image), least != 255, most == 0


def ground_of(spec: InputSpec) -> str:
    """What stands for transparency: the background of the training images, where that is known to be light."""
    return "white" if spec.background == "light" else "black"


def background_level(spec: InputSpec, inverted: bool = False) -> int:
    """What stands for transparency, 0 to 255, in an image that is `inverted` later: it is background then too."""
    return 255 if (ground_of(spec) == "white") != inverted else 0


def transparency_note(flattened: int, images: int, spec: InputSpec) -> str:
    """What people should know of a folder with transparent images: cut-out objects get a ground that nobody chose."""
    return (
        f"{flattened:,} of {images:,} images are transparent in part: what is transparent becomes {ground_of(spec)}, "
        "here and on the device; for another ground, save them on it, without transparency"
    )


def convert_colour(image: Image.Image, spec: InputSpec) -> Image.Image:
    """An image in the colours of `spec`: L or RGB."""
    if spec.colour == "grayscale" and image.mode in ("1", "L"):
        return converted(image, "L")
    image = converted(image, "RGB")  # one way to luma from palette, CMYK, YCbCr, ...
    return converted(image, "L") if spec.colour == "grayscale" else image


def converted(image: Image.Image, mode: str) -> Image.Image:
    """`image.convert(mode)`, which copies an image that has the mode: of a photograph, tens of megabytes."""
    return image if image.mode == mode else image.convert(mode)
