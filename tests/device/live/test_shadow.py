"""A model in the shadow: it sees what the other sees, its agreement is counted, its faults reach no further."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from edgecnn import InputError, ModelFileError
from edgecnn.device import Classifier, Description
from edgecnn.device.live import shadow as shadow_module
from edgecnn.device.live.outlets.metrics import metrics_text
from edgecnn.device.live.shadow import Shadow
from edgecnn.device.live.shadow_report import ShadowReport
from edgecnn.device.live.sources.source import SourceSettings
from edgecnn.device.live.station import describe_station
from edgecnn.device.live.tally import Tally
from edgecnn.device.live.watcher import Watcher
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.utc import utc
from tests.support.cameras import garment
from tests.support.command_line import Run, sentence
from tests.support.model_files import write_bare
from tests.support.processes import in_time

MODEL = "fashion-mnist"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="a process is given a socket")


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(MODEL)


@pytest.fixture(scope="module")
def garments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("garments")
    for number in range(10):
        (folder / f"{number}.jpg").write_bytes(garment(number, (200, 120)))
    return folder


def child_of(parent: int) -> int:
    """The process of the shadow that `parent` has started."""
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            is_child = f"PPid:\t{parent}\n" in (path / "status").read_text()
            if is_child and b"shadow_child.py" in (path / "cmdline").read_bytes():
                return int(path.name)
    raise AssertionError("there is no such process")


def shadowed(watcher: Watcher, shadow: Shadow, frames: int | None = None) -> ShadowReport:
    watcher.shadow = shadow
    watcher.listeners.append(shadow)
    watcher.run(frames)
    shadow.finish()
    return shadow.report()


def test_disagreements_are_those_of_the_two_models(classifier: Classifier, garments: Path, tmp_path: Path) -> None:
    # The same network without a card, of which it is said that dark is light: it names other classes.
    bare = write_bare(tmp_path / "new.tflite")
    said = Description(labels=classifier.labels, input_range=(1, 0))
    other = Classifier(bare, description=said)
    both = [
        tuple(one.classify(path, crop="square")[0].label for one in (classifier, other))
        for path in sorted(garments.iterdir())
    ]
    shadow = Shadow(bare, classifier.labels, RunOptions(description=said))
    process = child_of(os.getpid())
    try:
        report = shadowed(Watcher(classifier, str(garments), SourceSettings(fps=15)), shadow)
    finally:
        shadow.close()
    assert not Path(f"/proc/{process}").exists()
    assert report.frames + report.skipped == 10 and report.frames >= 3 and not report.trouble
    expected = Counter((old, new) for old, new in both if old != new)
    assert len(expected) > 2 and all(count <= expected[kind] for kind, count in report.disagreements.items())
    assert report.agreeing == report.frames - sum(report.disagreements.values())
    if not report.skipped:
        assert report.disagreements == dict(expected)
    assert report.latency_ms and report.model_latency_ms


def test_agreement_has_wilsons_interval() -> None:
    report = ShadowReport("n", "0" * 64, 50, 45, 3, 2.0, 1.0, {("a", "b"): 1, ("b", "a"): 4}, "")
    # Newcombe, Statistics in Medicine 17 (1998), method 3, by hand: (p + z²/2n ± z √(pq/n + z²/4n²)) / (1 + z²/n).
    n, p, z = 50, 0.9, 1.959964
    middle, half = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    assert report.interval == pytest.approx(
        ((middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)), 1e-4
    )
    assert report.agreement == report.row()["agreement"] == 0.9
    assert [one["label"] for one in report.row()["disagreements"]] == ["b", "a"]
    nothing = ShadowReport("n", "0" * 64, 0, 0, 0, None, None, {}, "")
    assert nothing.agreement is None and nothing.interval is None


def test_a_shadow_that_hangs_holds_nothing_up_and_is_ended(
    classifier: Classifier, garments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow_module, "_PATIENCE", 1.0)
    told: list[str] = []
    shadow = Shadow(MODEL, classifier.labels, RunOptions(), tell=told.append)
    try:
        process = child_of(os.getpid())
        os.kill(process, signal.SIGSTOP)
        watcher = Watcher(classifier, str(garments), SourceSettings(fps=100, loop=True))
        began = time.monotonic()
        report = shadowed(watcher, shadow, 40)
        assert report.frames == 0 and time.monotonic() - began < 30  # of 40 s, were each frame held up
        assert report.trouble == f"{MODEL} hangs: it gave no answer within 1 s" and watcher.status.frames == 40
        assert told == [f"the shadow has ended: {report.trouble}, after 0 frames; the model that answers goes on"]
        station, status = describe_station(classifier, MODEL), watcher.status
        tally = Tally(classifier.labels, 0.8)
        text = metrics_text(tally.counts(0, 0), tally.moment(), status, station, report)
        assert (
            'edgecnn_shadow_up{model="fashion-mnist",network_sha256=' in text
            and "edgecnn_shadow_frames_total 0" in text
        )
        assert report.trouble in status.shadow
    finally:
        shadow.close()
    assert not Path(f"/proc/{process}").exists()


def test_other_classes_are_refused(classifier: Classifier, edgecnn: Run, garments: Path, tmp_path: Path) -> None:
    bare = write_bare(tmp_path / "new.tflite")
    backwards = Description(labels=tuple(reversed(classifier.labels)), input_range=(0, 1))
    with pytest.raises(InputError, match=r"new\.tflite cannot be the shadow: .*: they are in another order"):
        Shadow(bare, classifier.labels, RunOptions(description=backwards))
    renamed = Description(labels=("Stiefel", *classifier.labels[1:]), input_range=(0, 1))
    with pytest.raises(InputError, match="it lacks T-shirt/top and it has Stiefel"):
        Shadow(bare, classifier.labels, RunOptions(description=renamed))
    options = ("--source", garments, "--no-page", "--shadow")
    assert "it lacks T-shirt/top" in sentence(edgecnn("live", MODEL, *options, bare))
    assert "no model file nothing.tflite" in sentence(edgecnn("live", MODEL, *options, "nothing.tflite"))
    (tmp_path / "damaged.tflite").write_bytes(bare.read_bytes()[:5000])
    with pytest.raises(ModelFileError, match=r"damaged\.tflite"):
        Shadow(tmp_path / "damaged.tflite", classifier.labels, RunOptions())
    assert edgecnn("live", MODEL, *options, MODEL, "--dry-run").exit_code == 0


def test_a_shadow_that_is_killed_leaves_the_answers_alone(garments: Path) -> None:
    command = [sys.executable, "-m", "edgecnn", "live", MODEL, "--shadow", f"{MODEL}.activations", "--json", "--loop"]
    command += ["--source", str(garments), "--fps", "50", "--no-page", "--threshold", "0", "--consecutive", "1"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process, in_time(process):
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()  # frames are being classified
        os.kill(child_of(process.pid), signal.SIGSEGV)
        said = next(line for line in process.stderr if "the model that answers goes on" in line)
        heard = utc(time.time())
        assert next(line for line in process.stdout if json.loads(line)["time"] > heard)
        process.send_signal(signal.SIGINT)
        rest, more = process.communicate()
    last = json.loads(rest.splitlines()[-1])
    assert process.returncode == 0 and "goes on" not in more and "Traceback" not in said + more
    assert last["shadow"]["trouble"] == f"{MODEL}.activations ended its process (Segmentation fault)"
    assert last["shadow"]["trouble"] in said
