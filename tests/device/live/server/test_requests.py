"""What a page may ask for, to the letter."""

import json

import pytest

from edgecnn.device.live.server.requests import (
    Cancel,
    Keep,
    MapRequest,
    Next,
    Request,
    SetCrop,
    Why,
    parse_request,
)


@pytest.mark.parametrize(
    ("message", "request_"),
    [
        ({"ask": "next", "maps": []}, Next(())),
        ({"ask": "next", "maps": [[3, 64, 16]]}, Next((MapRequest(3, 64, 16),))),
        ({"ask": "crop", "crop": "whole"}, SetCrop(None)),
        ({"ask": "crop", "crop": "square"}, SetCrop("square")),
        ({"ask": "crop", "crop": [1, 2, 3, 4]}, SetCrop((1, 2, 3, 4))),
        ({"ask": "keep", "frame": 12, "label": 0}, Keep(12, 0)),
        ({"ask": "why", "frame": 12, "method": "rise", "label": None}, Why(12, "rise", None)),
        ({"ask": "why", "frame": 0, "method": "cam", "label": 999}, Why(0, "cam", 999)),
        ({"ask": "cancel"}, Cancel()),
    ],
)
def test_what_the_page_sends_is_understood(message: object, request_: Request) -> None:
    assert parse_request(json.dumps(message)) == request_


@pytest.mark.parametrize(
    "message",
    [
        {"ask": "next", "maps": [[0, 0, 1]] * 65},
        {"ask": "next", "maps": [[0, 0]]},
        {"ask": "next", "maps": [[0, 0, 1.0]]},
        {"ask": "next", "maps": [[True, 0, 1]]},
        {"ask": "next", "maps": [], "more": 1},
        {"ask": "crop", "crop": None},
        {"ask": "crop", "crop": [0, 0, -1, 5]},
        {"ask": "crop", "crop": [0, 0, 10**9, 5]},
        {"ask": "crop", "crop": {"square": 1}},
        {"ask": "keep", "frame": "../../x", "label": 0},
        {"ask": "keep", "frame": 1, "label": -1},
        {"ask": "why", "frame": 1, "method": "grad-cam", "label": None},
        {"ask": "why", "frame": 1, "method": ["rise"], "label": None},
        {"ask": "why", "frame": 1, "method": "rise", "label": "Bag"},
        {"ask": "why", "frame": 1.0, "method": "rise", "label": None},
        {"ask": "why", "frame": 1, "method": "rise"},
        {"ask": "cancel", "frame": 1},
        {"ask": "stop"},
        {"ask": ["next"], "maps": []},
        ["next"],
        None,
    ],
)
def test_anything_else_is_refused(message: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - what is said is for nobody to read
        parse_request(json.dumps(message))


@pytest.mark.parametrize("text", ["", "next", "NaN", "[" * 1000, '{"ask":"next","maps":[[0,0,1e400]]}'])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_request(text)


def test_what_is_longer_than_any_message_is_not_read() -> None:
    message = '{"ask": "cancel"}'
    assert parse_request(message.ljust(1024)) == Cancel()
    with pytest.raises(ValueError, match="too long"):
        parse_request(message.ljust(1025))
