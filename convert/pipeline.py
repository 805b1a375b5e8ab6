"""A conversion in three steps, each with its result: export → compare with Keras → pack."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.atomic_files import together, write_bytes
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.device.runtime.session import Session
from edgecnn.device.runtime.trial import vouch_for
from edgecnn.errors import EdgecnnError
from edgecnn.model_file.card import PROBABILITIES, LayerRange, Parity
from edgecnn.model_file.confidence import Confidence
from edgecnn.model_file.container import PackedModel, pack_card, unpack
from edgecnn.model_file.golden_probes import ProbeModels, golden_probes, most_bytes
from edgecnn.model_file.provenance import stamp
from edgecnn.model_file.tflite_graph import read_graph
from edgecnn.pixels.dataset import Images

from . import run_cache
from .comparison.agreement import parity_of
from .comparison.answers import answer_all
from .comparison.ranges import cut_ranges
from .comparison.variant import variant_layers
from .network import calibration
from .network.extent import require_finite
from .network.keras_network import KerasNetwork
from .network.pixels_in import fed_with_pixels
from .original import Original
from .pair import Pair
from .request import ConversionRequest
from .result import Conversion, ConvertedFile, LayerParity
from .score_judgement import judge_converted_scores
from .targets.rules import finish_files, require_supported
from .targets.table import TARGETS
from .targets.target import ExportSettings
from .tflite.export import to_flatbuffer
from .tflite.float32_size import float32_size
from .tflite.prune_outputs import keep_output
from .tuning.record import TuningRecord
from .tuning.tuning import tune

Progress = Callable[[str], None]
_CONVERTED = "the converted model"


@dataclass(frozen=True)
class Exported:
    """What export leaves.

    Attributes:
        network: as it was exported: with the card's scale and offset inside where the target wants it.
        calibration_images: the representative data set.
        flatbuffers: what the target runs.
        float32_bytes: size that the bare float32 model has.
        record: what was exported in place of Keras' numbers; None where they are as converted.
        cut: the layers whose values the file cuts off, in words.
    """

    network: KerasNetwork
    calibration_images: Pixels
    flatbuffers: Pair[bytes]
    float32_bytes: int
    record: TuningRecord | None
    cut: tuple[str, ...]


@dataclass(frozen=True)
class Compared:
    """What comparison leaves.

    Attributes:
        expected: Keras' probabilities of the test split, float32 (images, classes).
        probabilities: those of the converted model, likewise.
        parity: of both.
        models: what answers to other images.
        bit_equal: whether model and variant gave equal probabilities; None without variant.
        layers: of the variant, against Keras; empty without variant.
    """

    expected: npt.NDArray[np.float32]
    probabilities: npt.NDArray[np.float32]
    parity: Parity
    models: ProbeModels
    bit_equal: bool | None
    layers: tuple[LayerParity, ...]


def run(original: Original, request: ConversionRequest, progress: Progress) -> Conversion:
    """Do the conversion and write its files; see `edgecnn.convert.convert`."""
    dataset = original.dataset
    requested = ExportSettings(request.scheme, request.io, request.dense_per_tensor)
    settings = TARGETS[request.target].settings(requested, original.card.input)
    exported = _export(original, request, settings, progress)
    progress(f"Keras: {len(dataset.test):,} images")
    ranges = original.ranges(exported.network, exported.calibration_images)
    expected = original.expected
    for seen in ranges:
        require_finite(seen.name, seen.low, seen.high, seen.mean_low, seen.mean_high)
    compared = _compare(exported, original, expected, request.scheme, progress)
    judged = judge_converted_scores(compared.probabilities, original.card, dataset, compared.models.host)
    warnings = tuple(one.words for one in original.suspicions)
    conversion = _pack(exported, compared, ranges, judged.confidence, original, request)
    return dataclasses.replace(conversion, confidence=judged.confidence, doubt=judged.doubt, warnings=warnings)


def _export(original: Original, request: ConversionRequest, settings: ExportSettings, progress: Progress) -> Exported:
    target, dataset = TARGETS[request.target], original.dataset
    network = fed_with_pixels(original.network) if settings.pixels_in else original.network
    images = calibration.draw_images(dataset.train, request.calibration_images, request.seed)
    representative = network.fed(calibration.pinned(images))
    progress(f"converting: {settings.scheme}")
    # The plain model is cut out of its variant: it is the same with and without one, and the maps' figures are its own.
    with_maps = to_flatbuffer(
        network.with_maps,
        settings.scheme,
        representative,
        settings.io,
        settings.dense_per_tensor,
        lambda: run_cache.of_float32(original.run, network),
    )
    cut = tuple(one.warning for one in cut_ranges(with_maps, original.ranges(network, images)))
    record = None
    if request.qat is not None:
        real, parent = run_cache.in_float32(original.run, network).flatbuffer, original.model_sha256
        tuned = tune(with_maps, real, network, dataset.train, request.qat, request.seed, parent, progress)
        with_maps, record = tuned.flatbuffer, tuned.record
    flatbuffers = Pair(keep_output(with_maps, PROBABILITIES), with_maps if request.activations else None)
    for flatbuffer in flatbuffers:
        require_supported(target, read_graph(flatbuffer, _CONVERTED))
    flatbuffers = dataclasses.replace(flatbuffers, plain=target.finish_flatbuffer(flatbuffers.plain, network.card))
    is_float32 = settings.scheme == "float32"
    float32_bytes = len(flatbuffers.plain) if is_float32 else float32_size(flatbuffers.plain)
    return Exported(network, images, flatbuffers, float32_bytes, record, cut)


def _compare(
    exported: Exported,
    original: Original,
    expected: npt.NDArray[np.float32],
    scheme: str,
    progress: Progress,
) -> Compared:
    network, test = exported.network, original.dataset.test
    progress(f"running {len(test):,} images")
    models = exported.flatbuffers.map(lambda flatbuffer: PackedModel(_CONVERTED, flatbuffer, None, None))
    plain = Session(models.plain)

    def answer(images: Images) -> npt.NDArray[np.float32]:
        return answer_all(plain, models.plain, images, network.card.input)

    probabilities = answer(test.images)
    if not np.isfinite(probabilities).all():
        raise EdgecnnError(f"converted to {scheme}, the network gives probabilities that are no numbers; use another")
    compared = Compared(
        expected=expected,
        probabilities=probabilities,
        parity=parity_of(expected, probabilities, test.labels),
        models=ProbeModels(network.predict, answer, plain.runtime),
        bit_equal=None,
        layers=(),
    )
    if models.activations is None:
        return compared
    progress(f"comparing the feature maps of {len(original.some_images)} images")
    batches = original.network.maps_of(original.some_images)
    layers = variant_layers(plain, Session(models.activations), batches, network.card.input)
    return dataclasses.replace(compared, bit_equal=True, layers=layers)


def _pack(
    exported: Exported,
    compared: Compared,
    ranges: tuple[LayerRange, ...],
    confidence: Confidence | None,
    original: Original,
    request: ConversionRequest,
) -> Conversion:
    network, target, paths = exported.network, TARGETS[request.target], request.paths(original.run)
    dataset = original.dataset
    card = dataclasses.replace(
        network.card,
        feature_maps=network.maps,
        quantization=calibration.quantization_of(request.scheme, exported.calibration_images, request.seed),
        ranges=ranges,
        parity=compared.parity,
        confidence=confidence,
        provenance=stamp(parent_sha256=original.model_sha256),
    )
    # The same ones in both files, which answer alike.
    golden = golden_probes(
        dataset.test,
        compared.expected,
        compared.probabilities,
        compared.models,
        card.input,
        request.seed,
        most_bytes(len(exported.flatbuffers.plain)),
    )

    def write(path: Path, flatbuffer: bytes) -> ConvertedFile:
        packed = pack_card(flatbuffer, card, golden.to_bytes(), stored=target.stores_members)
        write_bytes(path, packed)
        vouch_for(unpack(packed, str(path)), RunOptions())
        ratio = len(packed) / (exported.float32_bytes + len(packed) - len(flatbuffer))
        return ConvertedFile(path, len(packed), ratio, compared.parity)

    stale = [path for path in request.stale_paths(original.run) if path.exists()]
    with together(stale):
        files = [write(*each) for each in zip(paths, exported.flatbuffers, strict=True)]
        if exported.record:
            record = dataclasses.replace(exported.record, created=card.provenance.created)
            write_bytes(request.folder(original.run).tuning_record(request.scheme), record.to_bytes())
    notes = _of_many_maps(network) if request.activations and not request.feature_layers else ()
    compiled, own_notes = finish_files(target, paths, read_graph(exported.flatbuffers.plain, _CONVERTED))
    notes += tuple(f"{path.name} was of the conversion before and is removed" for path in stale if not path.exists())
    return Conversion(
        scheme=request.scheme,
        plain=files[0],
        activations=files[1] if len(files) > 1 else None,
        float32_bytes=exported.float32_bytes,
        bit_equal=compared.bit_equal,
        layers=compared.layers,
        notes=(*exported.cut, *own_notes, *notes, *(exported.record.notes(dataset) if exported.record else ())),
        compiled=compiled,
    )


_MANY_VALUES = 4_000_000  # 4 to 16 MB that a device writes for every image


def _of_many_maps(network: KerasNetwork) -> tuple[str, ...]:
    """A proposal where the activations variant gives more than anybody looks at."""
    values = sum(int(np.prod(layer.shape)) for layer in network.maps)
    if values < _MANY_VALUES:
        return ()
    return (
        f"the activations variant gives {len(network.maps)} feature maps of {values:,} values an image; "
        f"--feature-layers {network.maps[-1].name!r}, say, gives those of the layers that you name",
    )
