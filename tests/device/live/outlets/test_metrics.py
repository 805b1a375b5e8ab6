"""What Prometheus reads: every sample by its own parser, and by promtool where it is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the page needs edgecnn[live]")
parser = pytest.importorskip("prometheus_client.parser", reason="read by prometheus-client, of edgecnn[dev]")

from edgecnn.device import Classifier  # noqa: E402
from edgecnn.device.drift import Drift  # noqa: E402
from edgecnn.device.live.observation import Status  # noqa: E402
from edgecnn.device.live.outlets.metrics import metrics_route, metrics_text  # noqa: E402
from edgecnn.device.live.server.guard import Admission  # noqa: E402
from edgecnn.device.live.sources.source import SourceSettings  # noqa: E402
from edgecnn.device.live.station import Station, describe_station  # noqa: E402
from edgecnn.device.live.steady import Steady, Verdict  # noqa: E402
from edgecnn.device.live.tally import Counts, Moment, Tally, no_counts  # noqa: E402
from edgecnn.device.live.watcher import Watcher  # noqa: E402
from tests.support.cameras import garment  # noqa: E402
from tests.support.live_page import served  # noqa: E402

STATION = Station("m.tflite", "0" * 64, "1.2.3", "LiteRT 2")
RUNNING = Status("samples", 5, 1, 0, "", True)
Labels = tuple[tuple[str, str], ...]


def samples(text: str) -> dict[tuple[str, Labels], float]:
    """Every sample of a text by its name and labels, none twice."""
    found: dict[tuple[str, Labels], float] = {}
    for family in parser.text_string_to_metric_families(text):
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def value(text: str, name: str, **labels: str) -> float:
    renamed = {key.removesuffix("_"): one for key, one in labels.items()}
    return samples(text)[f"edgecnn_{name}", tuple(sorted(renamed.items()))]


def linted(text: str) -> None:
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, timeout=20)
        assert done.returncode == 0 and not done.stdout + done.stderr


def test_labels_with_every_character_come_back_as_they_were() -> None:
    names = ['a"b', "c\\d", "e\nf", 'g{h="i"}', "", "\\n", "né 漢 \u202e", "x,y=z"]
    counts = Counts(8, 1, 2, 3, 4, {name: number for number, name in enumerate(names)}, (0,) * 9 + (8,), 7.5,
                    {('l"1\\', "saturated"): 6})  # fmt: skip
    moment = Moment(Verdict('a"b', 0, 0.9, 5.0, 7, "class"), (Drift("l\n2", "saturated", "5 %"),), 5.0, 0.25, 29.5)
    text = metrics_text(counts, moment, RUNNING, STATION)
    for number, name in enumerate(names):
        assert value(text, "class_frames_total", class_=name) == number
    assert value(text, "drift_frames_total", layer='l"1\\', kind="saturated") == 6
    assert value(text, "drift", layer="l\n2", kind="saturated") == 1
    assert value(text, "answer", class_='a"b', index="0", reason="class") == 1
    assert value(text, "last_frame_age_seconds") == 0.25 and value(text, "frames_per_second") == 29.5
    linted(text)


def test_before_the_first_frame_there_is_no_age_and_no_answer() -> None:
    waiting = Status("camera", 0, 0, 0, "the camera gives no frame", True)
    text = metrics_text(no_counts(["a", "b"]), Moment(None, (), None, None, 0.0), waiting, STATION)
    names = {name for name, _ in samples(text)}
    assert not names & {"edgecnn_last_frame_age_seconds", "edgecnn_answer"}
    assert value(text, "source_up") == 0 and value(text, "frames_total") == 0
    linted(text)


def test_a_class_that_is_called_unknown_is_told_from_no_class() -> None:
    for verdict, index in ((Verdict("unknown", 1, 0.9, 5.0, 7, "class"), "1"),
                           (Verdict("unknown", None, 0.1, 5.0, 7, "below threshold"), "")):  # fmt: skip
        text = metrics_text(no_counts(["a", "unknown"]), Moment(verdict, (), 1.0, 1.0, 1.0), RUNNING, STATION)
        assert value(text, "answer", class_="unknown", index=index, reason=verdict.reason) == 1


def test_what_is_served_is_what_was_classified_and_only_for_who_has_the_token(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.jpg").write_bytes(garment(number // 3 * 2))
    classifier = Classifier("fashion-mnist.activations")
    scores = [classifier.classify(tmp_path / f"{number}.jpg", crop="square")[0] for number in range(4)]
    watcher = Watcher(classifier, str(tmp_path), SourceSettings(fps=100), steady=Steady(0.5, 1))
    tally = Tally(classifier.labels, 0.9)
    watcher.listeners.append(tally)
    watcher.change_listeners.append(tally.change)
    watcher.run()
    route = metrics_route(watcher, tally, describe_station(classifier, "models/fashion-mnist.activations"))
    with served(admission=Admission("127.0.0.1", token="t" * 22), routes=[route]) as page:
        assert page.get("/metrics")[0] == 403 and page.get("/metrics", Host="evil.example")[0] == 421
        code, headers, body = page.get("/metrics", Authorization=f"Bearer {'t' * 22}")
    text = body.decode()
    assert code == 200 and headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert value(text, "frames_total") == 4 and value(text, "source_up") == 0  # it has ended
    for label in classifier.labels:
        assert value(text, "class_frames_total", class_=label) == sum(one.label == label for one in scores)
    assert value(text, "doubtful_frames_total") == sum(one.score < 0.9 for one in scores)
    assert value(text, "score_sum") == pytest.approx(sum(one.score for one in scores))
    for edge in (0.1, 0.5, 0.9, 1.0):
        assert value(text, "score_bucket", le=str(edge)) == sum(one.score <= edge for one in scores)
    network = classifier.card.provenance.flatbuffer_sha256 if classifier.card else ""
    assert f'model="fashion-mnist.activations",network_sha256="{network}"' in text
    linted(text)
