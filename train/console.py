"""Training progress on a terminal: one live line, and one line that stays for each epoch."""

import sys
import time
from typing import TextIO

from .run import Epoch

_REFRESH_S = 0.2


class Silent:
    """Says nothing; see `edgecnn.train.keeper.Progress`."""

    def start(self, device: str, parameters: int, steps: int, epochs: int) -> None:
        """Ignore it."""

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        """Ignore it."""

    def finish_epoch(self, epoch: Epoch) -> None:
        """Ignore it."""


class Live:
    """Writes to `stream` (standard error): where it is a terminal the running epoch is shown live."""

    def __init__(self, batch_size: int, stream: TextIO | None = None) -> None:
        self._stream, self._batch_size = stream or sys.stderr, batch_size
        self._live = self._stream.isatty()
        self._shown = self._epoch_started = 0.0
        self._steps = self._epochs = 0

    def start(self, device: str, parameters: int, steps: int, epochs: int) -> None:
        """Say what trains what."""
        self._steps, self._epochs = steps, epochs
        print(f"training {parameters:,} parameters on {device}, {steps} steps an epoch", file=self._stream, flush=True)

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        """Refresh the live line, five times a second at most."""
        now = time.monotonic()
        if step == 1:
            self._epoch_started = now
        if not self._live or now - self._shown < _REFRESH_S:
            return
        self._shown = now
        rate = (step - 1) / (now - self._epoch_started) if step > 1 else 0.0
        left = f"{(self._steps - step) / rate:.0f} s left" if rate else ""
        bar = ("#" * (20 * step // self._steps)).ljust(20, ".")
        line = f"epoch {epoch:2}/{self._epochs} [{bar}] loss {loss:.4f}  accuracy {accuracy:.4f}  "
        self._stream.write(f"\r\x1b[K{line}{rate * self._batch_size:,.0f} images/s  {left}")
        self._stream.flush()

    def close(self) -> None:
        """Remove the line of an epoch that did not end."""
        if self._live:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def finish_epoch(self, epoch: Epoch) -> None:
        """Leave a line for the epoch."""
        start = "\r\x1b[K" if self._live else ""
        rate = self._steps * self._batch_size / epoch.seconds
        line = f"epoch {epoch.epoch:2}/{self._epochs}  loss {epoch.loss:.4f}  accuracy {epoch.accuracy:.4f}"
        print(f"{start}{line}  {epoch.seconds:.1f} s  {rate:,.0f} images/s", file=self._stream, flush=True)
