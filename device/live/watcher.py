"""The loop of `edgecnn live`: newest frame, what the model makes of it, and who wants to know."""

import threading
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from edgecnn.arguments import require_count
from edgecnn.arrays import Pixels
from edgecnn.errors import InputError
from edgecnn.pixels.crop import Crop, CropError
from edgecnn.pixels.preprocessing import Invert

from ..drift import Drift
from ..map_reader import MapReader
from .frames import Frame
from .observation import Change, Observation, Status
from .reader import FrameReader
from .sources.opening import open_source
from .sources.source import SourceSettings
from .steady import Steady, Verdict

if TYPE_CHECKING:
    from ..classifier import Classifier
    from .shadow import Shadow

_PATIENCE = 0.2  # seconds in which a stop is noticed where no frame comes
_MOST_NOTES = 20  # about single frames
_BETWEEN_DRIFTS = 0.5  # seconds: a look at all feature maps costs more than a classification


class Watcher:
    """Classifies the frames of a source, the newest each time, until it ends or is stopped.

        watcher = Watcher(Classifier("fashion-mnist"), "samples")
        watcher.listeners.append(lambda seen: print(seen.predictions[0].label))
        watcher.run()

    `run` may have a thread of its own; every other member may be used from any thread meanwhile. An observation is
    never changed once it was made.

    Attributes:
        classifier: the model.
        layers: names of the feature maps that it gives, in network order; empty for a plain model.
        crop: what of each frame the model is shown; may be set at any time, and counts from the next frame on.
        wanted_maps: layers whose feature maps observations hold, as `want_maps` has it. None costs nothing.
        listeners: are told each observation, in the thread of `run`: they must be quick.
        change_listeners: are told each change of the steady answer, likewise.
        notes: are told what a person should know, a sentence each.
        latest: the newest observation; None before the first.
        shadow: the model that runs beside this one, if one does; it is one of `listeners`.
    """

    def __init__(
        self,
        classifier: "Classifier",
        source: str,
        settings: SourceSettings | None = None,
        *,
        crop: Crop | None = "square",
        invert: Invert = "no",
        steady: Steady | None = None,
        top: int = 5,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Find the source; it is opened by `run`.

        Args:
            classifier: a loaded model.
            source: see `edgecnn.device.live.sources.opening.open_source`.
            settings: how it is opened.
            crop: `square` for the largest in the middle, (left, top, width, height) in pixels, or None for all.
            invert: as for `Classifier.classify`.
            steady: how the answer is steadied.
            top: how many classes an observation names.
            tell: hears what a person should know, a sentence each.

        Raises:
            InputError: there is no such source, or `top` is below 1.
            MissingExtraError: the source needs what is not installed.
        """
        self.notes: list[Callable[[str], None]] = [tell]
        self.source = open_source(source, settings, self._hear)
        self.classifier, self.wanted_maps = classifier, frozenset[str]()
        self.crop: Crop | None = crop
        self.listeners: list[Callable[[Observation], None]] = []
        self.change_listeners: list[Callable[[Change], None]] = []
        self.latest: Observation | None = None
        self.shadow: Shadow | None = None
        self._invert: Invert = invert
        self._top, self._steady = min(require_count(top, "top"), len(classifier.labels)), steady or Steady()
        self._maps = MapReader(classifier.loaded, classifier.audit)
        self.layers = self._maps.layers
        self._watch = classifier.watch() if classifier.card and classifier.card.ranges else None
        self._drift: tuple[Drift, ...] = ()
        self._next_drift, self._said = 0.0, set[str]()
        self._previous: str | None = None
        self._reader: FrameReader | None = None
        self._stopped, self._finished = threading.Event(), threading.Event()
        self._frames, self._trouble = 0, ""
        self._unreadable, self._unreadable_in_a_row = 0, 0

    def run(self, frames: int | None = None) -> None:
        """Watch until the source ends, `stop` is called, or `frames` were classified.

        Raises:
            EdgecnnError: the source failed, or the model did.
            ContradictionError: an audit finds that the delegate lies.
        """
        self._reader = reader = FrameReader(self.source)
        try:
            while not self._stopped.is_set() and (frames is None or self._frames < frames):
                frame = reader.take(_PATIENCE)
                if frame is not None:
                    self._observe(frame)
                elif reader.is_finished:
                    reader.raise_failure()
                    break
                elif self._trouble:
                    self._change(self._steady.lose(time.time()))
            if self.classifier.audit is not None:
                self.classifier.audit.finish()
        finally:
            reader.close()
            self._finished.set()

    def stop(self) -> None:
        """From any thread, or a handler of a signal: let `run` return, within a second."""
        self._stopped.set()
        self.source.close()

    def want_maps(self, layers: Collection[str]) -> None:
        """Have the feature maps of `layers` in observations from the next frame on.

        Raises:
            InputError: the model has no such layer.
        """
        unknown = sorted(set(layers) - set(self.layers))
        if unknown:
            raise InputError(f"the model gives no feature maps called {', '.join(unknown)}")
        self.wanted_maps = frozenset(layers)

    @property
    def status(self) -> Status:
        """How it is doing now."""
        dropped = self._reader.dropped if self._reader else 0
        damaged = self.source.damaged + self._unreadable
        running = self._reader is not None and not self._finished.is_set()
        shadow = self.shadow.words() if self.shadow else ""
        return Status(self.source.title, self._frames, dropped, damaged, self._trouble, running, shadow)

    def _hear(self, sentence: str) -> None:
        """What a camera says is trouble until its next frame; of a folder's files, one may be unreadable."""
        if self.source.is_live:
            self._trouble = sentence
        self.tell(sentence)

    def tell(self, sentence: str) -> None:
        """Have all of `notes` hear a sentence."""
        for tell in self.notes:
            tell(sentence)

    def _note_once(self, kind: str, sentence: str) -> None:
        """Say what is odd about a frame; about those behind it, it is most often the same."""
        if kind not in self._said and len(self._said) < _MOST_NOTES:
            self._said.add(kind)
            self.tell(sentence)

    def _observe(self, frame: Frame) -> None:
        started = time.perf_counter()
        try:
            prepared = self.classifier.prepare(frame.image, self._invert, crop=self.crop)
        except InputError as error:
            if isinstance(error, CropError) and not self._frames:
                raise  # as it was asked for, none will be classified
            self._pass_over(frame, str(error))
            return
        self._trouble, self._unreadable_in_a_row = "", 0
        self._frames += 1
        if prepared.note:
            self._note_once(prepared.note, f"Note: {frame.name}: {prepared.note}")
        predictions = self.classifier.rank(prepared.pixels, self._top)
        latency_ms = 1000 * (time.perf_counter() - started)
        maps = self._maps.read(prepared.pixels, self.wanted_maps)
        verdict = self._steady.add(predictions[0], frame.time, frame.number)
        self._look_for_drift(prepared.pixels, verdict is not None)
        self.latest = seen = Observation(
            frame,
            prepared,
            predictions,
            self._steady.verdict,
            verdict is not None,
            self._drift,
            maps,
            time.monotonic(),
            latency_ms,
        )
        for listener in self.listeners:
            listener(seen)
        self._change(verdict)

    def _pass_over(self, frame: Frame, reason: str) -> None:
        """A frame that is no image. Several in a row are no better than none: an old answer must not stand for them."""
        self._unreadable += 1
        self._unreadable_in_a_row += 1
        self._note_once("unreadable", f"{reason}; it is passed over, as others like it will be")
        if self._unreadable_in_a_row >= self._steady.consecutive:
            self._trouble = reason
            self._change(self._steady.lose(frame.time))

    def _look_for_drift(self, pixels: Pixels, at_once: bool) -> None:
        now = time.monotonic()
        if self._watch and (at_once or now >= self._next_drift):
            self._drift, self._next_drift = self._watch.look(pixels), now + _BETWEEN_DRIFTS

    def _change(self, verdict: Verdict | None) -> None:
        if verdict is None:
            return
        drift = () if verdict.reason == "source lost" else tuple(map(str, self._drift))
        change, self._previous = Change(verdict, self._previous, drift), verdict.label
        for listener in self.change_listeners:
            listener(change)
