"""A frame for the page as one message: made once, however many look.

    age in ms, uint32 | length of the head, uint32 | head, JSON | picture | zlib of: input, then the maps in order

Both numbers big-endian. Input and maps are uint8, (height, width, channels).
"""

import json
import struct
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from edgecnn.arrays import Pixels
from edgecnn.errors import InputError

from ...map_reader import RawMap
from ..frame_pictures import small_jpeg
from ..observation import Observation, Status
from ..steady import Verdict
from .requests import MapRequest

MOST_BYTES = 512 * 1024  # of a frame's maps, before compression
MOST_FILTERS = 64  # of a layer
MOST_SIDE, MOST_SIDE_ALONE = 56, 512  # positions of a map among others, and of one by itself
_AS_IT_IS = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"))
_MOST_PICTURE_BYTES = 400_000  # a larger one is made smaller: photographs of a folder
_PICTURE_SIDE = 800


class FrameMessages:
    """Messages of one frame; each kind of them is made when somebody asks first.

    Attributes:
        seen: the frame, as it was classified.
    """

    def __init__(self, seen: Observation, status: Status, layers: Sequence[str], background: int) -> None:
        """Nothing is made yet.

        Args:
            seen: the frame.
            status: of the watcher at that time.
            layers: names of the model's, which requests count.
            background: what the model sees where the frame is transparent, a gray of 0 to 255.
        """
        self.seen, self._status, self._layers, self._background = seen, status, layers, background
        self._made: dict[tuple[MapRequest, ...], bytes] = {}
        self._picture: tuple[bytes, str] | None = None

    @property
    def picture(self) -> tuple[bytes, str]:
        """The camera's picture and its media type: its own bytes where a browser takes them."""
        if self._picture is None:
            self._picture = _picture(self.seen, self._background)
        return self._picture

    def message(self, request: tuple[MapRequest, ...]) -> bytes:
        """The message with the maps of `request`."""
        body = self._made.get(request)
        if body is None:
            body = self._made[request] = self._make(request)
        age_ms = round(1000 * (time.monotonic() - self.seen.frame.monotonic))
        return struct.pack(">I", max(0, min(age_ms, 0xFFFFFFFF))) + body

    def _make(self, request: tuple[MapRequest, ...]) -> bytes:
        maps, left_out = choose_maps(self.seen.maps, self._layers, request)
        picture, kind = self.picture
        pixels = self.seen.prepared.pixels
        head = json.dumps(
            {
                **describe(self.seen),
                "status": asdict(self._status),
                "picture": {"bytes": len(picture), "type": kind},
                "input": list(pixels.shape),
                "maps": [rest for rest, _ in maps],
                "left_out": left_out,
            }
        ).encode()
        raw = b"".join([pixels.tobytes(), *(values.tobytes() for _, values in maps)])
        return struct.pack(">I", len(head)) + head + picture + zlib.compress(raw, 1)


def choose_maps(
    maps: Mapping[str, RawMap], layers: Sequence[str], request: tuple[MapRequest, ...]
) -> tuple[list[tuple[dict[str, Any], Pixels]], list[int]]:
    """What of the maps fits into a message: those that were asked for first.

    Returns:
        What each is and its values, (height, width, filters); and the layers that do not fit in, or not wholly.
    """
    chosen: list[tuple[dict[str, Any], Pixels]] = []
    left_out: list[int] = []
    room = MOST_BYTES
    for one in request:
        raw = maps.get(layers[one.layer]) if one.layer < len(layers) else None
        if raw is None:
            continue
        first = min(one.first, raw.values.shape[2] - 1)
        wanted = min(one.count, MOST_FILTERS, raw.values.shape[2] - first)
        side = MOST_SIDE if wanted > 1 else MOST_SIDE_ALONE
        # Positions are passed over, not averaged: each value is one that the network has.
        stride = max(1, -(-max(raw.values.shape[:2]) // side))
        values = raw.values[::stride, ::stride, first : first + wanted]
        fitting = min(wanted, room // (values.shape[0] * values.shape[1]))
        if fitting < wanted:
            left_out.append(one.layer)
        if not fitting:
            continue
        values = np.ascontiguousarray(values[:, :, :fitting])
        room -= values.size
        rest = {"layer": one.layer, "first": first, "stride": stride, "shape": list(values.shape)}
        chosen.append(({**rest, "scale": raw.scale, "zero": raw.zero, "exact": raw.is_exact}, values))
    return chosen, left_out


def describe(seen: Observation) -> dict[str, Any]:
    """What was seen in a frame, for JSON."""
    prepared, verdict = seen.prepared, seen.verdict
    return {
        "frame": seen.frame.number,
        "name": Path(seen.frame.name).name,
        "predictions": [
            {"label": one.label, "index": one.index, "score": round(one.score, 6)} for one in seen.predictions
        ],
        "answer": None if verdict is None else describe_verdict(verdict),
        "drift": [str(one) for one in seen.drift],
        "size": [prepared.width, prepared.height],
        "crop": None if prepared.crop is None else list(prepared.crop),
        "note": prepared.note,
    }


def describe_verdict(verdict: Verdict) -> dict[str, Any]:
    """The steady answer, for JSON."""
    score = round(verdict.score, 6)
    return {"label": verdict.label, "index": verdict.index, "score": score, "reason": verdict.reason}


def _picture(seen: Observation, background: int) -> tuple[bytes, str]:
    data = seen.frame.data
    for beginning, kind in _AS_IT_IS:
        if data.startswith(beginning) and len(data) <= _MOST_PICTURE_BYTES:
            return data, kind
    try:
        return small_jpeg(seen.frame, _PICTURE_SIDE, background), "image/jpeg"
    except InputError:  # too large to be decoded in full, which the model did not need
        return b"", "image/jpeg"
