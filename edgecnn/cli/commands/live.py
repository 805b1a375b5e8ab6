"""edgecnn live."""

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING

import click

from .. import description_options, mqtt_options, options, page_options, printing, source_options, wrong_usage
from ..delegate_options import audit
from ..mqtt_options import MqttOptions
from ..page_options import PageOptions
from ..runtime_options import RuntimeOptions, bundled, require_signature, trust
from ..shadow_option import open_shadow, print_report, shadow_option
from ..source_options import SourceOptions, chosen_crop

if TYPE_CHECKING:
    from edgecnn.device import Description
    from edgecnn.device.live.observation import Change, Observation
    from edgecnn.device.live.outlets.webhook import Webhook
    from edgecnn.device.live.watcher import Watcher
    from edgecnn.device.min_score import MinScore
    from edgecnn.pixels.crop import CropBox
    from edgecnn.pixels.preprocessing import Invert

    from ..status_line import StatusLine

_BETWEEN_STATUS = 0.2  # seconds


@click.command(name="live")
@click.argument("model")
@click.option(
    "--source",
    type=source_options.SourceText(),
    default="camera",
    show_default=True,
    help="Where frames come from: the Raspberry Pi's camera, the samples of edgecnn, a stream, a USB camera, images, a "
    "film.",
)
@source_options.bundled
@source_options.crop(default="the square")
@options.invert
@click.option(
    "--threshold",
    "--min-score",
    "threshold",
    type=options.ScoreText(),
    default=0.8,
    show_default=True,
    metavar=options.SCORE_METAVAR,
    help="The lowest score that counts; below it the answer is unknown. auto: the one that the model recommends.",
)
@click.option(
    "--consecutive",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    metavar="N",
    help="How many frames in a row must agree before the answer changes.",
)
@shadow_option
@click.option("--webhook", metavar="URL", help="POST each change of the answer there, as JSON.")
@mqtt_options.bundled
@page_options.bundled
@click.option("--frames", type=click.IntRange(1), metavar="N", help="Stop after so many frames.")
@click.option("--dry-run", is_flag=True, help="Check MODEL, the options and the source; watch nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print each change of the answer as a line of JSON.")
@description_options.bundled
@bundled
@audit
@trust
@require_signature
@options.verbose
def command(
    model: str,
    source: str,
    source_options: SourceOptions,
    crop: "CropBox | None",
    square: bool | None,
    invert: "Invert",
    threshold: "MinScore",
    consecutive: int,
    shadow: str | None,
    webhook: str | None,
    mqtt_options: MqttOptions,
    page_options: PageOptions,
    frames: int | None,
    dry_run: bool,
    as_json: bool,
    runtime_options: RuntimeOptions,
    description: "Description | None",
) -> None:
    """Watch a camera with MODEL, a .tflite file or the name of a bundled model, and print when the answer changes.

    A page shows what the network sees, to this machine alone unless --host says otherwise. It ends with the source,
    after --frames, or with Ctrl-C.

    Example: edgecnn live fashion-mnist --source samples
    """
    from edgecnn.device.live.steady import Steady
    from edgecnn.device.live.tally import Tally
    from edgecnn.device.live.watcher import Watcher
    from edgecnn.device.min_score import resolve_min_score

    from ..classifier import open_classifier
    from ..status_line import StatusLine

    region = chosen_crop(crop, square, otherwise=True)
    classifier = open_classifier(model, runtime_options, description)
    least, line = resolve_min_score(threshold, classifier.card, model), StatusLine()

    def tell(sentence: str) -> None:
        line.clear()
        printing.note(sentence)

    watcher = Watcher(
        classifier,
        source,
        source_options.settings(paced=True),
        crop=region,
        invert=invert,
        steady=Steady(least, consecutive),
        tell=tell,
    )
    tally = Tally(classifier.labels, least)
    watcher.listeners.append(tally)
    watcher.change_listeners.append(tally.change)
    with contextlib.ExitStack() as outlets:
        if "NOTIFY_SOCKET" in os.environ and not dry_run:
            _tell_service_manager(watcher, outlets)
        open_shadow(watcher, shadow, runtime_options.run_options(description), invert, outlets)
        _add_outlets(watcher, line, as_json, webhook, outlets)
        if dry_run:
            mqtt_options.check()
            page_options.check()
            return
        mqtt_options.open(watcher, tally, model, outlets)
        page_options.open(watcher, tally, model, least, outlets)
        _run(watcher, frames)
        line.clear()
        print_report(watcher, as_json)
    status = watcher.status
    looked_at = "1 frame" if status.frames == 1 else f"{status.frames:,} frames"
    printing.note(f"{looked_at}, {status.dropped:,} dropped, {status.damaged:,} damaged")
    click.get_current_context().exit(1 if status.damaged and not status.frames else 0)


def _add_outlets(
    watcher: "Watcher", line: "StatusLine", as_json: bool, webhook: str | None, outlets: contextlib.ExitStack
) -> None:
    """Have changes told where the options say; `outlets` closes what must be closed."""
    if webhook:
        from edgecnn.device.live.outlets.webhook import Webhook

        with wrong_usage.bad_value("--webhook"):
            hook = Webhook(webhook, watcher.notes[0])
        outlets.callback(_close_webhook, hook)
        watcher.change_listeners.append(hook)
    if as_json:
        from edgecnn.device.live.outlets.json_lines import JsonLines

        watcher.change_listeners.append(JsonLines(sys.stdout))
    else:
        watcher.change_listeners.append(_Print(line))
    if line.is_terminal:
        watcher.listeners.append(_Show(watcher, line))


def _close_webhook(hook: "Webhook") -> None:
    hook.close()
    missed = hook.lost + hook.waiting
    if missed:
        printing.note(f"the webhook did not take {missed:,} {'change' if missed == 1 else 'changes'}")


def _tell_service_manager(watcher: "Watcher", outlets: contextlib.ExitStack) -> None:
    from edgecnn.device.live.notify import tell_service_manager

    manager = tell_service_manager(watcher)
    if manager is not None:
        outlets.enter_context(manager)


def _run(watcher: "Watcher", frames: int | None) -> None:
    from ..stopping import stopped_by_signals

    with stopped_by_signals(watcher.stop):
        watcher.run(frames)
    if watcher.shadow:
        watcher.shadow.finish()


class _Print:
    """A line for each change."""

    def __init__(self, line: "StatusLine") -> None:
        self._line = line

    def __call__(self, change: "Change") -> None:
        self._line.clear()
        verdict = change.verdict
        text = f"{time.strftime('%H:%M:%S', time.localtime(verdict.since))}  {verdict.label}"
        text += f" {verdict.score:.1%}" if verdict.index is not None else f" ({verdict.reason})"
        printing.say(f"{text} ({'; '.join(change.drift)})" if change.drift else text)


class _Show:
    """What is seen now, on a terminal, written over a few times a second."""

    def __init__(self, watcher: "Watcher", line: "StatusLine") -> None:
        self._watcher, self._line = watcher, line
        self._shown, self._frames = time.monotonic(), 0

    def __call__(self, seen: "Observation") -> None:
        now = time.monotonic()
        if now - self._shown < _BETWEEN_STATUS:
            return
        status, best = self._watcher.status, seen.predictions[0]
        rate = (status.frames - self._frames) / (now - self._shown)
        age_ms = 1000 * (seen.ready - seen.frame.monotonic)
        self._shown, self._frames = now, status.frames
        text = f"{best.label} {best.score:.1%}  {rate:.0f} frames/s, {age_ms:.0f} ms old, {status.dropped:,} dropped"
        self._line.show(f"{text}; {status.shadow}" if status.shadow else text)
