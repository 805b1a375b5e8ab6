"""What the page may ask for, read strictly: a message is one of these, or the viewer is sent away."""

import json
from dataclasses import dataclass
from typing import Any

from edgecnn.pixels.crop import Crop

from ...explaining.methods import METHODS

MOST_BYTES = 1024
MOST_LAYERS = 64
_MOST_PIXELS = 1 << 20  # a side of an image, more than any


@dataclass(frozen=True)
class MapRequest:
    """Feature maps of one layer.

    Attributes:
        layer: its place among the model's.
        first: the first filter.
        count: how many.
    """

    layer: int
    first: int
    count: int


@dataclass(frozen=True)
class Next:
    """The next frame, with these maps."""

    maps: tuple[MapRequest, ...]


@dataclass(frozen=True)
class SetCrop:
    """What of a frame the model is shown from now on."""

    crop: Crop | None


@dataclass(frozen=True)
class Keep:
    """Keep a frame that this viewer was sent, as an image of a class."""

    frame: int
    label: int


@dataclass(frozen=True)
class Why:
    """Explain a frame that this viewer was sent; see `edgecnn.device.explaining`.

    Attributes:
        frame: its number.
        method: one of `METHODS`.
        label: the class that is explained; None for the most probable one.
    """

    frame: int
    method: str
    label: int | None


@dataclass(frozen=True)
class Cancel:
    """Explain no more what this viewer asked for."""


Request = Next | SetCrop | Keep | Why | Cancel


def parse_request(text: str) -> Request:
    """One message of the page.

    Raises:
        ValueError: it is none that the page sends.
    """
    if len(text.encode()) > MOST_BYTES:
        raise ValueError("too long")
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("no object")
    match value.get("ask"), sorted(value):
        case "next", ["ask", "maps"]:
            return Next(_maps(value["maps"]))
        case "crop", ["ask", "crop"]:
            return SetCrop(_crop(value["crop"]))
        case "keep", ["ask", "frame", "label"]:
            return Keep(_whole(value["frame"], 1 << 53), _whole(value["label"], 1 << 20))
        case "why", ["ask", "frame", "label", "method"]:
            label = None if value["label"] is None else _whole(value["label"], 1 << 20)
            return Why(_whole(value["frame"], 1 << 53), _method(value["method"]), label)
        case "cancel", ["ask"]:
            return Cancel()
    raise ValueError("unknown")


def _maps(value: Any) -> tuple[MapRequest, ...]:
    if not isinstance(value, list) or len(value) > MOST_LAYERS:
        raise ValueError("maps")
    requests = []
    for one in value:
        if not isinstance(one, list) or len(one) != 3:
            raise ValueError("maps")
        requests.append(MapRequest(_whole(one[0], 10_000), _whole(one[1], 1 << 20), max(1, _whole(one[2], 1 << 20))))
    return tuple(requests)


def _method(value: Any) -> str:
    if not isinstance(value, str) or value not in METHODS:
        raise ValueError("method")
    return value


def _crop(value: Any) -> Crop | None:
    if value in ("square", "whole"):
        return "square" if value == "square" else None
    if not isinstance(value, list) or len(value) != 4:
        raise ValueError("crop")
    left, top, width, height = (_whole(one, _MOST_PIXELS) for one in value)
    return left, top, width, height


def _whole(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError("a number is out of range")
    return value
