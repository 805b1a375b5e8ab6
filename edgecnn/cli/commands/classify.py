"""edgecnn classify."""

import contextlib
from typing import TYPE_CHECKING, Any

import click

from .. import description_options, options, printing, source_options
from ..classified_images import print_results, write_results
from ..delegate_options import audit
from ..given import first_given
from ..output_path import OutputPath
from ..runtime_options import RuntimeOptions, bundled, require_signature, trust
from ..shard_option import KeepsWords, shard_option, words_of_all_shards
from ..source_options import SourceOptions, chosen_crop

if TYPE_CHECKING:
    from edgecnn.device import Classifier, Description
    from edgecnn.device.bulk.results import Results
    from edgecnn.device.bulk.shards import Shard, ShardFiles
    from edgecnn.device.bulk.sources import ImageFiles
    from edgecnn.device.live.frame_images import FrameImages
    from edgecnn.device.min_score import MinScore
    from edgecnn.pixels.crop import CropBox
    from edgecnn.pixels.preprocessing import Invert


@click.command(name="classify", cls=KeepsWords)
@click.argument("model")
@click.argument("images", nargs=-1)
@click.option("--top", type=click.IntRange(1), default=1, show_default=True, help="How many classes to name.")
@click.option(
    "--output", "-o", type=OutputPath(dir_okay=False), metavar="FILE", help="Write .csv, .jsonl or .parquet instead."
)
@click.option("--resume", is_flag=True, help="Go on with an --output that was stopped or killed.")
@shard_option
@click.option("--drift", is_flag=True, help="Say where images or feature maps are unlike those at calibration.")
@options.min_score
@source_options.crop(default="the whole; with --source the square")
@options.invert
@options.decode_threads
@click.option(
    "--source",
    type=source_options.SourceText(),
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
    shard: "Shard | None",
    drift: bool,
    min_score: "MinScore | None",
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
    _check(images, source, output, resume, shard, decode_threads)
    region = chosen_crop(crop, square, otherwise=source is not None)
    from edgecnn.device.bulk.classify_many import classify_many
    from edgecnn.device.bulk.sources import Remaining

    from ..classifier import open_classifier

    classifier = open_classifier(model, runtime_options, description)
    least = None if min_score is None else _lowest(min_score, classifier, model)
    watch = classifier.watch() if drift else None
    if watch and not watch.has_maps:
        printing.note("Note: a plain model shows its input alone; with its activations variant, feature maps count too")
    with contextlib.ExitStack() as running:
        shown = None if source is None else _open(source, source_options, frames, running)
        found = shown or _find(images, shard, output)
        results = None
        if output:
            delegate = [runtime_options.delegate, *runtime_options.delegate_options]
            settings: dict[str, Any] = {"top": top, "invert": invert, "drift": drift, "delegate": delegate}
            if region:
                settings["crop"] = region
            if least is not None:
                settings["min_score"] = least
            if description:  # what was begun with others is not to be gone on with
                settings["description"] = list(map(repr, vars(description).values()))
            results = _open_results(output, classifier, found, settings, resume, force)
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
        if least is not None:
            classified = (image.unknown_below(least) for image in classified)
        if results:
            counts = write_results(classified, results, found, as_json, watch)
        else:
            counts = print_results(classified, as_json, watch)
    if shown and shown.unreadable:
        printing.note(f"{shown.unreadable:,} of {source} could not be read")
    ctx.exit(1 if counts.unreadable or (shown and shown.unreadable) else 0)


def _check(
    images: tuple[str, ...],
    source: str | None,
    output: str | None,
    resume: bool,
    shard: "Shard | None",
    decode_threads: int | None,
) -> None:
    """Refuse what does not go together."""
    if resume and not output:
        raise click.UsageError("--resume goes with --output")
    if source is None:
        if not images:
            raise click.UsageError("Missing argument 'IMAGES...', or --source for a camera, a film or a stream")
        if option := first_given("frames", "size", "fps", "timeout", "loop"):
            raise click.UsageError(f"{option} goes with --source")
    elif decode_threads is not None:
        raise click.UsageError("--decode-threads goes with IMAGES: of --source each frame is decoded when it is there")
    elif images:
        raise click.UsageError("--source takes the place of IMAGES; give one of them")
    elif shard:
        raise click.UsageError("--shard goes with IMAGES: every machine sees the same files, but not the same frames")
    elif resume:
        raise click.UsageError("--resume goes with IMAGES: what --source showed does not come again")


def _lowest(wanted: "MinScore", classifier: "Classifier", model: str) -> float:
    from edgecnn.device.min_score import resolve_min_score  # only who asks for it waits for it
    from edgecnn.device.prediction import UNKNOWN

    if UNKNOWN in classifier.labels:
        printing.note(
            f"Note: {model} has a class called unknown, too: where a score is too low, the class that came closest is "
            "named beside it"
        )
    return resolve_min_score(wanted, classifier.card, model)


def _find(images: tuple[str, ...], shard: "Shard | None", output: str | None) -> "ImageFiles | ShardFiles":
    """The images; for a file of results each must be there, once."""
    from edgecnn.device.bulk.sources import ImageFiles
    from edgecnn.errors import InputError

    found = ImageFiles(images, printing.note)
    if output:
        for error in found.errors.values():
            raise InputError(f"{error}; nothing was classified")
        if len(set(found.names)) != len(found.names):
            raise InputError("an image is named twice; with --output each must be named once")
    if shard is None:
        return found
    from edgecnn.device.bulk.shards import ShardFiles

    return ShardFiles(found, shard, words_of_all_shards())


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
    classifier: "Classifier",
    found: "ImageFiles | ShardFiles | FrameImages",
    settings: dict[str, Any],
    resume: bool,
    force: bool,
) -> "Results":
    from edgecnn.device.bulk.results import Results
    from edgecnn.device.bulk.shards import ShardFiles
    from edgecnn.model_file.container import sha256

    made_by = {"model": sha256(classifier.loaded.packed.content), "runtime": classifier.runtime}
    resumable = found.count is not None
    shard = found if isinstance(found, ShardFiles) else None
    return Results(output, {**made_by, **settings}, resume=resume, force=force, resumable=resumable, shard=shard)
