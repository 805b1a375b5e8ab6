"""edgecnn benchmark."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgecnn.device.runtime.runtimes import RUNTIMES

from .. import description_options, options, printing
from ..delegate_options import Safeguards, audit, make_delegates, with_safeguards
from ..output_path import OutputPath
from ..runtime_options import require_signature

if TYPE_CHECKING:
    from edgecnn.device import Description
    from edgecnn.device.measuring.benchmark import Benchmark, Machine

NOISE = 0.1  # share by which a median may differ before a comparison calls it faster or slower


@click.command(name="benchmark")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--delegate", "delegates", multiple=True, metavar="NAME|PATH", help="As for classify; may be repeated.")
@click.option(
    "--delegate-option",
    "delegate_options",
    metavar="KEY=VALUE",
    multiple=True,
    help="For the delegates that take options; may be repeated.",
)
@with_safeguards
@audit
@click.option(
    "--threads",
    multiple=True,
    type=click.IntRange(1, 256),
    help="Threads that the runtime may use; may be repeated.  [default: 1]",
)
@click.option("--all-threads", is_flag=True, help="1, 2, 4 ... threads, up to the number of processors.")
@click.option("--runtime", type=click.Choice(list(RUNTIMES)), help="Insist on a runtime.")
@click.option(
    "--runs",
    type=click.IntRange(10),
    default=200,
    show_default=True,
    help="Calls of each model, delegate and number of threads, in turn.",
)
@click.option("--output", "-o", type=OutputPath(dir_okay=False), metavar="FILE.json", help="Write the figures there.")
@click.option("--png", type=OutputPath(dir_okay=False), metavar="FILE.png", help="Draw the figures.")
@click.option(
    "--compare",
    type=click.Path(dir_okay=False),
    metavar="FILE.json",
    help="Compare with the figures that an earlier --output wrote.",
)
@description_options.bundled
@require_signature
@options.force
@options.as_json
@options.verbose
def command(
    models: tuple[str, ...],
    delegates: tuple[str, ...],
    delegate_options: tuple[str, ...],
    safeguards: Safeguards,
    threads: tuple[int, ...],
    all_threads: bool,
    runtime: str | None,
    runs: int,
    output: str | None,
    png: str | None,
    compare: str | None,
    require_signature: str | None,
    force: bool,
    as_json: bool,
    description: "Description | None",
) -> None:
    """Measure how fast MODELs are here, one call of each in turn.

    Load (with the trial in a child process that delegates get, and files that never ran here) and first inference, then
    the runtime alone and the way from pixels to the label.

    Example: edgecnn benchmark fashion-mnist --delegate cpu --delegate xnnpack
    """
    from edgecnn.atomic_files import claimed, refuse_existing, together, write_bytes
    from edgecnn.device.measuring.benchmark import benchmark_models, thread_counts
    from edgecnn.optional_packages import require_matplotlib

    if threads and all_threads:
        raise click.UsageError("--all-threads chooses the numbers itself; leave out --threads")
    if png:
        if not png.endswith(".png"):
            raise click.UsageError(f"--png must end in .png. Received: {png}")
        require_matplotlib("--png")
    if output and png and Path(output).absolute() == Path(png).absolute():
        raise click.UsageError("--output and --png name the same file; give two")
    files = [path for path in (output, png) if path]
    refuse_existing(files, force)  # before anything is measured in vain
    runtime_before, before = _read_medians(compare) if compare else ("", {})
    results, machine = benchmark_models(
        models,
        delegates=make_delegates(delegates, delegate_options, safeguards),
        threads=thread_counts(None) if all_threads else threads or (1,),
        runtime=runtime,
        runs=runs,
        description=description,
        require_signature=require_signature,
        progress=printing.note,
    )
    figures = {"machine": dataclasses.asdict(machine), "results": [dataclasses.asdict(result) for result in results]}
    compared = [_compare(result, before) for result in results] if compare else []
    if compare and machine.runtime != runtime_before:
        printing.note(f"Note: {compare} was measured with {runtime_before}, this with {machine.runtime}")
    if as_json:
        more = [{"compared": one} for one in compared] or [{}] * len(results)
        rows = [{**dataclasses.asdict(result), **extra} for result, extra in zip(results, more, strict=True)]
        printing.print_json({**figures, "results": rows})
    else:
        _print(results, machine, compared)
    with claimed(files, force), together():
        if output:
            write_bytes(output, (json.dumps(figures, indent=2) + "\n").encode())
        if png:
            from edgecnn.device.pictures.benchmark import draw_benchmark

            draw_benchmark(results, Path(png))


def _read_medians(path: str) -> tuple[str, dict[tuple[str, str, int], float]]:
    """Runtime and medians of an earlier benchmark."""
    from edgecnn.errors import InputError

    try:
        figures = json.loads(Path(path).read_text())
        medians = {
            (one["model"], one["delegate"], one["threads"]): float(one["classify"]["p50_ms"])
            for one in figures["results"]
        }
        if not all(0 < median < float("inf") for median in medians.values()):
            raise ValueError("a median that is no time")
        return str(figures["machine"]["runtime"]), medians
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror}; --compare takes a file that --output of an earlier benchmark wrote"
        ) from None
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise InputError(f"{path} is not what edgecnn benchmark --output writes; give another") from None


def _print(results: "tuple[Benchmark, ...]", machine: "Machine", compared: list[dict[str, Any]]) -> None:
    rows = []
    for place, one in enumerate(results):
        invoke, classify = one.invoke, one.classify
        cells = [Path(one.model).name, one.delegate, str(one.threads), f"{one.load_ms:.1f}", f"{one.first_ms:.2f}"]
        cells += [f"{timing:.3f}" for timing in (invoke.p50_ms, invoke.p95_ms, invoke.p99_ms)]
        cells += [f"{timing:.3f}" for timing in (classify.p50_ms, classify.p95_ms, classify.p99_ms)]
        cells.append(f"{one.images_per_second:,.0f}")
        against = compared[place] if compared else None
        if against:
            cells.append(f"{against['ratio']:.2f} x: {against['verdict']}" if against["ratio"] else against["verdict"])
        rows.append(tuple(cells))
    times = ("load", "first", "invoke p50", "p95", "p99", "to label p50", "p95", "p99", "images/s")
    header = ("model", "delegate", "threads", *times, *(["against before"] if compared else []))
    click.echo(printing.table(header, rows))
    heat = "" if machine.temperature_c is None else f", {machine.temperature_c:.0f} °C"
    slowed = {None: "", True: ", THROTTLED since it was started", False: ", never throttled"}[machine.throttled]
    memory = "" if machine.peak_rss_mib is None else f", at most {machine.peak_rss_mib:.0f} MiB in memory"
    printing.say(f"milliseconds; {machine.runtime}{memory}{heat}{slowed}")


def _compare(result: "Benchmark", before: dict[tuple[str, str, int], float]) -> dict[str, Any]:
    """From pixels to the label, against the same model, delegate and threads before."""
    before_ms = before.get((result.model, result.delegate, result.threads))
    if before_ms is None:
        return {"before_p50_ms": None, "ratio": None, "verdict": "not there"}
    ratio = result.classify.p50_ms / before_ms
    verdict = "slower" if ratio > 1 + NOISE else "faster" if ratio < 1 / (1 + NOISE) else "the same"
    return {"before_p50_ms": before_ms, "ratio": ratio, "verdict": verdict}
