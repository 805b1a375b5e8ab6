"""Stage 2: a quantized TFLite model, and its activations variant, from a Keras CNN.

    conversion = convert("runs/shoes", load_fashion_mnist(), scheme="int8")

Needs `pip install "edgecnn[train]"`; TensorFlow is imported when a conversion starts, not before.
"""

from .adoption import Preprocessing, adopt, read_labels
from .auto import convert_until
from .check import Gate, ParityReport, parity
from .conversion import SCHEMES, TARGETS, Conversion, ConvertedFile, LayerParity, convert
from .keras_model import KerasModel
from .representative import load as load_representative

__all__ = [
    "SCHEMES",
    "TARGETS",
    "Conversion",
    "ConvertedFile",
    "Gate",
    "KerasModel",
    "LayerParity",
    "ParityReport",
    "Preprocessing",
    "adopt",
    "convert",
    "convert_until",
    "load_representative",
    "parity",
    "read_labels",
]
