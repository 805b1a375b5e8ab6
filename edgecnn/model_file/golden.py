r"""Golden probes: a few images and their right answers, which travel with the model and are replayed on the device.

    "golden probes, version 1\n"
    {"count": 24, "host_runtime": "LiteRT 2.3.0", "preprocessing_sha256": "..."}\n
    zlib: images, Keras' probabilities, the host's

What is in the zlib stream has the sizes that the card says, so nothing is inflated or allocated that a file asks for.
"""

import json
import math
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..arrays import Pixels
from ..errors import ModelFileError
from ..pixels.input_spec import InputSpec
from ..pixels.input_table import apply_table, in_model_order, input_table
from ..pixels.preprocessing import prepare
from ..printable import is_printable
from ..zip_errors import ZIP_ERRORS, zip_reason
from .card import ModelCard
from .container import PackedModel
from .json_fields import unique_fields

_MAGIC = b"golden probes, version 1\n"
_MAX_HEAD_BYTES = 4096
# As for what is packed behind a model: probes are a few dozen small images.
MAX_BYTES = 64 << 20


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

    def is_prepared_alike(self, spec: InputSpec) -> bool:
        """Whether images become here, as `spec` says, what they became where the probes were made: to the bit."""
        return preprocessing_sha256(spec, self.images) == self.preprocessing_sha256

    def to_bytes(self) -> bytes:
        """The member of the packed file; the same probes give the same bytes."""
        head = {
            "count": len(self.images),
            "host_runtime": self.host_runtime,
            "preprocessing_sha256": self.preprocessing_sha256,
        }
        answers = (np.ascontiguousarray(part, dtype="<f4").tobytes() for part in (self.keras, self.host))
        body = b"".join((np.ascontiguousarray(self.images, dtype=np.uint8).tobytes(), *answers))
        return _MAGIC + json.dumps(head).encode() + b"\n" + zlib.compress(body, 9)

    @classmethod
    def from_bytes(cls, data: bytes, card: ModelCard, name: str) -> "Golden":
        """Read probes, those of an edgecnn before there was this format (golden.npz) too.

        Args:
            data: what lies behind the model.
            card: says which shapes they must have.
            name: the model's, for messages.

        Raises:
            ModelFileError: not what `to_bytes` writes, of other shapes, or more than 64 MiB of it.
        """
        try:
            if data.startswith(_MAGIC):
                golden = cls(**_read(data, card))
            else:
                from .golden_npz import read_npz

                golden = cls(**read_npz(data, card.input.shape, len(card.labels), MAX_BYTES))
            golden._require_sound()
        except ZIP_ERRORS as error:
            raise ModelFileError(
                f"{name}: its golden probes do not read ({zip_reason(error)}); convert the model again"
            ) from None
        return golden

    def _require_sound(self) -> None:
        if not (np.isfinite(self.keras).all() and np.isfinite(self.host).all()):
            raise ValueError("a probability is no number")
        if not (is_printable(self.host_runtime) and is_printable(self.preprocessing_sha256)):
            raise ValueError("the runtime's name is no printable text")


def golden_of(packed: PackedModel) -> Golden | None:
    """The probes of a model file; None for one without a card.

    Raises:
        ModelFileError: see `Golden.from_bytes`.
    """
    if packed.card is None or packed.golden is None:
        return None
    return Golden.from_bytes(packed.golden, packed.card, packed.name)


def _read(data: bytes, card: ModelCard) -> dict[str, Any]:
    """What `to_bytes` was given, by name."""
    head, newline, body = data[len(_MAGIC) :].partition(b"\n")
    if not newline or len(head) > _MAX_HEAD_BYTES:
        raise ValueError("they have no head")
    try:
        fields = json.loads(head.decode(), object_pairs_hook=unique_fields)  # json.loads would take UTF-16 too
    except RecursionError:
        raise ValueError("their head is nested too deeply") from None
    kinds = {"count": int, "host_runtime": str, "preprocessing_sha256": str}
    if not isinstance(fields, dict) or {key: type(value) for key, value in fields.items()} != kinds:
        raise ValueError(f"their head must hold {', '.join(kinds)}")
    count, classes = fields.pop("count"), len(card.labels)
    images, answers = count * math.prod(card.input.shape), 4 * count * classes
    if not 0 < images + 2 * answers <= MAX_BYTES:
        raise ValueError(f"{count} images are none, or more than {MAX_BYTES:,} bytes")
    stream = zlib.decompressobj()
    raw = stream.decompress(body, images + 2 * answers + 1)
    if len(raw) != images + 2 * answers or not stream.eof or stream.unused_data:
        raise ValueError(f"{count} images and their answers take {images + 2 * answers:,} bytes, these are others")
    keras, host = np.frombuffer(raw, "<f4", 2 * count * classes, images).reshape(2, count, classes).astype(np.float32)
    shaped = np.frombuffer(raw, np.uint8, images).reshape(count, *card.input.shape)
    return {"images": shaped, "keras": keras, "host": host, **fields}


def preprocessing_sha256(spec: InputSpec, images: Pixels) -> str:
    """SHA-256 over what the preprocessing makes of `images` and of test patterns that need every step of it.

    The patterns (grayscale, RGB, RGBA, 16-bit; larger, smaller, wider and taller than the input) are integers computed
    here, so two machines with the same hash convert, flatten, pad and resize alike to the last bit. Where JPEGs are
    reduced, what the decoder makes of a small one at every scale is part of it. The table is taken in float32: that of
    a quantized input follows from it and from the model's own scale.
    """
    import hashlib  # with OpenSSL, 3 ms; each machine does this once

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
