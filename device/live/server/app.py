"""What the server answers: the page's three files, the newest frame, and how things are."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from ...explaining.methods import METHODS
from ...prediction import UNKNOWN
from .guard import Admission, Guard
from .messages import MOST_BYTES, MOST_FILTERS, MOST_SIDE, describe
from .requests import MOST_LAYERS
from .viewers import Hub

# No path of a file is ever made of what a client sent.
_STATIC = {
    "/": ("index.html", "text/html"),
    "/live.js": ("live.js", "text/javascript"),
    "/paint.js": ("paint.js", "text/javascript"),
    "/why.js": ("why.js", "text/javascript"),
    "/live.css": ("live.css", "text/css"),
}


@dataclass(frozen=True)
class PageTexts:
    """What the page says that the watcher does not know.

    Attributes:
        model: its name.
        advice: where feature maps are to be had, if the model gives none.
        kept: what is kept, a sentence each.
    """

    model: str
    advice: str = ""
    kept: tuple[str, ...] = ()


def make_app(hub: Hub, admission: Admission, texts: PageTexts, routes: Sequence[BaseRoute] = ()) -> ASGIApp:
    """The application: the page, `/api/state`, `/api/frame.jpg` and `routes`, all behind the guard."""

    async def state(_: Request) -> Response:
        return JSONResponse(describe_state(hub, texts))

    async def frame(_: Request) -> Response:
        if hub.newest is None:
            return PlainTextResponse("There is no frame yet.\n", 503)
        picture, kind = hub.newest.picture
        return Response(picture, media_type=kind)

    async def socket(viewer: WebSocket) -> None:
        await hub.serve(viewer, lambda: _hello(hub, texts))

    own: list[BaseRoute] = [Route(path, _static(*file)) for path, file in _STATIC.items()]
    own += [Route("/api/state", state), Route("/api/frame.jpg", frame), WebSocketRoute("/api/frames", socket)]
    return Guard(Starlette(routes=[*own, *routes]), admission)


def _static(name: str, kind: str) -> Any:
    content = files(__name__.rpartition(".")[0]).joinpath("static", name).read_bytes()

    async def answer(_: Request) -> Response:
        return Response(content, media_type=kind)

    return answer


def describe_state(hub: Hub, texts: PageTexts) -> dict[str, Any]:
    """What `/api/state` answers."""
    newest, latest = hub.newest, None
    if newest is not None:
        age_ms = round(1000 * (time.monotonic() - newest.seen.frame.monotonic))
        latest = {**describe(newest.seen), "age_ms": age_ms}
    return {
        "model": texts.model,
        "classes": len(hub.watcher.classifier.labels),
        "layers": list(hub.watcher.layers),
        "status": asdict(hub.watcher.status),
        "latest": latest,
        "viewers": len(hub.viewers),
        "kept": list(texts.kept),
    }


def _hello(hub: Hub, texts: PageTexts) -> dict[str, Any]:
    """What a page is told first."""
    watcher = hub.watcher
    card = watcher.classifier.card
    ranges = {one.name: (one.low, one.high) for one in card.ranges} if card else {}
    kinds = {one.name: one.layer for one in card.feature_maps} if card else {}
    outputs = watcher.classifier.loaded.session.outputs
    layers = [
        {
            "name": name,
            "layer": kinds.get(name, ""),
            "shape": list(outputs[name].shape[1:]),
            "range": ranges.get(name),
        }
        for name in watcher.layers
    ]
    return {
        "hello": {
            "model": texts.model,
            "labels": list(watcher.classifier.labels),
            "unknown": UNKNOWN,
            "layers": layers,
            "advice": texts.advice,
            "kept": list(texts.kept),
            "keeps": hub.keeper is not None,
            "methods": [{"name": name, "summary": METHODS[name].summary} for name in hub.reasons.methods],
            "limits": {"bytes": MOST_BYTES, "filters": MOST_FILTERS, "side": MOST_SIDE, "layers": MOST_LAYERS},
            "status": asdict(watcher.status),
        }
    }
