"""What `edgecnn classify` says of the images: on standard output, or in a file of results."""

from typing import TYPE_CHECKING

from edgecnn.errors import ContradictionError, DelegateError, EdgecnnError, OutputError

from . import printing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgecnn.device.bulk.answer_counts import AnswerCounts
    from edgecnn.device.bulk.classify_many import ClassifiedImage
    from edgecnn.device.bulk.results import Results
    from edgecnn.device.bulk.shards import ShardFiles
    from edgecnn.device.bulk.sources import ImageFiles
    from edgecnn.device.drift import DriftWatch
    from edgecnn.device.live.frame_images import FrameImages


def print_results(classified: "Iterable[ClassifiedImage]", as_json: bool, watch: "DriftWatch | None") -> "AnswerCounts":
    """Print each result as it comes, or all as JSON.

    Returns:
        How often the answer was what.

    Raises:
        ContradictionError: an audit found that the delegate lies; the answers that nothing confirms are named.
    """
    from edgecnn.device.bulk.answer_counts import AnswerCounts

    counts = AnswerCounts()
    done: list[ClassifiedImage] = []
    unconfirmed: tuple[str, ...] = ()
    try:
        for image in classified:
            counts.add(image.row())
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
            rows = [one.row() for one in done]
            answers = [row for row in rows if "error" not in row]
            for row in answers[len(answers) - len(unconfirmed) :]:
                row["unconfirmed"] = True
            printing.print_json(rows)
    return counts


def _text(image: "ClassifiedImage") -> str:
    best, *others = image.predictions
    answer = f"{best.label} ({image.guess} {best.score:.1%})" if image.guess else f"{best.label} {best.score:.1%}"
    text = ", ".join([answer, *(f"{prediction.label} {prediction.score:.1%}" for prediction in others)])
    return f"{text} ({'; '.join(image.drift)})" if image.drift else text


def _print_drift(watch: "DriftWatch | None") -> None:
    for line in watch.summary() if watch else ():
        printing.note(f"drift: {line}")


def write_results(
    classified: "Iterable[ClassifiedImage]",
    results: "Results",
    found: "ImageFiles | ShardFiles | FrameImages",
    as_json: bool,
    watch: "DriftWatch | None",
) -> "AnswerCounts":
    """Write the results to their file.

    Returns:
        How often the answer was what in the file, in earlier runs too.

    Raises:
        ContradictionError: an audit found that the delegate lies; the rows that nothing confirms are marked.
        EdgecnnError: the delegate or the source fails; what is done stays.
        OutputError: the file cannot be written.
    """
    from edgecnn.device.live.frame_images import FrameImages

    from .status_line import Progress

    names = None if isinstance(found, FrameImages) else found.names
    before = sum(name in results.done for name in names or ())  # others may have been done that are gone by now
    progress = Progress(None if names is None else len(names) - before)
    try:
        for image in classified:
            results.add(image.row())
            progress.step()
            if image.error:
                progress.clear()
                printing.note(f"Error: {image.error}")
        progress.clear()
        if watch and before:
            printing.note(f"drift: of this run's images, without the {before:,} that were done before")
        _print_drift(watch)
        path = results.finish(names)
    except EdgecnnError as error:
        progress.clear()
        _keep(results, error)
        raise
    finally:
        results.close()
    counts = results.counts
    if as_json:
        printing.print_json({"output": str(path), **counts.to_dict(), "done_before": before})
    else:
        printing.say(f"wrote {path}: {counts.words()}{f' ({before:,} images were done before)' if before else ''}")
    return counts


def _keep(results: "Results", error: EdgecnnError) -> None:
    """Keep what was done before an error, and say where it is and what goes on with it."""
    if isinstance(error, OutputError):  # which says so itself
        return
    count = len(error.unconfirmed) if isinstance(error, ContradictionError) else 0
    rows = "none of the rows" if not count else "1 row" if count == 1 else f"{count:,} rows"
    if not results.resumable:
        path = results.finish_confirmed(count)
        unconfirmed = f", without {rows} that nothing confirms" if count else ""
        if path is not None:
            printing.note(f"what was done before is in {path}: {results.counts.words()}{unconfirmed}")
    elif isinstance(error, ContradictionError):
        marked = f"{rows}, marked" if count else rows
        printing.note(
            f"not confirmed: {marked} in {results.mark(count)}; --resume makes what is missing, with --delegate cpu too"
        )
    elif isinstance(error, DelegateError) and results.left:
        printing.note(f"what is done stays in {results.left}; --resume --fallback cpu goes on, if need be without it")
