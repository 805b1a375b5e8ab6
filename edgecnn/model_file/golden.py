"""Golden probes: a few images and their right answers, which travel with the model and are replayed on the device."""

import hashlib
import io
import tokenize
import zipfile
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..arrays import Pixels
from ..errors import ModelFileError
from ..pixels.input_spec import InputSpec
from ..pixels.input_table import apply_table, in_model_order, input_table
from ..pixels.preprocessing import prepare
from ..zip_errors import ZIP_ERRORS

# As for what is packed behind a model: probes are a few dozen small images, and a megabyte can unpack to a gigabyte.
_MAX_BYTES = 64 << 20
# What zipfile and NumPy raise for archives and arrays that somebody has spoilt on purpose: the SHA-256 is of the model,
# not of its probes.
_UNREADABLE = (
    *ZIP_ERRORS,
    LookupError,
    TypeError,
    AttributeError,  # NumPy returns as bytes what does not begin like an array
    SyntaxError,
    MemoryError,  # an array's header that promises gigabytes
    tokenize.TokenError,  # an array's header that is no Python
)


@dataclass(frozen=True)
class Golden:
    """Probe images and what they must give.

    Attributes:
        images: uint8 (count, height, width, channels).
        keras: Keras' probabilities, float32 (count, classes).
        host: the converted model's on the machine that converted it, float32 (count, classes).
        host_runtime: name and version of what ran it there.
        preprocessing_sha256: see `preprocessing_sha256`.
    """

    images: Pixels
    keras: npt.NDArray[np.float32]
    host: npt.NDArray[np.float32]
    host_runtime: str
    preprocessing_sha256: str

    def to_bytes(self) -> bytes:
        """golden.npz; the same probes give the same bytes."""
        buffer = io.BytesIO()
        # Not np.savez: it stamps its members with the time of day.
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, value in vars(self).items():
                member = io.BytesIO()
                np.save(member, np.asarray(value), allow_pickle=False)
                info = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
                archive.writestr(info, member.getvalue(), zipfile.ZIP_DEFLATED)  # a ZipInfo alone means stored
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> "Golden":
        """Read golden.npz; `name` is the model's, for messages.

        Raises:
            ModelFileError: not what `to_bytes` writes, or more than 64 MiB of it.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                if sum(member.file_size for member in archive.infolist()) > _MAX_BYTES:
                    raise ValueError(f"they unpack to more than {_MAX_BYTES:,} bytes")
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                golden = cls(
                    images=arrays["images"],
                    keras=arrays["keras"],
                    host=arrays["host"],
                    host_runtime=str(arrays["host_runtime"]),
                    preprocessing_sha256=str(arrays["preprocessing_sha256"]),
                )
            golden._check(name)
        except _UNREADABLE as error:
            raise ModelFileError(f"{name}: its golden probes do not read ({error}); convert the model again") from None
        return golden

    def _check(self, name: str) -> None:
        count = len(self.images) if self.images.ndim == 4 else 0
        fits = self.images.dtype == np.uint8 and self.keras.shape == self.host.shape and self.host.ndim == 2
        fits = fits and self.keras.dtype.kind == self.host.dtype.kind == "f"
        if not (count and fits and len(self.host) == count and np.isfinite(self.host).all()):
            raise ModelFileError(f"{name}: its golden probes do not fit each other; convert the model again")


def preprocessing_sha256(spec: InputSpec, images: Pixels) -> str:
    """SHA-256 over what the preprocessing makes of `images` and of test patterns that need every step of it.

    The patterns (grayscale, RGB, RGBA, 16-bit; larger, smaller, wider and taller than the input) are integers computed
    here, so two machines with the same hash convert, flatten, pad and resize alike to the last bit. Where JPEGs are
    reduced, what the decoder makes of a small one at every scale is part of it. The table is taken in float32: that of
    a quantized input follows from it and from the model's own scale.
    """
    digest = hashlib.sha256(in_model_order(apply_table(input_table(spec), images), spec).tobytes())
    for pattern in _patterns():
        digest.update(prepare(pattern, spec).pixels.tobytes())
    if spec.jpeg_decoding == "reduced":
        from ..pixels.jpeg import decoded_probe

        digest.update(decoded_probe())
    return digest.hexdigest()


def _patterns() -> list[Image.Image]:
    shapes = {"L": (61, 47, 1), "RGB": (40, 97, 3), "RGBA": (19, 23, 4)}
    patterns = []
    for mode, (height, width, channels) in shapes.items():
        y, x, c = np.mgrid[:height, :width, :channels]
        values = ((x * 7 + y * 13 + c * 71 + x * y) % 256).astype(np.uint8)
        patterns.append(Image.fromarray(values[:, :, 0] if mode == "L" else values))
    y, x = np.mgrid[:64, :64]
    return [*patterns, Image.fromarray((x * 1021 + y * 13).astype(np.uint16))]
