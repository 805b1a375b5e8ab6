"""How fast models are on this machine: several in turn, so that a noisy moment hits all of them alike."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgecnn.arguments import is_whole
from edgecnn.errors import InputError
from edgecnn.model_file.golden import golden_of
from edgecnn.peak_memory import peak_rss_bytes
from edgecnn.processors import count_processors
from edgecnn.throttling import temperature_c, throttling

from ..classifier import Classifier
from ..runtime.delegates import Delegate
from ..runtime.description import Description
from ..runtime.loading import read_packed
from ..runtime.run_options import MOST_THREADS, RunOptions

_WARM_UP = 6
_PERCENTILES = (50, 95, 99)


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one call, over many: p50, p95 and p99 are percentiles."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Benchmark:
    """One model with one delegate and number of threads.

    Attributes:
        model: as it was named.
        delegate: as it was named; `default` for the runtime's own choice; `default instead of NAME`, or `cpu instead of
            NAME`, where that took over.
        threads: of the runtime.
        runs: how many times each was measured.
        load_ms: reading, checking and preparing the file.
        first_ms: the first inference, which allocates and packs.
        invoke: the runtime alone.
        classify: from pixels to the label.
        images_per_second: of `classify`, from its median.
    """

    model: str
    delegate: str
    threads: int
    runs: int
    load_ms: float
    first_ms: float
    invoke: Timing
    classify: Timing
    images_per_second: float


@dataclass(frozen=True)
class Machine:
    """What the machine was like while it was measured.

    Attributes:
        runtime: name and version.
        peak_rss_mib: most memory that this process had, MiB; None where the system does not say.
        temperature_c: of the processor after the runs, in degrees Celsius; None where it cannot be read.
        throttled: whether a Raspberry Pi was slowed down by heat or low voltage since it was started; None elsewhere.
    """

    runtime: str
    peak_rss_mib: float | None
    temperature_c: float | None
    throttled: bool | None


def benchmark_models(
    models: Sequence[str | Path],
    *,
    delegates: Sequence[Delegate | None] = (None,),
    threads: Sequence[int] = (1,),
    runtime: str | None = None,
    runs: int = 200,
    description: Description | None = None,
    require_signature: str | Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[tuple[Benchmark, ...], Machine]:
    """Measure every model with every delegate and number of threads, one call of each in turn.

    Args:
        models: paths of files, or names of bundled models.
        delegates: what computes them; None for the runtime's own choice.
        threads: of the runtime.
        runtime: as for `Classifier`.
        runs: of each, 10 or more.
        description: what is said of models without a card.
        require_signature: a file of allowed signers, one of whom must have signed each model.
        progress: is told what is being done.

    Returns:
        A result for each combination, delegates and threads within a model, and what the machine was like.

    Raises:
        InputError: fewer than 10 runs, or threads that are not 1 to 256.
        ModelFileError: a model is missing, damaged, or refused by the runtime.
        DelegateError: a delegate does not do what is asked for.
    """
    if not is_whole(runs) or runs < 10:
        raise InputError(f"runs must be 10 or more, for percentiles. Received: {runs}")
    timed = []
    for model in models:
        for delegate in delegates:
            for count in threads:
                progress(f"loading {model}, {_name_delegate(delegate)}, {count} thread(s)")
                run = RunOptions(count, "default", delegate, runtime, False, description, require_signature)
                timed.append(_TimedModel(model, run))
    progress(f"{runs:,} runs of each, in turn")
    for number in range(-_WARM_UP, 2 * runs):
        for one in timed:
            one.step(keep=number >= 0)
    return tuple(one.result() for one in timed), describe_machine(timed[0].classifier.runtime)


class _TimedModel:
    """A loaded model and its times, in milliseconds."""

    def __init__(self, model: str | Path, run: RunOptions) -> None:
        self._model, self._run = str(model), run
        started = time.perf_counter()
        self.classifier = Classifier.with_options(model, run)
        self._load_ms = _ms_since(started)
        # What is looked at again on the CPU must not count among the times.
        self._audit, self.classifier.audit = self.classifier.audit, None
        self._pixels = _choose_images(model, self.classifier)
        started = time.perf_counter()
        self.classifier.classify(self._pixels[0])
        self._first_ms = _ms_since(started)
        self._invoke_ms: list[float] = []
        self._classify_ms: list[float] = []
        self._calls = 0

    def step(self, keep: bool) -> None:
        """An invocation or a classification, in turn: each finds caches as cold as the other does."""
        pixels = self._pixels[self._calls // 2 % len(self._pixels)]
        self._calls += 1
        if self._calls % 2:
            milliseconds, times = 1000 * self.classifier.time_invoke(pixels), self._invoke_ms
        else:
            started = time.perf_counter()
            self.classifier.classify(pixels)
            milliseconds, times = _ms_since(started), self._classify_ms
        loaded = self.classifier.loaded
        if self._audit is not None:
            self._audit.look(pixels, loaded.session.output(loaded.probabilities))
        if keep:
            times.append(milliseconds)

    def result(self) -> Benchmark:
        """The times, summed up.

        Raises:
            DelegateError: the last answer contradicts the CPU.
        """
        if self._audit is not None:
            self._audit.finish()
        name = _name_delegate(self._run.delegate)
        here = self.classifier.loaded.session.delegate
        if self._run.delegate is not None and here != self._run.delegate:
            name = f"{_name_delegate(here)} instead of {name}"
        return Benchmark(
            model=self._model,
            delegate=name,
            threads=self._run.threads,
            runs=len(self._classify_ms),
            load_ms=self._load_ms,
            first_ms=self._first_ms,
            invoke=_to_timing(self._invoke_ms),
            classify=_to_timing(self._classify_ms),
            images_per_second=1000 / statistics.median(self._classify_ms),
        )


def _name_delegate(delegate: Delegate | None) -> str:
    """A delegate's name and its options; two that differ in their options are not the same."""
    if delegate is None:
        return "default"
    return " ".join([delegate.name, *(f"{key}={value}" for key, value in delegate.options)])


def _ms_since(started: float) -> float:
    return 1000 * (time.perf_counter() - started)


def _to_timing(milliseconds: list[float]) -> Timing:
    return Timing(*(float(value) for value in np.percentile(milliseconds, _PERCENTILES)))


def _choose_images(model: str | Path, classifier: Classifier) -> list[np.ndarray]:
    """The golden probes, or noise for a file without any."""
    golden = golden_of(read_packed(model))
    if golden is not None:
        return list(golden.images)
    return list(np.random.default_rng(0).integers(0, 256, (8, *classifier.input.shape), dtype=np.uint8))


def describe_machine(runtime: str, root: Path = Path("/")) -> Machine:
    """Memory, heat and throttling now.

    Args:
        runtime: name and version.
        root: where `sys` is.
    """
    peak, throttled = peak_rss_bytes(), throttling(root)
    return Machine(
        runtime=runtime,
        peak_rss_mib=None if peak is None else peak / (1 << 20),
        temperature_c=temperature_c(root),
        throttled=None if throttled is None else bool(throttled.now or throttled.since_boot),
    )


def thread_counts(most: int | None) -> tuple[int, ...]:
    """1, 2, 4, ... up to `most`, by default as many as this process has processors; a runtime takes 256."""
    most = min(most or count_processors(), MOST_THREADS)
    counts = [1]
    while counts[-1] * 2 <= most:
        counts.append(counts[-1] * 2)
    return tuple(counts) if counts[-1] == most else (*counts, most)
