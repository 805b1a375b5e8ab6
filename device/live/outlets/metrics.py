"""`GET /metrics`: the counts and the state of a watcher for Prometheus, in its text format 0.0.4.

Counters begin at zero with the process, as Prometheus expects of them. The format is one rule of escaping and a line a
sample: for that the package prometheus-client would take 12 MB of memory.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..observation import Status
from ..shadow_report import ShadowReport
from ..station import Station
from ..steady import Verdict
from ..tally import EDGES, Counts, Moment, Tally

if TYPE_CHECKING:
    from ..watcher import Watcher

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Samples = Iterable[tuple[Mapping[str, str], float]]


def metrics_route(watcher: "Watcher", tally: Tally, station: Station) -> Route:
    """The route `/metrics`.

    Args:
        watcher: whose status is told.
        tally: a listener of `watcher`.
        station: what runs here.
    """

    async def answer(_: Request) -> Response:
        status = watcher.status
        counts = tally.counts(status.dropped, status.damaged)
        shadow = watcher.shadow.report() if watcher.shadow else None
        text = metrics_text(counts, tally.moment(), status, station, shadow)
        return Response(text.encode(errors="backslashreplace"), media_type=MEDIA_TYPE)

    return Route("/metrics", answer)


def metrics_text(
    counts: Counts, moment: Moment, status: Status, station: Station, shadow: ShadowReport | None = None
) -> str:
    """The whole answer."""
    families = [*_counters(counts), _histogram(counts), *_gauges(moment, status, station)]
    if shadow:
        families += _of_shadow(shadow)
    return "".join(line for family in families for line in family)


def _counters(counts: Counts) -> Iterator[Iterator[str]]:
    plain = {
        "frames": (counts.frames, "Frames that were classified."),
        "dropped_frames": (counts.dropped, "Frames that made way for newer ones."),
        "damaged_frames": (counts.damaged, "Frames that were no whole images."),
        "doubtful_frames": (counts.doubtful, "Frames of which no class reached the threshold."),
        "answer_changes": (counts.changes, "Changes of the steady answer."),
    }
    for name, (value, words) in plain.items():
        yield _family(f"{name}_total", "counter", words, [({}, value)])
    yield _family(
        "class_frames_total",
        "counter",
        "Frames by their best class.",
        [({"class": label}, count) for label, count in counts.classes.items()],
    )
    yield _family(
        "drift_frames_total",
        "counter",
        "Frames at which the newest look found a layer unlike its calibration.",
        [({"layer": layer, "kind": kind}, count) for (layer, kind), count in counts.drift.items()],
    )


def _histogram(counts: Counts) -> Iterator[str]:
    name = "edgecnn_score"
    yield f"# HELP {name} Score of the best class of each frame.\n# TYPE {name} histogram\n"
    for edge, below in zip(EDGES, accumulate(counts.scores), strict=True):
        yield _sample(f"{name}_bucket", {"le": str(edge)}, below)
    yield _sample(f"{name}_bucket", {"le": "+Inf"}, counts.frames)
    yield _sample(f"{name}_sum", {}, counts.score_sum)
    yield _sample(f"{name}_count", {}, counts.frames)


def _gauges(moment: Moment, status: Status, station: Station) -> Iterator[Iterator[str]]:
    yield _family("info", "gauge", "What runs here.", [(_info_labels(station), 1)])
    is_up = status.running and not status.trouble
    yield _family("source_up", "gauge", "1 while the source gives frames, 0 if not.", [({}, is_up)])
    age: Samples = [] if moment.age is None else [({}, moment.age)]
    yield _family("last_frame_age_seconds", "gauge", "Since the newest classified frame came.", age)
    yield _family("frames_per_second", "gauge", "Classified frames, over the last minute.", [({}, moment.rate)])
    answer = moment.answer
    told: Samples = [] if answer is None else [(_answer_labels(answer), 1)]
    yield _family("answer", "gauge", "The steady answer: the class in the label.", told)
    drift = {(one.layer, one.kind): None for one in moment.drift}
    yield _family(
        "drift",
        "gauge",
        "1 for a layer that is unlike its calibration now.",
        [({"layer": layer, "kind": kind}, 1) for layer, kind in drift],
    )


def _of_shadow(shadow: ShadowReport) -> Iterator[Iterator[str]]:
    """Of the model that runs beside the one that answers."""
    told = {"model": shadow.model, "network_sha256": shadow.network_sha256}
    yield _family("shadow_up", "gauge", "1 while the shadow runs, 0 when it has ended.", [(told, not shadow.trouble)])
    yield _family("shadow_frames_total", "counter", "Frames that both models classified.", [({}, shadow.frames)])
    words = "Frames of which both models name the same class."
    yield _family("shadow_agreeing_frames_total", "counter", words, [({}, shadow.agreeing)])
    words = "Frames that the shadow was too busy for."
    yield _family("shadow_skipped_frames_total", "counter", words, [({}, shadow.skipped)])
    yield _family(
        "shadow_disagreements_total",
        "counter",
        "Frames by the class of the model that answers and that of the shadow.",
        [({"class": label, "shadow": other}, count) for (label, other), count in shadow.disagreements.items()],
    )
    latencies = {"shadow": shadow.latency_ms, "answering": shadow.model_latency_ms}
    yield _family(
        "shadow_latency_seconds",
        "gauge",
        "Median time of each model for the same frames.",
        [({"model": which}, milliseconds / 1000) for which, milliseconds in latencies.items() if milliseconds],
    )


def _info_labels(station: Station) -> dict[str, str]:
    return {name: str(getattr(station, name)) for name in ("model", "network_sha256", "edgecnn", "runtime")}


def _answer_labels(answer: Verdict) -> dict[str, str]:
    # A model may have a class called unknown: that has an index.
    index = "" if answer.index is None else str(answer.index)
    return {"class": answer.label, "index": index, "reason": answer.reason}


def _family(name: str, kind: str, words: str, samples: Samples) -> Iterator[str]:
    yield f"# HELP edgecnn_{name} {words}\n# TYPE edgecnn_{name} {kind}\n"
    for labels, value in samples:
        yield _sample(f"edgecnn_{name}", labels, value)


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    told = ",".join(f'{key}="{_escape(text)}"' for key, text in labels.items())
    return f"{name}{f'{{{told}}}' if told else ''} {float(value)!r}\n"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
