"""A process of its own that runs a model: what is sent to it, and what is made of its silence."""

import json
import math
import select
import socket
import subprocess
import sys
import threading
import time
import warnings
import weakref
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from edgecnn import errors
from edgecnn.errors import DelegateError, EdgecnnWarning
from edgecnn.model_file.container import PackedModel
from edgecnn.native_output import is_verbose
from edgecnn.printable import printable

from . import framing
from .accelerators import TIMEOUT_S
from .child_process import CHILD, PATIENCE, Blame, child_command, end_with_its_own, options_to_json, start_with_socket
from .forking import never_release
from .placement import DelegatePlacement
from .run_options import RunOptions
from .tensor_spec import TensorSpec

_MOST_WORDS = 1 << 24  # bytes of a description, of notes or of a refusal
LEAST_PATIENCE_S = 10.0
_GLANCE_S = 0.2  # between two looks whether a process that says nothing is still there


class WorkerLostError(DelegateError):
    """The process has ended, or was ended because it gave no result; a new one may do better."""


class Worker:
    """A process that has loaded a model.

    Attributes:
        input: the model's one input tensor.
        outputs: its output tensors by signature name.
        runtime: name and version of what runs it there.
        placement: which operators the delegate computes.
    """

    def __init__(self, model: PackedModel, options: RunOptions, blame: Blame, folder: str) -> None:
        """Start the process and let it load `model` and run it once.

        Args:
            model: a file that has been read and checked.
            options: how it is to run there.
            blame: what is said where the process ends.
            folder: the working folder of the process.

        Raises:
            DelegateError: the delegate or the runtime refuses, or the process ends (`WorkerLostError`).
            ModelFileError: the runtime refuses the model.
        """
        if not hasattr(select, "poll"):  # on Windows, where no process inherits a socket either
            raise DelegateError(f"{model.name} cannot run in a process of its own on this system; add --no-isolate")
        # 0 until the model is loaded.
        self._blame, self._slowest_s, self._answer_bytes = blame, 0.0, 0
        self._channel, theirs = socket.socketpair()
        self._waiting = select.poll()
        self._waiting.register(self._channel, select.POLLIN)
        with theirs:
            self._process = _start(theirs, model.name, options, folder)
        listening = _listen(self._process)
        self._finalizer = weakref.finalize(self, _end, self._process, self._channel, listening)
        described = json.loads(bytes(self._ask(_timeout_of(options), model.flatbuffer)))
        self.input = _tensor(described["input"])
        self.outputs = {one["name"]: _tensor(one) for one in described["outputs"]}
        self.runtime = str(described["runtime"])
        partitions = tuple(tuple(names) for names in described["placement"].pop("partitions"))
        left = tuple(described["placement"].pop("on_cpu"))
        self.placement = DelegatePlacement(**described["placement"], partitions=partitions, on_cpu=left)
        self._shapes = [tuple(shape) for shape in described["shapes"]]
        sizes = (int(np.prod(shape, dtype=np.int64)) for shape in self._shapes)
        self._answer_bytes = sum(
            size * one.dtype.itemsize for size, one in zip(sizes, self.outputs.values(), strict=True)
        )
        self._slowest_s = float(described["seconds"])

    def run(self, tensor: npt.NDArray[np.generic]) -> dict[str, npt.NDArray[Any]]:
        """The outputs by name for `tensor`, without the batch dimension, in their own dtypes.

        Raises:
            WorkerLostError: the process gives none, and has been ended.
        """
        started = time.perf_counter()
        patience_s = max(LEAST_PATIENCE_S, PATIENCE * self._slowest_s)
        answer = self._ask(patience_s, np.ascontiguousarray(tensor).tobytes())
        if len(answer) != self._answer_bytes:
            raise self._garbled()
        self._slowest_s = max(self._slowest_s, time.perf_counter() - started)
        values, place = {}, 0
        for (name, spec), shape in zip(self.outputs.items(), self._shapes, strict=True):
            count = int(np.prod(shape, dtype=np.int64))
            values[name] = np.frombuffer(answer, spec.dtype, count, place).reshape(shape)
            place += count * spec.dtype.itemsize
        return values

    def _ask(self, patience_s: float, message: bytes | memoryview) -> memoryview:
        """What the process answers; where it does not, it is ended."""
        self._channel.settimeout(patience_s)
        try:
            framing.send(self._channel, message)
            while (answer := self._receive(patience_s))[:1] == framing.NOTED:
                for note in json.loads(bytes(answer[1:])):
                    warnings.warn(str(note), EdgecnnWarning, stacklevel=6)
        except (framing.GarbledError, ValueError):  # ValueError: no JSON
            raise self._garbled() from None
        except (OSError, EOFError) as error:
            is_late = isinstance(error, TimeoutError)
            returncode = self._process.poll() if is_late else _await_end(self._process)
            self.close()
            raise WorkerLostError(self._blame.why_ended(returncode, patience_s)) from None
        except BaseException:  # an interrupt between question and answer: the next answer would be of this question
            self.close()
            raise
        if answer[:1] == framing.REFUSED:
            self.close()
            kind, sentence = json.loads(bytes(answer[1:]))
            # A refusal to load is final; one of a run may pass.
            raise (WorkerLostError if self._slowest_s else getattr(errors, kind))(sentence)
        if answer[:1] != framing.OK:
            raise self._garbled()
        return answer[1:]

    def _receive(self, patience_s: float) -> memoryview:
        """The next message; what the library has started may hold the channel open when the process has ended."""
        deadline = time.monotonic() + patience_s
        while not self._waiting.poll(1000 * _GLANCE_S):
            if self._process.poll() is not None and not self._waiting.poll(0):
                raise EOFError("the process has ended")
            if time.monotonic() > deadline:
                raise TimeoutError
        return memoryview(framing.receive(self._channel, max(_MOST_WORDS, 1 + self._answer_bytes)))

    def _garbled(self) -> WorkerLostError:
        """End the process, whose next words would be as little to be trusted."""
        self.close()
        return WorkerLostError(self._blame.garbles)

    def close(self) -> None:
        """End the process."""
        self._finalizer()

    def abandon(self) -> None:
        """In a forked child: leave the process to the parent."""
        self._finalizer.detach()
        self._channel.close()
        never_release(self._process)


def _timeout_of(options: RunOptions) -> float:
    return options.delegate.timeout_s if options.delegate else TIMEOUT_S


def _start(theirs: socket.socket, name: str, options: RunOptions, folder: str) -> "subprocess.Popen[bytes]":
    patience_s = math.ceil(2 * _timeout_of(options))
    request = json.dumps([name, options_to_json(options), patience_s, is_verbose()])
    command = child_command(CHILD, "serve", str(theirs.fileno()), request)
    return start_with_socket(command, theirs, name, folder, is_heard=is_verbose())


def _listen(process: "subprocess.Popen[bytes]") -> threading.Thread | None:
    """Have what native code writes shown, with --verbose."""
    if process.stderr is None:
        return None
    listening = threading.Thread(target=_pass_on, args=(process.stderr,), daemon=True)
    listening.start()
    return listening


def _pass_on(stream: IO[bytes]) -> None:
    """Show it; it must not steer the terminal."""
    with stream:
        for line in stream:
            print(printable(line.decode(errors="replace").rstrip("\n")), file=sys.stderr)


def _await_end(process: "subprocess.Popen[bytes]") -> int | None:
    """The exit code of a process that has closed its channel; None if it goes on without it."""
    try:
        return process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return None


def _end(process: "subprocess.Popen[bytes]", channel: socket.socket, listening: threading.Thread | None) -> None:
    channel.close()
    end_with_its_own(process)
    if listening is not None:
        listening.join(1)  # what was written last is shown, too


def _tensor(described: dict[str, Any]) -> TensorSpec:
    return TensorSpec(**{**described, "shape": tuple(described["shape"]), "dtype": np.dtype(described["dtype"])})
