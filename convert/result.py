"""What a conversion made."""

from dataclasses import dataclass
from pathlib import Path

from edgecnn.model_file.card import Parity
from edgecnn.model_file.confidence import Confidence
from edgecnn.model_file.schemes import Scheme


@dataclass(frozen=True)
class LayerParity:
    """SQNR in dB of one layer's converted output against Keras'; higher is closer, infinite is equal."""

    name: str
    sqnr_db: float


@dataclass(frozen=True)
class ConvertedFile:
    """One file that a conversion wrote.

    Attributes:
        path: the packed .tflite file.
        size_bytes: of the whole file, card and probes included.
        ratio: `size_bytes` over those of a float32 file with the same card and probes.
        parity: against Keras on the test split.
    """

    path: Path
    size_bytes: int
    ratio: float
    parity: Parity


@dataclass(frozen=True)
class Conversion:
    """What a conversion made.

    Attributes:
        scheme: the quantization.
        plain: the model.
        activations: its activations variant; None if it was not asked for.
        float32_bytes: size of the bare float32 TFLite model, for comparison; reckoned from this one, within 1 % from a
            megabyte on, within a fifth for a few kB.
        bit_equal: both files gave equal probabilities, to the bit, on every image that both ran; None without variant.
        layers: distance of every feature map, then of the probabilities, from Keras; empty without variant.
        notes: sentences on what was done: ranges that were cut, what tuning gained, what the target makes of the model,
            files of before that were removed, and how many feature maps there are where they are many.
        compiled: the file that the Edge TPU compiler made of the model, where there is one.
        confidence: what the converted model's scores are worth; None where the images do not tell.
        doubt: why they do not, in words; else empty.
        warnings: why Keras itself may be wrong on these images, in words: then the converted files are, too.
    """

    scheme: Scheme
    plain: ConvertedFile
    activations: ConvertedFile | None
    float32_bytes: int
    bit_equal: bool | None
    layers: tuple[LayerParity, ...]
    notes: tuple[str, ...] = ()
    compiled: Path | None = None
    confidence: Confidence | None = None
    doubt: str = ""
    warnings: tuple[str, ...] = ()
