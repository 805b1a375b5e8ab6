"""edgecnn classify."""

import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from edgecnn.errors import ContradictionError
from edgecnn.native_output import stderr_lock

from .. import description_options, options, printing
from ..delegate_options import audit
from ..runtime_options import RuntimeOptions, bundled, require_signature, trust

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgecnn.device import Classifier, Description
    from edgecnn.device.bulk.classify_many import ClassifiedImage
    from edgecnn.device.bulk.results import Results
    from edgecnn.device.bulk.sources import ImageFiles
    from edgecnn.device.drift import DriftWatch
    from edgecnn.pixels.preprocessing import Invert


@click.command(name="classify")
@click.argument("model")
@click.argument("images", nargs=-1, required=True)
@click.option("--top", type=click.IntRange(1), default=1, show_default=True, help="How many classes to name.")
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False), metavar="FILE", help="Write .csv, .jsonl or .parquet instead."
)
@click.option("--resume", is_flag=True, help="Go on with an --output that was stopped or killed.")
@click.option("--drift", is_flag=True, help="Say where images or feature maps are unlike those at calibration.")
@options.invert
@options.decode_threads
@description_options.bundled
@bundled
@audit
@trust
@require_signature
@options.force
@options.as_json
@options.verbose
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: str,
    images: tuple[str, ...],
    top: int,
    output: str | None,
    resume: bool,
    drift: bool,
    invert: "Invert",
    decode_threads: int | None,
    force: bool,
    as_json: bool,
    runtime_options: RuntimeOptions,
    description: "Description | None",
) -> None:
    """Classify IMAGES with MODEL, a .tflite file or the name of a bundled model (fashion-mnist).

    IMAGES are files, glob patterns, folders, or - for standard input. Many are decoded while others are classified;
    results come in the order of the images.

    Example: edgecnn classify fashion-mnist photos/ --top 3
    """
    if resume and not output:
        raise click.UsageError("--resume goes with --output")
    from edgecnn.device import Classifier
    from edgecnn.device.bulk.classify_many import UNREADABLE, classify_many
    from edgecnn.device.bulk.sources import ImageFiles

    run = runtime_options.run_options(description)
    classifier = Classifier.with_options(model, run)
    runtime_options.report(model, run)
    watch = classifier.watch() if drift else None
    if watch and not watch.has_maps:
        printing.note("Note: a plain model shows its input alone; with its activations variant, feature maps count too")
    files = ImageFiles(images, printing.note)
    results = None
    if output:
        delegate = [runtime_options.delegate, *runtime_options.delegate_options]
        settings = {"top": top, "invert": invert, "drift": drift, "delegate": delegate}
        if description:  # what was begun with others is not to be gone on with
            settings["description"] = list(map(repr, vars(description).values()))
        results = _open_results(output, model, classifier, files, settings, resume, force)
    classified = classify_many(
        classifier,
        files,
        top=top,
        invert=invert,
        watch=watch,
        skip=results.done if results else (),
        note=printing.note,
        decode_threads=decode_threads,
    )
    counts = _write(classified, results, files, as_json, watch) if results else _print(classified, as_json, watch)
    ctx.exit(1 if counts[UNREADABLE] else 0)


def _open_results(
    output: str,
    model: str,
    classifier: "Classifier",
    files: "ImageFiles",
    settings: dict[str, Any],
    resume: bool,
    force: bool,
) -> "Results":
    from edgecnn.device.bulk.results import Results
    from edgecnn.errors import InputError
    from edgecnn.model_file.bundled import find_model
    from edgecnn.model_file.container import sha256

    for error in files.errors.values():
        raise InputError(f"{error}; nothing was classified")
    if len(set(files.names)) != len(files.names):
        raise InputError("an image is named twice; with --output each must be named once")
    made_by = {"model": sha256(find_model(model).read_bytes()), "runtime": classifier.runtime}
    return Results(output, {**made_by, **settings}, resume=resume, force=force)


def _print(classified: "Iterable[ClassifiedImage]", as_json: bool, watch: "DriftWatch | None") -> "Counter[str]":
    """Print each result as it comes, or all as JSON; how often the answer was what."""
    counts: Counter[str] = Counter()
    done: list[ClassifiedImage] = []
    unconfirmed: tuple[str, ...] = ()
    try:
        for image in classified:
            counts[image.label] += 1
            if as_json:
                done.append(image)
            elif not image.error:
                printing.say(f"{image.name}: {_text(image)}")
            if image.error:
                printing.note(f"Error: {image.error}")
        _print_drift(watch)
    except ContradictionError as error:
        unconfirmed = error.unconfirmed
        if unconfirmed:
            printing.note(f"not confirmed: {len(unconfirmed):,} answers, {unconfirmed[0]} to {unconfirmed[-1]}")
        raise
    finally:  # what is done is not lost where a delegate fails
        if as_json:
            rows = [{**one.row(), **({"unconfirmed": True} if one.name in unconfirmed else {})} for one in done]
            printing.print_json(rows)
    return counts


def _text(image: "ClassifiedImage") -> str:
    text = ", ".join(f"{prediction.label} {prediction.score:.1%}" for prediction in image.predictions)
    return f"{text} ({'; '.join(image.drift)})" if image.drift else text


def _print_drift(watch: "DriftWatch | None") -> None:
    for line in watch.summary() if watch else ():
        printing.note(f"drift: {line}")


def _write(
    classified: "Iterable[ClassifiedImage]",
    results: "Results",
    files: "ImageFiles",
    as_json: bool,
    watch: "DriftWatch | None",
) -> "Counter[str]":
    """Write the results to their file; how often the answer was what, in earlier runs too."""
    counts, before = results.counts.copy(), len(results.done)
    progress = _Progress(len(files.names) - before)
    try:
        for image in classified:
            counts[image.label] += 1
            results.add(image.row())
            progress.step()
            if image.error:
                progress.clear()
                printing.note(f"Error: {image.error}")
        progress.clear()
        if watch and before:
            printing.note(f"drift: of this run's images, without the {before:,} that were done before")
        _print_drift(watch)
        path = results.finish(files.names)
    except ContradictionError as error:
        progress.clear()
        partial = results.mark(error.unconfirmed)
        printing.note(
            f"not confirmed: {len(error.unconfirmed):,} rows, which are marked in {partial}; --resume makes them anew, "
            "with --delegate cpu too"
        )
        raise
    finally:
        results.close()
    if as_json:
        printing.print_json({"output": str(path), "counts": counts, "done_before": before})
    else:
        text = ", ".join(f"{count:,} {label}" for label, count in counts.most_common())
        printing.say(f"wrote {path}: {text}{f' ({before:,} images were done before)' if before else ''}")
    return counts


class _Progress:
    """Rate and time left, on a terminal once a second, elsewhere every half minute."""

    def __init__(self, total: int) -> None:
        self._total, self._count = total, 0
        self._started = self._shown = time.monotonic()
        self._terminal = sys.stderr is not None and sys.stderr.isatty()

    def step(self) -> None:
        """One image more."""
        self._count += 1
        now = time.monotonic()
        if now - self._shown < (1 if self._terminal else 30):
            return
        self._shown = now
        rate = self._count / (now - self._started)
        text = f"{self._count:,} of {self._total:,} images, {rate:,.0f} images/s, "
        text += f"{(self._total - self._count) / rate:,.0f} s left"
        self._show(f"\r{text}\x1b[K" if self._terminal else f"{text}\n")

    def clear(self) -> None:
        """Take the line away, where there is one."""
        if self._terminal and self._shown > self._started:
            self._show("\r\x1b[K")

    def _show(self, text: str) -> None:
        with stderr_lock():
            click.echo(text, err=True, nl=False)
