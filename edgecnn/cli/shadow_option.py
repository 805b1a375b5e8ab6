"""The option of `edgecnn live` that has a new model run beside the one that answers, and what is said of it."""

import contextlib
import sys
from typing import TYPE_CHECKING

import click

from . import printing

if TYPE_CHECKING:
    from edgecnn.device.live.watcher import Watcher
    from edgecnn.device.runtime.run_options import RunOptions
    from edgecnn.pixels.preprocessing import Invert

_NAMED = 5  # kinds of disagreement

shadow_option = click.option(
    "--shadow",
    metavar="MODEL",
    help="Have a second model of the same classes see the same frames, when it has time, and tell how often it agrees; "
    "its answers are not shown.",
)


def open_shadow(
    watcher: "Watcher", model: str | None, run: "RunOptions", invert: "Invert", outlets: contextlib.ExitStack
) -> None:
    """Have `model`, if it is one, see what `watcher` sees, until `outlets` are closed.

    Raises:
        EdgecnnError: it cannot be loaded, or has other classes.
    """
    if model is None:
        return
    from edgecnn.device.live.shadow import Shadow

    shadow = Shadow(model, watcher.classifier.labels, run, invert=invert, tell=watcher.tell)
    outlets.callback(shadow.close)
    watcher.shadow = shadow
    watcher.listeners.append(shadow)


def print_report(watcher: "Watcher", as_json: bool) -> None:
    """Say what has been seen of the shadow, if there is one."""
    if watcher.shadow is None:
        return
    report = watcher.shadow.report()
    if as_json:
        from edgecnn.device.live.outlets.json_lines import write_line

        write_line(sys.stdout, {"shadow": report.row()})
    if report.agreement is None or report.interval is None:
        printing.note(f"shadow {report.model}: no frame was compared, {report.skipped:,} skipped")
        return
    low, high = report.interval
    printing.note(
        f"shadow {report.model}: {report.agreeing:,} of {report.frames:,} frames agree, {report.agreement:.1%} (95 % "
        f"interval {low:.1%} to {high:.1%}); {report.skipped:,} skipped; {report.latency_ms:.1f} ms, the model "
        f"{report.model_latency_ms:.1f} ms"
    )
    for (label, other), count in report.most_frequent[:_NAMED]:
        printing.note(f"  {count:,} times {other} in place of {label}")
