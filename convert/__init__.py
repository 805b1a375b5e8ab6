"""Stage 2: a quantized TFLite model, and its activations variant, from a Keras CNN.

    conversion = convert("runs/shoes", load_fashion_mnist(), scheme="int8")

Needs `pip install "edgecnn[train]"`; TensorFlow is imported when a conversion starts, not before.
"""

from .comparison.parity import Gate, ParityReport, parity
from .conversion import SCHEMES, TARGETS, Conversion, ConvertedFile, LayerParity, convert
from .first_passing import convert_until
from .network.importing import Preprocessing, adopt, read_labels
from .network.keras_network import KerasModel
from .network.representative import load as load_representative

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
