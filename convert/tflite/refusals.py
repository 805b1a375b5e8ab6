"""Why TensorFlow does not convert a network, in words about its layers: what it says itself is about its compiler."""

import re
from collections.abc import Iterable

# `fused["MaxPool3D:", "classifier_1/max_pooling3d_1/MaxPool3D@…` : the operator, and the path of its layer.
_PLACE = re.compile(r'fused\["(?P<operator>\w+):", "(?P<path>[^"@]*)')
_UNSUPPORTED = re.compile(r"^\s*TF Select ops: (?P<operators>.+)$|'tf\.(?P<one>\w+)' op is neither a custom op", re.M)

_LOGGED = re.compile(r"WARNING:|[IWEF]\d{4} \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d \d\d:")  # what it says of its work


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
    said = (line[:300].rstrip(".") for line in lines if line and not _LOGGED.match(line))
    return next(said, "it does not say why")


def _layer(text: str, layers: list[str]) -> str:
    """The layer that an error names, in words; empty where it names none. Exported, its name may have a number more."""
    for place in _PLACE.finditer(text):
        for part in place["path"].split("/"):
            alike = [name for name in layers if re.fullmatch(re.escape(name) + r"(_\d+)*", part)]
            if alike:
                return f"layer {max(alike, key=len)}"
    return ""
