"""Stage 2: a quantized TFLite model, and its activations variant, from a Keras CNN.

    conversion = convert("runs/shoes", load_fashion_mnist(), scheme="int8")

Needs `pip install "edgecnn[train]"`; TensorFlow is imported when a conversion starts, not before.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgecnn.model_file.schemes import Scheme

    from .comparison.gate import Gate
    from .comparison.parity import ParityReport, parity
    from .comparison.parity_request import ParityRequest
    from .conversion import Converter, convert
    from .first_passing import convert_until
    from .keras_model import KerasModel
    from .network.custom_code import CustomCode
    from .network.importing import adopt, read_labels
    from .network.preprocessing import Preprocessing
    from .network.representative import load_representative
    from .request import ConversionRequest
    from .result import Conversion, ConvertedFile, LayerParity

    # The names of the schemes and of the targets; each has its row in a table.
    SCHEMES: tuple[Scheme, ...]
    TARGETS: tuple[str, ...]

# Each name is loaded when it is first used: the help of a command asks for the tables alone.
_HOMES = {
    "comparison.gate": ("Gate",),
    "comparison.parity": ("ParityReport", "parity"),
    "comparison.parity_request": ("ParityRequest",),
    "conversion": ("Converter", "convert"),
    "first_passing": ("convert_until",),
    "keras_model": ("KerasModel",),
    "network.custom_code": ("CustomCode",),
    "network.importing": ("adopt", "read_labels"),
    "network.preprocessing": ("Preprocessing",),
    "network.representative": ("load_representative",),
    "request": ("ConversionRequest",),
    "result": ("Conversion", "ConvertedFile", "LayerParity"),
}

__all__ = [
    "SCHEMES",
    "TARGETS",
    "Conversion",
    "ConversionRequest",
    "ConvertedFile",
    "Converter",
    "CustomCode",
    "Gate",
    "KerasModel",
    "LayerParity",
    "ParityReport",
    "ParityRequest",
    "Preprocessing",
    "adopt",
    "convert",
    "convert_until",
    "load_representative",
    "parity",
    "read_labels",
]


def __getattr__(name: str) -> Any:
    if name == "SCHEMES":
        return tuple(importlib.import_module("edgecnn.model_file.schemes").SCHEMES)
    if name == "TARGETS":
        return tuple(importlib.import_module("edgecnn.convert.targets.table").TARGETS)
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"edgecnn.convert.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
