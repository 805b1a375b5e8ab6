"""The contract between the stages: everything about a model that must not differ between training box and device."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from ..arguments import require_path
from ..errors import InputError, ModelFileError
from ..pixels.input_spec import InputSpec
from ..printable import printable
from .confidence import Confidence
from .json_fields import Count, Share, decode, refuse_constant, unique_fields
from .schemes import SCHEMES

# Rises with every field that is added, renamed or removed; migrations.py has the way from one to the next.
SCHEMA_VERSION = 3
# The name of the output that holds the class scores, in every TFLite signature that edgecnn writes.
PROBABILITIES = "probabilities"
INPUT = "image"  # the name of the input, there and among the ranges of a calibration


@dataclass(frozen=True)
class FeatureMap:
    """One output of the activations variant: the Keras layer's name and class, and its shape.

    Attributes:
        shape: (height, width, channels), or (channels,) of a layer that pools all positions into one.
    """

    name: str
    layer: str
    shape: tuple[Count, ...]


@dataclass(frozen=True)
class LayerRange:
    """What the calibration images made of a layer, in Keras; of the input too, by the name `image`.

    Attributes:
        low: lowest value.
        high: highest value.
        mean_low: lowest of the images' means.
        mean_high: highest of the images' means.
        constant_channels: those that were the same everywhere in all images.
    """

    name: str
    low: float
    high: float
    mean_low: float
    mean_high: float
    constant_channels: tuple[Count, ...] = ()


@dataclass(frozen=True)
class Quantization:
    """How the network is approximated, and the images that calibrated it (none where none are needed).

    Attributes:
        scheme: arithmetic of the converted model, one of `edgecnn.model_file.schemes.SCHEMES`.
        calibration_images: how many; 0 for none.
        calibration_seed: what drew them.
        calibration_sha256: of their raw uint8 bytes, in order; empty for none.
    """

    scheme: str
    calibration_images: Count = 0
    calibration_seed: int = 0
    calibration_sha256: str = ""

    def __post_init__(self) -> None:
        if self.scheme not in SCHEMES:
            raise InputError(f"scheme must be one of {', '.join(SCHEMES)}. Received: {self.scheme!r}")


@dataclass(frozen=True)
class Training:
    """What the weights come from, and the Keras model's figures on the test split (none while it is training).

    Names of files and folders are kept as `edgecnn.printable.printable` shows them: a card takes no others.

    Attributes:
        train_images: how many of the training split were used.
    """

    dataset: str
    dataset_sha256: str
    architecture: str
    recipe: str
    seed: int
    epochs: Count
    train_images: Count = 0
    test_images: Count = 0
    test_accuracy: Share | None = None
    test_loss: float | None = None

    def __post_init__(self) -> None:
        for name in ("dataset", "architecture", "recipe"):
            object.__setattr__(self, name, printable(getattr(self, name)))

    @property
    def is_finished(self) -> bool:
        """Whether it ended by itself or by Ctrl-C: one that is going on, or was killed, has not been tested yet."""
        return self.test_accuracy is not None


@dataclass(frozen=True)
class Parity:
    """How alike the models before and after conversion are.

    Attributes:
        images: on how many they were compared.
        agreement: share of images on which both have the same top-1, 0 to 1.
        keras_accuracy: before, 0 to 1; None, like those that follow, where nobody knows what the images show.
        accuracy: after conversion.
        interval_low: lower end of its 95 % Wilson interval.
        interval_high: upper end.
    """

    images: Count
    agreement: Share
    keras_accuracy: Share | None = None
    accuracy: Share | None = None
    interval_low: Share | None = None
    interval_high: Share | None = None

    @property
    def drop_points(self) -> float | None:
        """Percentage points of accuracy that were lost; None where it is not known."""
        if self.keras_accuracy is None or self.accuracy is None:
            return None
        return 100 * (self.keras_accuracy - self.accuracy)

    @property
    def drop(self) -> float | None:
        """The name that `drop_points` had before edgecnn 0.2."""
        return self.drop_points


@dataclass(frozen=True)
class Provenance:
    """Where the file comes from; SHA-256 in hexadecimal, empty where there is none yet.

    Attributes:
        created: UTC, ISO 8601.
        parent_sha256: of the file this one was made from.
        flatbuffer_sha256: of the flatbuffer that the card is packed behind.
    """

    edgecnn: str
    keras: str
    tensorflow: str
    created: str
    parent_sha256: str = ""
    flatbuffer_sha256: str = ""


@dataclass(frozen=True)
class ModelCard:
    """Everything that travels with a model; frozen, schema-versioned, validated on load.

    Attributes:
        name: for people, in printable characters.
        labels: class names in output order, fixed at training time.
        feature_maps: outputs of the activations variant, in network order; empty before conversion.
        ranges: of the input and of every feature map at calibration; empty before conversion.
        confidence: what this model's scores are worth; None where nothing told.
    """

    name: str
    labels: tuple[str, ...]
    input: InputSpec
    quantization: Quantization
    provenance: Provenance
    feature_maps: tuple[FeatureMap, ...] = ()
    training: Training | None = None
    parity: Parity | None = None
    ranges: tuple[LayerRange, ...] = ()
    confidence: Confidence | None = None
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", printable(self.name))
        if len(self.labels) < 2:
            raise InputError(f"labels must name at least 2 classes. Received: {list(self.labels)}")
        if len({label for label in self.labels if isinstance(label, str) and label.strip()}) != len(self.labels):
            raise InputError(f"labels must be unique and not empty. Received: {list(self.labels)}")

    @property
    def is_exported(self) -> bool:
        """Whether edgecnn made the file of a Keras model; else another tool did, and `edgecnn pack` wrote the card."""
        return bool(self.provenance.keras)

    def to_json(self) -> str:
        """The card as indented JSON, ending in a newline."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, where: str = "card") -> "ModelCard":
        """Read and validate a card; one of an older schema version is brought up to date, see migrations.py.

        Args:
            text: JSON, UTF-8 if bytes.
            where: names the card in errors.

        Raises:
            ModelFileError: not JSON, written by a newer edgecnn, or with a missing, unknown or wrong field (named).
        """
        try:
            text = text.decode("utf-8-sig") if isinstance(text, bytes) else text  # json.loads would take UTF-16 too
            data = json.loads(text, parse_constant=refuse_constant, object_pairs_hook=unique_fields)
        except (ValueError, TypeError, RecursionError) as error:
            raise ModelFileError(f"{where} is not valid JSON ({error}); train or convert the model again") from None
        if isinstance(data, dict) and data.get("schema_version") != SCHEMA_VERSION:
            from .migrations import migrate

            data = migrate(data, SCHEMA_VERSION, where)
        try:
            return decode(cls, data, where)
        except ModelFileError as error:
            raise ModelFileError(f"{error}; train or convert the model again") from None

    @classmethod
    def load(cls, path: str | Path) -> "ModelCard":
        """Read card.json at `path`.

        Raises:
            ModelFileError: missing, unreadable or not a valid card.
            InputError: `path` is no path.
        """
        try:
            text = require_path(path, "a model card").read_bytes()
        except OSError as error:
            raise ModelFileError(
                f"cannot read the model card {path} ({error.strerror}); it belongs beside model.keras: "
                "copy it from where the run was made, or make the run again; of a model that was trained elsewhere, "
                "edgecnn convert makes a .tflite file with --labels and --representative"
            ) from None
        return cls.from_json(text, where=str(path))

    def save(self, path: str | Path) -> None:
        """Write the card as JSON to `path`, replacing what is there.

        Raises:
            OutputError: `path` cannot be written; an InputError if it is no path.
        """
        from ..atomic_files import write_bytes

        write_bytes(require_path(path, "a model card"), self.to_json().encode())
