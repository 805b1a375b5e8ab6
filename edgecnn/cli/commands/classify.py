"""edgecnn classify."""

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from edgecnn.errors import ContradictionError

from .. import description_options, options, printing, source_options
from ..delegate_options import audit
from ..runtime_options import RuntimeOptions, bundled, require_signature, trust
from ..source_options import SourceOptions, chosen_crop

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgecnn.device import Classifier, Description
    from edgecnn.device.bulk.classify_many import ClassifiedImage
    from edgecnn.device.bulk.results import Results
    from edgecnn.device.bulk.sources import ImageFiles
    from edgecnn.device.drift import DriftWatch
    from edgecnn.device.live.frame_images import FrameImages
    from edgecnn.pixels.crop import CropBox
    from edgecnn.pixels.preprocessing import Invert


@click.command(name="classify")
@click.argument("model")
@click.argument("images", nargs=-1)
@click.option("--top", type=click.IntRange(1), default=1, show_default=True, help="How many classes to name.")
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False), metavar="FILE", help="Write .csv, .jsonl or .parquet instead."
)
@click.option("--resume", is_flag=True, help="Go on with an --output that was stopped or killed.")
@click.option("--drift", is_flag=True, help="Say where images or feature maps are unlike those at calibration.")
@source_options.crop(default="the whole; with --source the square")
@options.invert
@options.decode_threads
@click.option(
    "--source",
    metavar=source_options.SOURCE,
    help="Classify frames of a camera, a film or a stream in place of IMAGES, until it ends, or with Ctrl-C.",
)
@click.option("--frames", type=click.IntRange(1), metavar="N", help="Stop --source after so many frames.")
@source_options.bundled
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
    crop: "CropBox | None",
    square: bool | None,
    invert: "Invert",
    decode_threads: int | None,
    source: str | None,
    frames: int | None,
    source_options: SourceOptions,
    force: bool,
    as_json: bool,
    runtime_options: RuntimeOptions,
    description: "Description | None",
) -> None:
    """Classify IMAGES with MODEL, a .tflite file or the name of a bundled model (fashion-mnist).

    IMAGES are files, glob patterns, folders, or - for standard input. Many are decoded while others are classified;
    results come in the order of the images. Of a camera or a stream the newest frame is taken each time, of a film and
    a folder every one.

    Example: edgecnn classify fashion-mnist photos/ --top 3
    """
    _check(images, source, output, resume)
    region = chosen_crop(crop, square, otherwise=source is not None)
    from edgecnn.device.bulk.classify_many import UNREADABLE, classify_many
    from edgecnn.device.bulk.sources import Remaining

    from ..classifier import open_classifier

    classifier = open_classifier(model, runtime_options, description)
    watch = classifier.watch() if drift else None
    if watch and not watch.has_maps:
        printing.note("Note: a plain model shows its input alone; with its activations variant, feature maps count too")
    with contextlib.ExitStack() as running:
        found = _find(images) if source is None else _open(source, source_options, frames, running)
        results = None
        if output:
            delegate = [runtime_options.delegate, *runtime_options.delegate_options]
            settings: dict[str, Any] = {"top": top, "invert": invert, "drift": drift, "delegate": delegate}
            if region:
                settings["crop"] = region
            if description:  # what was begun with others is not to be gone on with
                settings["description"] = list(map(repr, vars(description).values()))
            results = _open_results(output, model, classifier, found, settings, resume, force)
        classified = classify_many(
            classifier,
            Remaining(found, results.done) if results else found,
            top=top,
            invert=invert,
            crop=region,
            watch=watch,
            note=printing.note,
            decode_threads=decode_threads,
        )
        counts = _write(classified, results, found, as_json, watch) if results else _print(classified, as_json, watch)
    ctx.exit(1 if counts[UNREADABLE] else 0)


def _check(images: tuple[str, ...], source: str | None, output: str | None, resume: bool) -> None:
    """Refuse what does not go together."""
    if resume and not output:
        raise click.UsageError("--resume goes with --output")
    if source is None:
        if not images:
            raise click.UsageError("Missing argument 'IMAGES...', or --source for a camera, a film or a stream")
        context = click.get_current_context()
        for name in ("frames", "size", "fps", "timeout", "loop"):
            if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
                raise click.UsageError(f"--{name} goes with --source")
    elif images:
        raise click.UsageError("--source takes the place of IMAGES; give one of them")
    elif resume:
        raise click.UsageError("--resume goes with IMAGES: what --source showed does not come again")


def _find(images: tuple[str, ...]) -> "ImageFiles":
    from edgecnn.device.bulk.sources import ImageFiles

    return ImageFiles(images, printing.note)


def _open(source: str, options: SourceOptions, frames: int | None, running: contextlib.ExitStack) -> "FrameImages":
    """The frames of a source, which Ctrl-C ends while `running` lasts."""
    from edgecnn.device.live.frame_images import FrameImages
    from edgecnn.device.live.sources.opening import open_source

    from ..stopping import stopped_by_signals

    opened = open_source(source, options.settings(paced=False), printing.note)
    running.enter_context(stopped_by_signals(opened.close))
    return FrameImages(opened, frames)


def _open_results(
    output: str,
    model: str,
    classifier: "Classifier",
    found: "ImageFiles | FrameImages",
    settings: dict[str, Any],
    resume: bool,
    force: bool,
) -> "Results":
    from edgecnn.device.bulk.results import Results
    from edgecnn.errors import InputError
    from edgecnn.model_file.bundled import find_model
    from edgecnn.model_file.container import sha256

    for error in found.errors.values():
        raise InputError(f"{error}; nothing was classified")
    if len(set(found.names)) != len(found.names):
        raise InputError("an image is named twice; with --output each must be named once")
    made_by = {"model": sha256(find_model(model).read_bytes()), "runtime": classifier.runtime}
    resumable = found.count is not None
    return Results(output, {**made_by, **settings}, resume=resume, force=force, resumable=resumable)


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
    found: "ImageFiles | FrameImages",
    as_json: bool,
    watch: "DriftWatch | None",
) -> "Counter[str]":
    """Write the results to their file; how often the answer was what, in earlier runs too."""
    from ..status_line import Progress

    counts, before = results.counts.copy(), len(results.done)
    progress = Progress(None if found.count is None else found.count - before)
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
        path = results.finish(found.names)
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
