"""Training progress: a live table on a terminal, one line an epoch elsewhere, TensorBoard's files where asked for."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from edgecnn.printable import printable

from .history import Epoch

if TYPE_CHECKING:
    from rich.table import Table

_REFRESH_S = 0.2


class TrainingProgress(Protocol):
    """Is told how a training goes."""

    def tell(self, message: str) -> None:
        """Called with a sentence: what is done before the first step, or what went wrong after the last."""

    def start(self, device: str, parameters: int, steps: int, epochs: int, images: int) -> None:
        """Called once, before the first of `steps` steps an epoch, in which `images` images are seen."""

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        """Called after every step; loss and accuracy are means over the epoch so far."""

    def finish_epoch(self, epoch: Epoch) -> None:
        """Called after every epoch."""


class Silent:
    """Says nothing; see `TrainingProgress`."""

    def tell(self, message: str) -> None:
        """Ignore it."""

    def start(self, device: str, parameters: int, steps: int, epochs: int, images: int) -> None:
        """Ignore it."""

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        """Ignore it."""

    def finish_epoch(self, epoch: Epoch) -> None:
        """Ignore it."""


class Lines:
    """Writes to `stream`, or standard error: what trains on what, and a line for each epoch."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._steps = self._epochs = self._images = 0

    def tell(self, message: str) -> None:
        """Write it."""
        print(printable(message), file=self._stream, flush=True)

    def start(self, device: str, parameters: int, steps: int, epochs: int, images: int) -> None:
        """Say what trains what."""
        self._steps, self._epochs, self._images = steps, epochs, images
        print(
            f"training {parameters:,} parameters on {device}, {steps} {'step' if steps == 1 else 'steps'} an epoch",
            file=self._stream,
            flush=True,
        )

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        """Ignore it."""

    def finish_epoch(self, epoch: Epoch) -> None:
        """Leave a line for the epoch."""
        line = f"epoch {epoch.epoch:2}/{self._epochs}  loss {epoch.loss:.4f}  accuracy {epoch.accuracy:.4f}"
        if epoch.target == "mixtures":
            line += " on mixtures"
        if epoch.validation_accuracy is not None:
            line += f"  validation loss {epoch.validation_loss:.4f}  accuracy {epoch.validation_accuracy:.4f}"
        print(f"{line}  {epoch.seconds:.1f} s  {self._rate(epoch):,.0f} images/s", file=self._stream, flush=True)

    def close(self) -> None:
        """End the display."""

    def _rate(self, epoch: Epoch) -> float:
        return self._images / epoch.seconds


class Live(Lines):
    """A table that grows by a row an epoch, the best one marked, and under it the running epoch."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self._history: list[Epoch] = []
        self._running, self._room = "", 1
        self._shown = self._epoch_started = 0.0
        self._live: Any = None

    def start(self, device: str, parameters: int, steps: int, epochs: int, images: int) -> None:
        """Say what trains what, and begin the table."""
        from rich.console import Console
        from rich.live import Live as Display

        self.close()  # of the teacher's training, which came first
        self._history = []
        super().start(device, parameters, steps, epochs, images)
        console = Console(file=self._stream, highlight=False)
        self._room = max(1, console.height - 5)
        self._live = Display(console=console, auto_refresh=False, get_renderable=self._render)
        self._live.start()

    def tell(self, message: str) -> None:
        """Write it; above the table while that grows."""
        if self._live:
            self._live.console.out(printable(message), highlight=False)
        else:
            super().tell(message)

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        """Refresh the running epoch, five times a second at most."""
        now = time.monotonic()
        if step == 1:
            self._epoch_started = now
        if now - self._shown < _REFRESH_S:
            return
        self._shown = now
        rate = (step - 1) / (now - self._epoch_started) if step > 1 else 0.0
        left = f"{(self._steps - step) / rate:.0f} s left" if rate else ""
        bar = ("━" * (20 * step // self._steps)).ljust(20, "╌")
        figures = f"loss {loss:.4f}  accuracy {accuracy:.4f}  {rate * self._images / self._steps:,.0f} images/s  {left}"
        self._running = f"epoch {epoch}/{self._epochs} {bar} {figures}"
        self._refresh()

    def finish_epoch(self, epoch: Epoch) -> None:
        """Add a row for the epoch."""
        self._history.append(epoch)
        self._running = ""
        self._refresh()

    def close(self) -> None:
        """Leave the whole table, without the epoch that did not end."""
        if self._live:
            self._running, self._room = "", max(1, len(self._history))
            self._live.stop()
            self._live = None

    def _refresh(self) -> None:
        if self._live:
            self._live.refresh()

    def _render(self) -> Any:
        from rich.console import Group
        from rich.text import Text

        # While it grows only what fits on the screen is shown; the whole table stays in the end.
        parts: list[Any] = [self._table(self._history[-self._room :])] if self._history else []
        return Group(*parts, *([Text(self._running, no_wrap=True, overflow="crop")] if self._running else []))

    def _table(self, shown: list[Epoch]) -> "Table":
        from rich import box
        from rich.table import Table

        validated = shown[0].validation_accuracy is not None
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        names = [
            "epoch",
            "loss",
            "accuracy",
            *["val. loss", "val. accuracy"] * validated,
            "rate",
            "seconds",
            "images/s",
        ]
        for name in names:
            table.add_column(name, justify="right")
        best = max(self._history, key=lambda epoch: epoch.monitored_accuracy)
        for epoch in shown:
            cells = [f"{epoch.epoch}/{self._epochs}", f"{epoch.loss:.4f}", f"{epoch.accuracy:.4f}"]
            if validated:
                cells += [f"{epoch.validation_loss:.4f}", f"{epoch.validation_accuracy:.4f}"]
            cells += [f"{epoch.learning_rate:.1e}", f"{epoch.seconds:.1f}", f"{self._rate(epoch):,.0f}"]
            table.add_row(*cells, style="bold" if epoch is best else None)
        return table


class TensorBoard:
    """Hands everything on to `inner` and writes each epoch's figures to `folder`/train and `folder`/validation."""

    def __init__(self, inner: Lines, folder: Path) -> None:
        self._inner, self._folder = inner, folder
        self._writers: dict[str, Any] = {}

    def tell(self, message: str) -> None:
        """Hand it on."""
        self._inner.tell(message)

    def start(self, device: str, parameters: int, steps: int, epochs: int, images: int) -> None:
        """Hand it on, and begin new curves: those of a teacher, which came first, are not the network's."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}
        self._inner.start(device, parameters, steps, epochs, images)

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        """Hand it on."""
        self._inner.step(epoch, step, loss, accuracy)

    def finish_epoch(self, epoch: Epoch) -> None:
        """Write the epoch's scalars."""
        self._inner.finish_epoch(epoch)
        self._write("train", epoch.epoch, loss=epoch.loss, accuracy=epoch.accuracy, learning_rate=epoch.learning_rate)
        if epoch.validation_loss is not None and epoch.validation_accuracy is not None:
            self._write("validation", epoch.epoch, loss=epoch.validation_loss, accuracy=epoch.validation_accuracy)

    def close(self) -> None:
        """End the files and the display."""
        for writer in self._writers.values():
            writer.close()
        self._inner.close()

    def _write(self, name: str, epoch: int, **scalars: float) -> None:
        from tensorboard.summary import Writer

        if name not in self._writers:
            self._writers[name] = Writer(str(self._folder / name))
        for key, value in scalars.items():
            self._writers[name].add_scalar(key, value, epoch)
        self._writers[name].flush()
