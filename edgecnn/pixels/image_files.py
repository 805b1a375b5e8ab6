"""From what a user names (files, globs, folders, standard input) to decoded images, or one clear sentence."""

import contextlib
import glob
import io
import struct
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, UnidentifiedImageError

from ..errors import InputError, MissingExtraError
from ..native_output import captured_stderr
from .colour_codes import find_codes
from .file_bytes import read_image_file, read_stream
from .modes import keep_depth, palette_size, require_colours, scale_transparent_colour
from .pillow_warnings import without_pillows_warnings

if TYPE_CHECKING:
    from .skipped_files import Skipped

STANDARD_INPUT = "-"
# Pillow knows more: films, PDF, and PostScript, for which it would start Ghostscript.
COMMON_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "PPM")
OTHER_FORMATS = ("TIFF", "WEBP", "AVIF", "TGA", "ICO", "JPEG2000")
HEIF_SUFFIXES = (".heic", ".heif", ".hif")
SUFFIXES = frozenset(
    (
        *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".gif", ".bmp", ".dib", ".pbm", ".pgm", ".ppm"),
        *(".pnm", ".tif", ".tiff", ".webp", ".avif", ".tga", ".ico", ".jp2"),
        *HEIF_SUFFIXES,
    )
)
MAX_PIXELS = 120_000_000  # 360 MB as RGB: the largest phone photographs pass, a decompression bomb does not
_NO_NAME = "an image has an empty name; give a file, a folder, a pattern or -"
# Of formats with kinds that Pillow does not know.
_BEGINNINGS = {b"\xff\xd8\xff": "JPEG", b"II*\0": "TIFF", b"MM\0*": "TIFF", b"II+\0": "TIFF", b"MM\0+": "TIFF"}
_PNG = b"\x89PNG\r\n\x1a\n"
# Pillow's decoders of some forty formats raise what they like on damaged data.
DECODER_FAILURES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)


class EncodedImage(NamedTuple):
    """An image as it lies in a file, which need not lie on a disk: a camera's JPEG.

    Attributes:
        data: the file's bytes.
        name: for messages.
    """

    data: bytes
    name: str = "the image"


def find_images(names: Iterable[str], skipped: "Skipped | None" = None) -> list[str]:
    """Expand files, glob patterns and folders (searched recursively) to a list of image paths.

    Order: as named; within a glob or a folder, sorted. A file that is named is kept whatever it holds; in a folder only
    files with an image suffix count, and nothing that is hidden or that a system or an archive put there
    (`edgecnn.pixels.skipped_files.is_clutter`); links to folders are followed. `-` is an image on standard input.

    Args:
        names: what is to be expanded.
        skipped: counts the other files of folders.

    Raises:
        InputError: a folder holds no image or cannot be read, or a pattern matches no file.
    """
    found: list[str] = []
    for name in names:
        try:
            found += _expand(name, skipped)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise InputError(f"{name}: cannot be read ({why}); check it") from None
    return found


def _expand(name: str, skipped: "Skipped | None") -> list[str]:
    if not name:
        raise InputError(_NO_NAME)
    if name == STANDARD_INPUT:
        return [name]
    if Path(name).is_dir():
        return _images_in(Path(name), skipped)
    if Path(name).exists() or not glob.has_magic(name):
        return [name]
    from .nested_folders import is_special

    matches = sorted(glob.glob(name, recursive=True))
    files = [one for one in matches if not Path(one).is_dir() and not is_special(one)]
    if not files:
        raise InputError(f"no file matches {name}; check the pattern")
    return files


def _images_in(folder: Path, skipped: "Skipped | None") -> list[str]:
    from .nested_folders import nested_folders  # one file that is named need not wait for it
    from .skipped_files import Skipped, is_clutter

    def refuse(error: OSError) -> None:
        raise InputError(f"the folder {error.filename} cannot be read ({error.strerror})") from None

    paths: list[str] = []
    others = Skipped()
    for place, names in nested_folders(folder, refuse):
        for name in names:
            if is_clutter(name):
                continue
            if Path(name).suffix.lower() in SUFFIXES:
                paths.append(str(Path(place, name)))
            else:
                others.count(name)
    if not paths:
        held = f" but {others.words()}" if others else ""
        raise InputError(f"the folder {folder} holds no images{held}; give a folder with .png or .jpg files")
    if skipped is not None:
        skipped.add(others)
    return sorted(paths)


def require_heif(paths: Iterable[str]) -> None:
    """Make sure, before any image is read, that those with a HEIC suffix can be.

    Raises:
        MissingExtraError: there are some, and pillow-heif is not installed.
    """
    from .heif import ADVICE, has_decoder

    files = [path for path in paths if Path(path).suffix.lower() in HEIF_SUFFIXES]
    if files and not has_decoder():
        raise MissingExtraError(f"{len(files):,} HEIC photographs, such as {files[0]}, need pillow-heif: {ADVICE}")


def open_image(name: str, before_loading: Callable[[Image.Image], None] | None = None) -> Image.Image:
    """Decode the first frame of an image file, or of standard input for `-`.

    Args:
        name: of the file.
        before_loading: gets the image whose size is known and whose pixels are not decoded yet.

    Returns:
        A loaded Pillow image in the file's own mode; EXIF orientation is not yet applied.

    Raises:
        InputError: missing, empty, not an image, truncated, a device, or larger than `MAX_PIXELS` or free memory.
    """
    if not name:
        raise InputError(_NO_NAME)
    if name == STANDARD_INPUT and sys.stdin is None:
        raise InputError("standard input is closed; give a file")
    if name == STANDARD_INPUT:
        return decode_image(read_stream(sys.stdin.buffer, "standard input"), "standard input", before_loading)
    try:
        data = read_image_file(name)
    except FileNotFoundError:
        raise InputError(f"{name}: no such file; check the path") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    return decode_image(data, name, before_loading)


def decode_image(data: bytes, name: str, before_loading: Callable[[Image.Image], None] | None = None) -> Image.Image:
    """Decode encoded image bytes; `name` is for messages. See `open_image`."""
    if not data:
        raise InputError(f"{name}: the file is empty (0 bytes); copy it again")
    try:
        with without_pillows_warnings():  # our own limit decides what is too large
            image = _open(data)
            if image.format in ("PNG", "AVIF") and (codes := find_codes(data)):
                image.info["cicp"] = codes
            if image.format == "BMP":
                from .bmp_colours import add_colours

                add_colours(image, data)
            if image.format == "TIFF":
                from .tiff_layout import require_plain

                require_plain(image, name)
                image.getexif()  # it lies in the file, which Pillow before 11 lets go of when it loads several pictures
            _check_size(image, name)
            if before_loading:
                before_loading(image)
            colours = palette_size(image)
            scale_transparent_colour(image, name)
            keep_depth(image)
            with captured_stderr() if image.format == "TIFF" else contextlib.nullcontext():
                image.load()  # libtiff speaks on standard error
            require_colours(image, colours, name)
    except MissingExtraError as error:
        raise InputError(f"{name}: {error}") from None
    except MemoryError:
        raise InputError(f"{name}: not enough memory to decode it; scale the image down first") from None
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise InputError(f"{name}: {_reason(error, data)}") from None
    except DECODER_FAILURES as error:
        raise InputError(f"{name}: the image is damaged or truncated ({error}); copy it again") from None
    return image


def _open(data: bytes) -> Image.Image:
    if data.startswith(_PNG):
        # Image.open would load the decoders of JPEG, GIF, BMP and PPM first: a twentieth of a whole `classify`.
        from PIL.PngImagePlugin import PngImageFile

        return PngImageFile(io.BytesIO(data))
    if data[4:8] == b"ftyp":  # the container of HEIC, which pillow-heif reads, and of AVIF
        from .heif import is_heif, open_heif

        if is_heif(data):
            return open_heif(data)
    try:
        return Image.open(io.BytesIO(data), formats=COMMON_FORMATS)
    except UnidentifiedImageError:
        Image.init()  # loads all of Pillow's decoders: 70 ms that most images need not wait for
        here = [name for name in OTHER_FORMATS if name in Image.OPEN]
        return Image.open(io.BytesIO(data), formats=here)


def _reason(error: Exception, data: bytes) -> str:
    if isinstance(error, Image.DecompressionBombError):
        return f"more than {MAX_PIXELS:,} pixels; scale the image down first"
    kind = next((kind for start, kind in _BEGINNINGS.items() if data.startswith(start)), None)
    if kind:
        return (
            f"a {kind} file that Pillow cannot read: damaged, or of a rare kind, such as 12 bits a channel; save it "
            "with 8 bits a channel"
        )
    return "not an image, or of a format that Pillow cannot read; give a PNG or JPEG file"


def _check_size(image: Image.Image, name: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise InputError(f"{name}: {width} x {height} is more than {MAX_PIXELS:,} pixels; scale the image down first")
