"""Why TensorFlow does not convert a network, in words about its layers: what it says itself is about its compiler."""

import re
from collections.abc import Iterable

import keras

from edgecnn.errors import EdgecnnError
from edgecnn.model_file.schemes import SCHEMES

# `fused["MaxPool3D:", "classifier_1/max_pooling3d_1/MaxPool3D@…` : the operator, and the path of its layer.
_PLACE = re.compile(r'fused\["(?P<operator>\w+):", "(?P<path>[^"@]*)')
_UNSUPPORTED = re.compile(r"^\s*TF Select ops: (?P<operators>.+)$|'tf\.(?P<one>\w+)' op is neither a custom op", re.M)


def reason(text: str, layers: Iterable[str]) -> str:
    """A sentence without a line of the compiler.

    Args:
        text: all that TensorFlow printed and raised.
        layers: names of the network's layers.
    """
    where = _layer(text, list(layers))
    unsupported = _UNSUPPORTED.search(text)
    if unsupported:
        operators = unsupported["operators"] or unsupported["one"]
        return f"{where or 'it'} needs {operators}, which TFLite does not have; build the network without it"
    place = _PLACE.search(text)
    if place:
        return f"it fails at {where or place['path']} ({place['operator']})"
    lines = (re.sub(r"<unknown>:0: |error: |loc\(.*?\): ", "", line).strip() for line in text.splitlines())
    return next((line[:300] for line in lines if line and not line.startswith("WARNING:")), "it does not say why")


def require_no_loop(model: keras.Model, scheme: str) -> None:
    """Make sure that no layer repeats itself where a quantizer calibrates: TensorFlow's ends the process over it.

    Raises:
        EdgecnnError: one does; the message names it and what works.
    """
    loops = (
        layer.name
        for layer in model.layers
        if any(isinstance(part, keras.layers.RNN) and not part.unroll for part in layer._flatten_layers())
    )
    name = next(loops, None) if SCHEMES[scheme].is_calibrated else None
    if name:
        others = ", ".join(f"--{other}" for other, row in SCHEMES.items() if not row.is_calibrated)
        raise EdgecnnError(
            f"TensorFlow cannot convert the model to {scheme}: layer {name} is a loop over its sequence, which no "
            f"calibrated scheme takes; use one of {others}, or build that layer with unroll=True"
        )


def _layer(text: str, layers: list[str]) -> str:
    """The layer that an error names, in words; empty where it names none. Exported, its name may have a number more."""
    for place in _PLACE.finditer(text):
        for part in place["path"].split("/"):
            alike = [name for name in layers if re.fullmatch(re.escape(name) + r"(_\d+)*", part)]
            if alike:
                return f"layer {max(alike, key=len)}"
    return ""
