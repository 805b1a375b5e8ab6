"""What a station says over MQTT, without a broker."""

from pathlib import Path
from typing import Any

from edgecnn.device import Classifier
from edgecnn.device.live.outlets.counter_file import CounterFile
from edgecnn.device.live.outlets.reports import Reports
from edgecnn.device.live.proof import prove
from edgecnn.device.live.sources.source import SourceSettings
from edgecnn.device.live.station import describe_station
from edgecnn.device.live.steady import Steady
from edgecnn.device.live.tally import Tally
from edgecnn.device.live.watcher import Watcher


class ReportedWatcher:
    """A watcher of images that follow one another for ever, and its reports.

    Attributes:
        watcher: not running yet.
        reports: of it.
        told: what a person was told.
    """

    def __init__(self, images: Path | str, counters: Path, device: str = "pi-1", interval: float = 30.0) -> None:
        self.told: list[str] = []
        classifier = Classifier("fashion-mnist.activations")
        settings = SourceSettings(fps=100, loop=True)
        self.watcher = Watcher(classifier, str(images), settings, steady=Steady(0.1, 1), tell=self.told.append)
        tally = Tally(classifier.labels, 0.8)
        self.watcher.listeners.append(tally)
        self.watcher.change_listeners.append(tally.change)
        file = CounterFile(counters, classifier.labels, self.told.append)
        station, proof = describe_station(classifier, "fashion-mnist.activations"), prove(classifier)
        self.reports = Reports(device, station, self.watcher, tally, file, proof=proof, interval=interval)


def messages(folder: Path) -> dict[str, list[Any]]:
    """Each kind before the first frame and after some, of which one is unlike the calibration; by its schema's name."""
    from PIL import Image

    from edgecnn.model_file.bundled import sample_images

    images = folder / "watched"
    images.mkdir()
    Image.open(sample_images()[0]).save(images / "0.png")
    Image.new("L", (60, 60), 255).save(images / "1.png")
    one = ReportedWatcher(images, folder / "counters.json")
    told: dict[str, list[Any]] = {
        "mqtt-state": [one.reports.state()],
        "mqtt-counters": [one.reports.counters()],
        "mqtt-result": [one.reports.first_result()],
    }
    one.watcher.change_listeners.append(lambda change: told["mqtt-result"].append(change.row()))
    one.watcher.run(3)
    one.reports.save()
    told["mqtt-state"].append(one.reports.state())
    told["mqtt-counters"].append(one.reports.counters())
    assert told["mqtt-state"][1]["drift"] or told["mqtt-counters"][1]["drift"]
    return told
