"""Those who look: each asks for a frame and gets the newest, so that none is behind and none is waited for."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from edgecnn.errors import EdgecnnError
from edgecnn.pixels.crop import Crop, region_of
from edgecnn.pixels.modes import background_level

from ..keeping import Keeper, folder_names
from ..observation import Observation
from ..watcher import Watcher
from .messages import FrameMessages
from .reasons import Asked, Reasons
from .requests import Cancel, Keep, MapRequest, Next, SetCrop, Why, parse_request

MOST_VIEWERS = 16
MOST_ASKED = 2  # frames that a viewer may have asked for at a time; two hide the way there and back
_REMEMBERED = 3  # frames that a viewer was sent and may still have kept
_SLOWEST = 30.0  # seconds in which a viewer must have taken what it asked for: one that does not makes room
_PATIENCE = 1.0  # seconds without a frame, after which a viewer is told how the source is


class Hub:
    """Gives the newest frame to all viewers; lives in the event loop's thread.

    Attributes:
        watcher: what makes the observations.
        newest: messages of the newest frame; None before the first.
        viewers: who looks now.
        reasons: explains frames to them.
    """

    def __init__(self, watcher: Watcher, keeper: Keeper | None) -> None:
        """Of `watcher`; with what keeps chosen frames, if anything does."""
        self.watcher = watcher
        self.newest: FrameMessages | None = None
        self.viewers: set[Viewer] = set()
        self.keeper, self.folders = keeper, folder_names(watcher.classifier.labels)
        self.reasons = Reasons(watcher.classifier.loaded, watcher.classifier.audit)
        self._came = asyncio.Event()

    def publish(self, seen: Observation) -> None:
        """A new frame: whoever waits for one gets it."""
        background = background_level(self.watcher.classifier.input, seen.prepared.inverted)
        self.newest = FrameMessages(seen, self.watcher.status, self.watcher.layers, background)
        self._came.set()
        self._came = asyncio.Event()

    async def wait_for_frame(self, timeout: float) -> None:
        """Return when one comes, or after `timeout` seconds."""
        with anyio.move_on_after(timeout):  # asyncio.wait_for may lose a cancellation before Python 3.12
            await self._came.wait()

    def want_maps(self) -> None:
        """Have the watcher give what any viewer wants, and no more."""
        layers = self.watcher.layers
        wanted = {one.layer for viewer in self.viewers for one in viewer.maps}
        self.watcher.want_maps([layers[layer] for layer in wanted if layer < len(layers)])

    def tell(self, sentence: str) -> None:
        """Let every viewer read a sentence; one that does not read gets none of the next ones."""
        for viewer in self.viewers:
            viewer.tell(sentence)

    async def serve(self, socket: WebSocket, hello: Callable[[], dict[str, Any]]) -> None:
        """Serve one viewer until it leaves."""
        await socket.accept()
        if len(self.viewers) >= MOST_VIEWERS:
            await socket.close(1013, f"{MOST_VIEWERS} viewers look already")
            return
        viewer = Viewer(self, socket)
        self.viewers.add(viewer)
        try:
            await viewer.run(hello())
        finally:
            self.viewers.discard(viewer)
            self.want_maps()


class Viewer:
    """One open page.

    Attributes:
        maps: what it asked for last.
    """

    def __init__(self, hub: Hub, socket: WebSocket) -> None:
        """Of `hub`, through `socket`, which was accepted."""
        self.maps: tuple[MapRequest, ...] = ()
        self._hub, self._socket = hub, socket
        self._asked, self._has_asked = 0, asyncio.Event()
        self._sent: dict[int, Observation] = {}
        self._texts: list[str] = []
        self._why: Asked | None = None

    async def run(self, hello: dict[str, Any]) -> None:
        """Greet it, then hear and send until it leaves or says what no page of ours says."""
        sender = asyncio.create_task(self._send(hello))
        hearer = asyncio.create_task(self._hear())
        try:
            await asyncio.wait({sender, hearer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if self._why:
                self._why.cancelled.set()
            for task in (sender, hearer):
                task.cancel()
            results = await asyncio.gather(sender, hearer, return_exceptions=True)
        for result in results:
            if isinstance(result, ValueError) and self._socket.application_state is WebSocketState.CONNECTED:
                with contextlib.suppress(RuntimeError, WebSocketDisconnect, OSError), anyio.move_on_after(1):
                    await self._socket.close(1008, "not what the page sends")

    def tell(self, sentence: str) -> None:
        """A sentence to be read, with what is sent next."""
        self._say({"note": sentence})

    def _say(self, message: dict[str, Any]) -> None:
        if "progress" in message and self._texts:
            return  # to one that is behind, what matters comes first
        if len(self._texts) < MOST_ASKED * 10:
            self._texts.append(json.dumps(message))
        self._has_asked.set()

    async def _hear(self) -> None:
        while (message := await self._socket.receive())["type"] != "websocket.disconnect":
            text = message.get("text")
            if not isinstance(text, str):
                raise ValueError("bytes")
            match parse_request(text):
                case Next(maps):
                    self._ask(maps)
                case SetCrop(crop):
                    self._set_crop(crop)
                case Keep(frame, label):
                    await self._keep(frame, label)
                case Why() as why:
                    self._explain(why)
                case Cancel() if self._why:
                    self._why.cancelled.set()

    def _ask(self, maps: tuple[MapRequest, ...]) -> None:
        if self._asked >= MOST_ASKED:
            raise ValueError("too many frames asked for")
        if maps != self.maps:
            self.maps = maps
            self._hub.want_maps()
        self._asked += 1
        self._has_asked.set()

    def _set_crop(self, crop: Crop | None) -> None:
        newest = self._hub.newest
        if crop is not None and crop != "square":
            if newest is None:
                self.tell("a box can be chosen when there is a frame")
                return
            prepared = newest.seen.prepared
            try:
                region_of(crop, prepared.width, prepared.height)
            except EdgecnnError as error:
                self.tell(str(error))
                return
        self._hub.watcher.crop = crop

    async def _keep(self, frame: int, label: int) -> None:
        hub, seen = self._hub, self._sent.get(frame)
        if hub.keeper is None:
            self.tell("nothing is kept; start edgecnn live with --keep chosen=DIR to keep frames")
        elif label >= len(hub.folders):
            raise ValueError("no such class")
        elif seen is None:
            self.tell(f"frame {frame} is gone; of those that were sent, only the last {_REMEMBERED} can be kept")
        else:
            try:
                path = await asyncio.to_thread(hub.keeper.keep, seen, hub.folders[label])
                self.tell(f"kept as {path.parent.name}/{path.name}")
            except EdgecnnError as error:
                self.tell(str(error))

    def _explain(self, why: Why) -> None:
        hub, seen = self._hub, self._sent.get(why.frame)
        if why.label is not None and why.label >= len(hub.folders):
            raise ValueError("no such class")
        if why.method not in hub.reasons.methods:
            failed = f"{why.method} cannot explain this network; what can is {', '.join(hub.reasons.methods)}"
        elif seen is None:
            failed = f"frame {why.frame} is gone; of those that were sent, only the last {_REMEMBERED} can be explained"
        elif hub.reasons.is_busy:
            failed = "another explanation is being made; try again when it is there"
        else:
            self._why = hub.reasons.start(seen, why, self._say)
            return
        self._say({"why": {"frame": why.frame, "method": why.method, "failed": failed}})

    async def _send(self, hello: dict[str, Any]) -> None:
        await self._socket.send_text(json.dumps(hello))
        last: FrameMessages | None = None
        while True:
            await self._has_asked.wait()
            self._has_asked.clear()
            while self._texts:
                await self._socket.send_text(self._texts.pop(0))
            while self._asked:
                newest = self._hub.newest
                if newest is not None and newest is not last:
                    last = newest
                    self._remember(newest.seen)
                    with anyio.fail_after(_SLOWEST):
                        await self._socket.send_bytes(newest.message(self.maps))
                    self._asked -= 1
                else:
                    await self._hub.wait_for_frame(_PATIENCE)
                    if self._hub.newest is last:
                        await self._socket.send_text(json.dumps({"status": asdict(self._hub.watcher.status)}))
                while self._texts:
                    await self._socket.send_text(self._texts.pop(0))

    def _remember(self, seen: Observation) -> None:
        self._sent[seen.frame.number] = seen
        while len(self._sent) > _REMEMBERED:
            del self._sent[next(iter(self._sent))]
