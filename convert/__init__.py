"""Stage 2: a quantized TFLite model, and its activations variant, from a Keras CNN.

    conversion = convert("runs/shoes", load_fashion_mnist(), scheme="int8")

Needs `pip install "edgecnn[train]"`; TensorFlow is imported when a conversion starts, not before.
"""

from .auto import convert_until
from .check import Gate, ParityReport, parity
from .conversion import SCHEMES, Conversion, ConvertedFile, LayerParity, convert
from .keras_model import KerasModel

__all__ = [
    "SCHEMES",
    "Conversion",
    "ConvertedFile",
    "Gate",
    "KerasModel",
    "LayerParity",
    "ParityReport",
    "convert",
    "convert_until",
    "parity",
]
