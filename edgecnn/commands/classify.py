"""edgecnn classify."""

import dataclasses
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from edgecnn.quiet import speaking

from . import options, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from edgecnn.device import Classifier, Prediction
    from edgecnn.device.drift import DriftWatch
    from edgecnn.device.results import Results
    from edgecnn.errors import InputError
    from edgecnn.preprocessing import Invert, Prepared


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
@running.choices
@running.trust
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
    trust: bool,
    force: bool,
    as_json: bool,
    **values: Any,
) -> None:
    """Classify IMAGES with MODEL, a .tflite file or the name of a bundled model (fashion-mnist).

    IMAGES are files, glob patterns, folders, or - for standard input. Many are decoded while others are classified;
    results come in the order of the images.

    Example: edgecnn classify fashion-mnist photos/ --top 3
    """
    if resume and not output:
        raise click.UsageError("--resume goes with --output")
    from edgecnn.device import Classifier

    classifier = Classifier(model, trust=trust, **running.arguments(values))
    running.report(model, values)
    watch = classifier.watch() if drift else None
    if watch and not watch.has_maps:
        options.note("Note: a plain model shows its input alone; with its activations variant, feature maps count too")
    names, failed = _find(images)
    asked = {
        "top": top,
        "invert": invert,
        "drift": drift,
        "delegate": [values["delegate"], *values["delegate_options"]],
    }
    results = _results(output, model, classifier, names, failed, asked, resume, force) if output else None
    told: list[dict[str, Any]] = []
    counts: Counter[str] = Counter()
    progress = _Progress(len(names) - (len(results.done) if results else 0))
    try:
        for name, row, text in _rows(classifier, names, failed, top, invert, results.done if results else set(), watch):
            counts["unreadable" if "error" in row else row["predictions"][0]["label"]] += 1
            if results:
                results.add(row)
                progress.step()
            elif as_json:
                told.append(row)
            elif text:
                click.echo(f"{name}: {text}")
            if "error" in row:
                progress.clear()
                options.note(f"Error: {row['error']}")
        progress.clear()
        if watch and results and results.done:
            options.note(f"drift: of this run's images, without the {len(results.done):,} that were done before")
        for line in watch.summary() if watch else ():
            options.note(f"drift: {line}")
        if results:
            _say_written(results.finish(names), counts + results.counts, len(results.done), as_json)
        elif as_json:
            options.print_json(told)
    finally:
        if results:
            results.close()
    ctx.exit(1 if counts["unreadable"] or (results and results.counts["unreadable"]) else 0)


def _say_written(path: "Path", counts: "Counter[str]", before: int, as_json: bool) -> None:
    """Where the results are, how often the answer was what, and how many images an earlier run had done."""
    if as_json:
        options.print_json({"output": str(path), "counts": counts, "done_before": before})
    else:
        text = ", ".join(f"{count:,} {what}" for what, count in counts.most_common())
        click.echo(f"wrote {path}: {text}{f' ({before:,} images were done before)' if before else ''}")


def _find(images: tuple[str, ...]) -> "tuple[list[str], dict[str, InputError]]":
    """The images that the arguments stand for; among them the arguments that stand for none, with the reason."""
    from edgecnn.errors import InputError
    from edgecnn.images import find_images

    names: list[str] = []
    failed: dict[str, InputError] = {}
    for name in images:
        try:
            names += find_images([name])
        except InputError as error:
            names.append(name)
            failed[name] = error
    return names, failed


def _results(
    output: str,
    model: str,
    classifier: "Classifier",
    names: list[str],
    failed: "dict[str, InputError]",
    asked: dict[str, Any],
    resume: bool,
    force: bool,
) -> "Results":
    from edgecnn.bundled import find_model
    from edgecnn.device.results import Results
    from edgecnn.errors import InputError
    from edgecnn.packing import sha256

    for error in failed.values():
        raise InputError(f"{error}; nothing was classified")
    if len(set(names)) != len(names):
        raise InputError("an image is named twice; with --output each must be named once")
    made_by = {"model": sha256(find_model(model).read_bytes()), "runtime": classifier.runtime}
    return Results(output, {**made_by, **asked}, resume=resume, force=force)


def _rows(
    classifier: "Classifier",
    names: list[str],
    failed: "dict[str, InputError]",
    top: int,
    invert: "Invert",
    done: set[str],
    watch: "DriftWatch | None",
) -> "Iterator[tuple[str, dict[str, Any], str]]":
    """Name, row and text of each image that is not done, in order."""
    from edgecnn.errors import InputError

    def prepare(name: str) -> "Prepared":
        if name in failed:
            raise failed[name]
        return classifier.prepare(name, invert)

    noted = False
    for name, prepared in _prepared([name for name in names if name not in done], prepare):
        if isinstance(prepared, InputError):
            yield name, {"image": name, "error": str(prepared)}, ""
            continue
        if prepared.note and not noted:
            options.note(f"Note: {name}: {prepared.note}")
            noted = True
        predictions = classifier.rank(prepared.pixels, top)
        text = ", ".join(f"{found.label} {found.score:.1%}" for found in predictions)
        row = _json(name, prepared, predictions)
        if watch:
            row["drift"] = [str(found) for found in watch.look(prepared.pixels)]
            text += f" ({'; '.join(row['drift'])})" if row["drift"] else ""
        yield name, row, text


def _prepared(names: list[str], prepare: "Callable[[str], Prepared]") -> "Iterable[tuple[str, Prepared | InputError]]":
    if len(names) != 1:
        from edgecnn.device.stream import prepared_ahead

        return prepared_ahead(names, prepare)
    from edgecnn.errors import InputError

    try:  # threads would cost more than they save
        return [(names[0], prepare(names[0]))]
    except InputError as error:
        return [(names[0], error)]


def _json(name: str, prepared: "Prepared", predictions: "tuple[Prediction, ...]") -> dict[str, Any]:
    return {
        "image": name,
        "predictions": [dataclasses.asdict(prediction) for prediction in predictions],
        "inverted": prepared.inverted,
        "note": prepared.note,
    }


class _Progress:
    """Rate and time left, on a terminal once a second, elsewhere every half minute."""

    def __init__(self, total: int) -> None:
        self._total, self._count = total, 0
        self._started = self._told = time.monotonic()
        self._terminal = sys.stderr is not None and sys.stderr.isatty()

    def step(self) -> None:
        """One image more."""
        self._count += 1
        now = time.monotonic()
        if now - self._told < (1 if self._terminal else 30):
            return
        self._told = now
        rate = self._count / (now - self._started)
        text = f"{self._count:,} of {self._total:,} images, {rate:,.0f} images/s, "
        text += f"{(self._total - self._count) / rate:,.0f} s left"
        self._show(f"\r{text}\x1b[K" if self._terminal else f"{text}\n")

    def clear(self) -> None:
        """Take the line away, where there is one."""
        if self._terminal and self._told > self._started:
            self._show("\r\x1b[K")

    def _show(self, text: str) -> None:
        with speaking():
            click.echo(text, err=True, nl=False)
