"""Why the network says so: explains frames to viewers, one at a time, while the others go on."""

import asyncio
import base64
import dataclasses
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from edgecnn.errors import EdgecnnError

from ...explaining.methods import METHODS, prepare
from ...prediction import Prediction
from ...runtime.loaded_model import LoadedModel
from ...runtime.opening import open_beside
from ..observation import Observation
from .requests import Why

if TYPE_CHECKING:
    from ...explaining.explanation import Explanation
    from ...runtime.audit import Audit

MOST_SIDE = 224  # of a heat map that is sent
_BETWEEN = 0.5  # seconds, from the beginning of one explanation to that of the next
_BETWEEN_TOLD = 0.2  # seconds, from one word about progress to the next
_NICENESS = 15


class _CancelledError(Exception):
    """Nobody waits for the explanation any more."""


@dataclass(frozen=True)
class Asked:
    """An explanation that is being made.

    Attributes:
        cancelled: set this, and it ends before the network runs again.
        task: ends when it was told.
    """

    cancelled: threading.Event
    task: "asyncio.Task[None]"


class Reasons:
    """Explains frames in a thread and a session of its own; lives in the event loop's thread."""

    def __init__(self, loaded: LoadedModel, audit: "Audit | None" = None) -> None:
        """Of a loaded model; what explaining needs is made when somebody asks first. `audit` is shown its images."""
        self._loaded, self._audit = loaded, audit
        self._worker = ThreadPoolExecutor(1, "edgecnn explains", _step_back)
        self._asked: Asked | None = None
        self._next = 0.0

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """Those that can explain this network."""
        return tuple(name for name in METHODS if _can_explain(name, self._loaded))

    @cached_property
    def _own(self) -> LoadedModel:
        """The model in another session: the watcher never waits for one of ours."""
        return dataclasses.replace(self._loaded, session=open_beside(self._loaded.session, self._loaded.packed))

    @property
    def is_busy(self) -> bool:
        """Whether an explanation is being made that somebody waits for."""
        return self._asked is not None and not self._asked.task.done() and not self._asked.cancelled.is_set()

    def start(self, seen: Observation, why: Why, say: Callable[[dict[str, Any]], None]) -> Asked:
        """Explain a frame beside all else.

        Args:
            seen: the frame.
            why: what is asked of it.
            say: hears, in the event loop's thread, how far it is, and at the end the explanation or why there is none.
        """
        cancelled = threading.Event()
        self._asked = Asked(cancelled, asyncio.create_task(self._explain(seen, why, say, cancelled)))
        return self._asked

    async def _explain(
        self, seen: Observation, why: Why, say: Callable[[dict[str, Any]], None], cancelled: threading.Event
    ) -> None:
        loop, about = asyncio.get_running_loop(), {"frame": why.frame, "method": why.method}

        def tell(done: int, runs: int) -> None:
            loop.call_soon_threadsafe(say, {"progress": {**about, "done": done, "of": runs}})

        try:
            explanation = await loop.run_in_executor(self._worker, self._make, seen, why, tell, cancelled)
            answer = describe_explanation(explanation) if explanation else {"failed": "it was cancelled"}
        except EdgecnnError as error:
            answer = {"failed": str(error)}
        except Exception as error:  # whatever it is, somebody waits for a word
            answer = {"failed": f"it does not run ({str(error) or type(error).__name__})"}
        say({"why": {**about, **answer}})

    def _make(
        self, seen: Observation, why: Why, tell: Callable[[int, int], None], cancelled: threading.Event
    ) -> "Explanation | None":
        """In the worker's thread; None if it was cancelled."""
        from ...explaining.explainer import Explainer

        if cancelled.wait(max(0.0, self._next - time.monotonic())):
            return None
        self._next = time.monotonic() + _BETWEEN
        explainer = Explainer(self._own, why.method, self._audit)
        told, done = time.monotonic(), 0

        def on_run() -> None:
            nonlocal told, done
            if cancelled.is_set():
                raise _CancelledError
            done += 1
            if time.monotonic() - told > _BETWEEN_TOLD:
                told = time.monotonic()
                tell(done, explainer.invokes)

        label = None if why.label is None else self._own.labels[why.label]
        try:
            return explainer.explain_pixels(seen.prepared.pixels, label, on_run=on_run)
        except _CancelledError:
            return None

    async def close(self) -> None:
        """Explain nothing any more."""
        if self._asked:
            self._asked.cancelled.set()
            await asyncio.gather(self._asked.task, return_exceptions=True)
        self._worker.shutdown()


def describe_explanation(explanation: "Explanation") -> dict[str, Any]:
    """An explanation for JSON; its heat map is float32, little-endian, row by row, as base64."""
    stride = max(1, -(-max(explanation.heat_map.shape) // MOST_SIDE))
    heat = np.ascontiguousarray(explanation.heat_map[::stride, ::stride], "<f4")
    return {
        "target": _describe(explanation.target),
        "predicted": _describe(explanation.predicted),
        "unit": explanation.unit,
        "heat": {"shape": list(heat.shape), "stride": stride, "values": base64.b64encode(heat.tobytes()).decode()},
        "scores": [dataclasses.asdict(score) for score in explanation.scores],
        "doubts": list(explanation.doubts),
        "runs": explanation.invokes,
        "seconds": round(explanation.seconds, 3),
    }


def _describe(prediction: Prediction) -> dict[str, Any]:
    return {"label": prediction.label, "index": prediction.index, "score": round(prediction.score, 6)}


def _can_explain(method: str, loaded: LoadedModel) -> bool:
    try:
        prepare(method, loaded)
    except EdgecnnError:
        return False
    return True


def _step_back() -> None:
    """Let the frames go first; only Linux gives a thread a niceness of its own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
