"""What a worker process does: run a model for another process, image after image, until that goes away."""

import contextlib
import json
import os
import signal
import socket
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from edgecnn.errors import EdgecnnError, EdgecnnWarning
from edgecnn.model_file.container import PackedModel
from edgecnn.native_output import set_verbose

from .child_process import PATIENCE, options_from_json, why_not_run
from .framing import NOTED, OK, REFUSED, receive, send
from .opening import open_session
from .process_state import ProcessState
from .run_options import RunOptions
from .runner import Runner
from .tensor_spec import TensorSpec


def serve(descriptor: str, request: str) -> None:
    """Receive a model, say what it is, and answer each input tensor with the output tensors.

    Args:
        descriptor: of a socket.
        request: JSON: the model's name, how it is to run, seconds after which this process is to be ended whatever it
            does, and whether native code may speak.
    """
    name, options_json, patience_s, verbose = json.loads(request)
    if verbose:
        set_verbose()
    options = options_from_json(options_json)
    channel = socket.socket(fileno=int(descriptor))
    # The parent may be killed while a library hangs: then nobody ends this process but the system.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(patience_s)
    with contextlib.suppress(EOFError, ConnectionError):
        try:
            _serve(channel, PackedModel(name, bytes(receive(channel)), None, None), options, patience_s)
        except EdgecnnError as error:
            send(channel, REFUSED, json.dumps([type(error).__name__, str(error)]).encode())
        except (RuntimeError, ValueError, MemoryError) as error:
            sentence = why_not_run(error, options.delegate, name)
            send(channel, REFUSED, json.dumps(["DelegateError", sentence]).encode())
    # Taking a runtime down may crash, and there is nobody to tell; what a library has started here ends with it.
    os.killpg(0, signal.SIGKILL)


def _serve(channel: socket.socket, model: PackedModel, options: RunOptions, patience_s: int) -> None:
    state = ProcessState(options.delegate.name if options.delegate else "the runtime", is_worker=True)
    with _noting(channel), state.kept():
        session = open_session(model, options)
        started = time.perf_counter()
        session.run(np.zeros(session.input.shape, session.input.dtype))
    slowest_s = time.perf_counter() - started
    outputs = list(session.outputs.values())
    described = {**_describe(session, outputs), "seconds": slowest_s}
    send(channel, OK, json.dumps(described).encode())
    while True:
        signal.alarm(0)
        data = receive(channel)
        signal.alarm(max(patience_s, round(2 * PATIENCE * slowest_s)))  # later than the parent would end it
        started = time.perf_counter()
        with _noting(channel), state.kept():
            session.run(np.frombuffer(data, session.input.dtype).reshape(session.input.shape))
        slowest_s = max(slowest_s, time.perf_counter() - started)
        send(channel, OK, *(np.ascontiguousarray(session.output(one)).tobytes() for one in outputs))


@contextlib.contextmanager
def _noting(channel: socket.socket) -> Iterator[None]:
    """Send warnings to the parent, ahead of the answer."""
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always", EdgecnnWarning)
        yield
    notes = [str(note.message) for note in noted if issubclass(note.category, EdgecnnWarning)]
    if notes:
        send(channel, NOTED, json.dumps(notes).encode())


def _describe(session: Runner, outputs: list[TensorSpec]) -> dict[str, Any]:
    """What the parent must know; a size that the file leaves open is what the first run made it."""
    return {
        "input": _to_json(session.input),
        "outputs": [_to_json(one) for one in outputs],
        "shapes": [session.output(one).shape for one in outputs],
        "runtime": session.runtime,
        "placement": asdict(session.placement()),
    }


def _to_json(tensor: TensorSpec) -> dict[str, Any]:
    return {**vars(tensor), "dtype": tensor.dtype.str}
