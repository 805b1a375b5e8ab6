"""What the process of a shadow does: classify frames for another process, until that goes away."""

import contextlib
import json
import os
import signal
import socket
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from edgecnn.errors import EdgecnnError, EdgecnnWarning, InputError
from edgecnn.pixels.image_files import EncodedImage

from ..classifier import Classifier
from ..runtime.child_process import options_from_json
from ..runtime.description import Description
from ..runtime.framing import OK, REFUSED, receive, send

_NICE = 5  # the model that answers has the processor first


def serve(descriptor: int) -> None:
    """Load the model that is named in the first message; answer each pair of question and frame that follows.

    Args:
        descriptor: of a socket.
    """
    channel = socket.socket(fileno=descriptor)
    os.nice(_NICE)
    with contextlib.suppress(EOFError, ConnectionError):
        try:
            _serve(channel)
        except EdgecnnError as error:
            send(channel, REFUSED, str(error).encode(errors="backslashreplace"))
        except (RuntimeError, ValueError, MemoryError) as error:
            send(channel, REFUSED, f"it does not run ({error or type(error).__name__})".encode())
    # Taking a runtime down may crash, and there is nobody to tell; what a library has started here ends with it.
    os.killpg(0, signal.SIGKILL)


def _serve(channel: socket.socket) -> None:
    request = json.loads(bytes(receive(channel)))
    classifier, notes = _load(request)
    described = {"labels": classifier.labels, "runtime": classifier.runtime, "notes": notes}
    send(channel, OK, json.dumps(described).encode())
    while True:
        crop = json.loads(bytes(receive(channel)))
        image = EncodedImage(bytes(receive(channel)))
        started = time.perf_counter()
        best: int | None = None
        with _noted() as notes, contextlib.suppress(InputError):  # it may need more of the picture than there is
            prepared = classifier.prepare(image, request["invert"], crop=crop and tuple(crop))
            best = classifier.rank(prepared.pixels)[0].index
        send(channel, OK, json.dumps([best, 1000 * (time.perf_counter() - started), notes]).encode())


def _load(request: dict[str, Any]) -> tuple[Classifier, list[str]]:
    """The model, and what is odd about it."""
    description = Description(**request["description"]) if request["description"] else None
    options = replace(
        options_from_json(request["options"]),
        trust=request["trust"],
        require_signature=request["require_signature"],
        description=description,
    )
    with _noted() as notes:
        classifier = Classifier.with_options(request["model"], options)
    return classifier, notes


@contextlib.contextmanager
def _noted() -> Iterator[list[str]]:
    """What the block warns of, once it has ended."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always", EdgecnnWarning)
        yield notes
    notes += [str(note.message) for note in noted if issubclass(note.category, EdgecnnWarning)]
