"""What the lock costs a caller with one thread: `classify` of prepared pixels with it and without, in turn.

python benchmarks/lock.py
"""

import inspect
import statistics
import textwrap
import threading
import time
from collections.abc import Callable

import click
import numpy as np

from edgecnn.device import Classifier
from edgecnn.device import classifier as module

LOCKED = "with self._session.lock:"
Call = Callable[[], object]


def without_lock() -> type[Classifier]:
    """The same class, whose fastest way does not take the lock; made of the source, so that nothing else differs."""
    source = textwrap.dedent(inspect.getsource(Classifier._run))
    if source.count(LOCKED) != 1:
        raise click.ClickException(f"Classifier._run no longer takes the lock once, by {LOCKED!r}; adapt this file")
    names = dict(vars(module))
    exec(source.replace(LOCKED, "if True:"), names)  # noqa: S102  our own source
    return type("Unlocked", (Classifier,), {"_run": names["_run"]})


def per_call_us(call: Call, calls: int) -> float:
    """Microseconds a call."""
    started = time.perf_counter()
    for _ in range(calls):
        call()
    return 1e6 * (time.perf_counter() - started) / calls


@click.command()
@click.option("--rounds", default=400, show_default=True, help="Of both, in turn.")
@click.option("--calls", default=50, show_default=True, help="In a round, of each.")
def main(rounds: int, calls: int) -> None:
    """Print the median of both, and the lock's share."""
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28, 1), np.uint8)
    locked, unlocked = Classifier("fashion-mnist"), without_lock()("fashion-mnist")
    times: tuple[list[float], list[float]] = ([], [])
    for round_ in range(rounds):
        pairs = list(zip((locked, unlocked), times, strict=True))
        for classifier, found in pairs if round_ % 2 else reversed(pairs):
            found.append(per_call_us(lambda: classifier.classify(pixels), calls))  # noqa: B023  called at once
    with_lock, bare = (statistics.median(found) for found in times)
    # Of a pair, measured one after the other, the difference is less noisy than that of the medians.
    share = statistics.median(a / b - 1 for a, b in zip(*times, strict=True))
    print(f"with the lock {with_lock:.2f} us, without {bare:.2f} us: {share:+.2%} a call")
    lock = locked._session.lock
    alone = min(per_call_us(lambda: take(lock), 10_000) - per_call_us(lambda: None, 10_000) for _ in range(20))
    print(f"taking and giving back the lock alone: at most {alone:.3f} us, {alone / bare:.2%} of a call")


def take(lock: threading.Lock) -> None:
    """Take the lock and give it back."""
    with lock:
        pass


if __name__ == "__main__":
    main()
