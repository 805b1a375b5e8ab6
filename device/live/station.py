"""What runs here: the part of what MQTT and Prometheus tell that does not change."""

from dataclasses import dataclass
from pathlib import Path

from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import sha256
from edgecnn.optional_packages import version_of

from ..classifier import Classifier


@dataclass(frozen=True)
class Station:
    """What runs here.

    Attributes:
        model: the file's name, or that of a bundled model.
        network_sha256: of the network in the file, which the card says too.
        edgecnn: its version.
        runtime: name and version of what runs the model.
        model_sha256: of the whole file, with card and signature.
        release: name of the release that the file belongs to; None where it lies in none.
    """

    model: str
    network_sha256: str
    edgecnn: str
    runtime: str
    model_sha256: str = ""
    release: str | None = None


def describe_station(classifier: Classifier, model: str) -> Station:
    """What runs `classifier`, which was loaded from `model`."""
    packed = classifier.loaded.packed
    return Station(
        Path(model).name,
        packed.flatbuffer_sha256,
        version_of("edgecnn"),
        classifier.runtime,
        sha256(packed.content),
        release_of(find_model(model)),
    )


def release_of(model: Path) -> str | None:
    """The name of a model's release: of the folder `releases/NAME` that its file lies in, whatever links lead there."""
    folder = model.resolve().parent
    return folder.name if folder.parent.name == "releases" else None
