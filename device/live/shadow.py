"""A new model beside the one that answers: it sees the same frames, and only how often it agrees is told."""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgecnn.errors import DelegateError, InputError, ModelFileError
from edgecnn.model_file.container import PackedModel
from edgecnn.pixels.preprocessing import Invert

from ..runtime.child_process import child_command, end_with_its_own, options_to_json, start_with_socket
from ..runtime.framing import REFUSED, receive, send
from ..runtime.loading import read_packed
from ..runtime.run_options import RunOptions
from .observation import Observation
from .shadow_report import ShadowReport, ShadowTally
from .slot import Slot

_LOADING, _PATIENCE = 120.0, 20.0  # seconds until the process must have answered
_FINISHING = 3.0  # seconds, for the frame that it has in the end


class _EndedError(Exception):
    """The process is gone, or was ended; the message is a part of a sentence that says why."""


class _RefusedError(_EndedError):
    """It has said why itself, in a sentence."""


class Shadow:
    """Classifies frames of a watcher in a process of its own: a listener of the watcher.

    It never holds up the watcher: while it is busy, newer frames take the place of those that wait. Where it crashes or
    hangs, that is told and the watcher goes on.

    Attributes:
        name: of the model's file, or of a bundled model.
    """

    def __init__(
        self,
        model: str | Path,
        labels: Sequence[str],
        options: RunOptions,
        *,
        invert: Invert = "no",
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Load the model; its process lives until `close`.

        Args:
            model: path of a file, or name of a bundled model.
            labels: of the model that answers.
            options: how it is to run; what they say of a file without a card counts for such a file only.
            invert: as for `Classifier.classify`.
            tell: hears what a person should know, a sentence each, from another thread.

        Raises:
            InputError: it has other classes.
            ModelFileError: it cannot be loaded.
            DelegateError: no process can be started for it.
        """
        packed = read_packed(model)
        self.name = Path(model).name
        self._network_sha256 = packed.flatbuffer_sha256
        self._labels, self._tell, self._trouble = labels, tell, ""
        self._is_closing = False
        self._tally, self._lock = ShadowTally(), threading.Lock()
        self._slot: Slot[Observation] = Slot()
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = _start(theirs, self.name)
        try:
            self._load(model, packed, options, invert)
        except BaseException:
            self._end()
            raise
        self._thread = threading.Thread(target=self._work, name="edgecnn shadow", daemon=True)
        self._thread.start()

    def _load(self, model: str | Path, packed: PackedModel, options: RunOptions, invert: Invert) -> None:
        signers, said = options.require_signature, options.description
        request = {
            "model": str(model),
            "options": options_to_json(options),
            "trust": options.trust,
            "require_signature": signers and str(signers),
            "description": asdict(said) if said and packed.card is None else None,
            "invert": invert,
        }
        # It is tried, loaded and watched from outside, one after the other.
        patience_s = max(_LOADING, 3 * options.delegate.timeout_s) if options.delegate else _LOADING
        try:
            described = self._ask(patience_s, json.dumps(request).encode())
        except _RefusedError as error:
            raise ModelFileError(str(error)) from None
        except _EndedError as error:
            raise ModelFileError(f"{self.name} cannot be the shadow: it {error}") from None
        for note in described["notes"]:
            self._tell(f"the shadow: {note}")
        theirs = tuple(described["labels"])
        if theirs != tuple(self._labels):
            raise InputError(
                f"{self.name} cannot be the shadow: its classes are not those of the model that answers, in that order"
                f"{_difference(self._labels, theirs)}"
            )

    def __call__(self, seen: Observation) -> None:
        """Lay a frame down for it, at once; one that still waits makes way."""
        if not self._trouble:
            self._slot.put(seen)

    def report(self) -> ShadowReport:
        """What has been seen of it so far; from any thread."""
        with self._lock:
            return self._tally.report(self.name, self._network_sha256, self._slot.dropped, self._trouble)

    def words(self) -> str:
        """The same in a few words, for a line of status."""
        with self._lock:
            frames, agreeing = self._tally.frames, self._tally.agreeing
        if self._trouble:
            return f"the shadow has ended: {self._trouble}"
        if not frames:
            return f"the shadow {self.name} has seen no frame yet"
        return f"the shadow {self.name} agrees on {agreeing / frames:.1%} of {frames:,} frames"

    def finish(self) -> None:
        """Wait, for a few seconds at most, until it is done with the frames that it was given; it gets no more."""
        self._slot.close()
        self._thread.join(_FINISHING)

    def close(self) -> None:
        """End its process."""
        self.finish()
        self._is_closing = True
        self._end()
        self._thread.join()

    def _work(self) -> None:
        while (seen := self._slot.take()) is not None:
            crop = json.dumps(seen.prepared.crop and list(seen.prepared.crop)).encode()
            try:
                best, latency_ms, notes = self._ask(_PATIENCE, crop, seen.frame.data)
            except _EndedError as error:
                if not self._is_closing:
                    self._fail(f"fails: {error}" if isinstance(error, _RefusedError) else str(error))
                return
            for note in notes:
                self._tell(f"the shadow: {note}")
            label = None if best is None else self._labels[int(best)]
            with self._lock:
                self._tally.add(seen.predictions[0].label, label, seen.latency_ms, latency_ms)

    def _fail(self, reason: str) -> None:
        with self._lock:
            self._trouble = f"{self.name} {reason}"
        self._tell(f"{self.words()}, after {self._tally.frames:,} frames; the model that answers goes on")
        self._end()

    def _ask(self, patience_s: float, *messages: bytes) -> Any:
        self._channel.settimeout(patience_s)
        try:
            for message in messages:
                send(self._channel, message)
            answer = bytes(receive(self._channel))
        except TimeoutError:
            raise _EndedError(f"hangs: it gave no answer within {patience_s:g} s") from None
        except (OSError, EOFError):
            raise _EndedError(f"ended its process ({self._how_it_ended()})") from None
        if answer[:1] == REFUSED:
            raise _RefusedError(answer[1:].decode())
        return json.loads(answer[1:])

    def _how_it_ended(self) -> str:
        import signal

        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "it answers no more"
        return f"{signal.strsignal(-code)}" if code < 0 else f"exit code {code}"

    def _end(self) -> None:
        end_with_its_own(self._process)
        self._channel.close()


def _start(theirs: socket.socket, name: str) -> "subprocess.Popen[bytes]":
    if os.name != "posix":
        raise DelegateError(f"{name} cannot run in a process of its own on this system; leave out --shadow")
    program = Path(__file__).with_name("shadow_child.py")
    return start_with_socket(child_command(program, str(theirs.fileno())), theirs, name)


def _difference(labels: Sequence[str], others: Sequence[str]) -> str:
    if sorted(labels) == sorted(others):
        return ": they are in another order"
    missing = [label for label in labels if label not in others]
    extra = [label for label in others if label not in labels]
    parts = [f"it lacks {', '.join(missing[:3])}"] * bool(missing) + [f"it has {', '.join(extra[:3])}"] * bool(extra)
    return f": {' and '.join(parts)}" if parts else ""
