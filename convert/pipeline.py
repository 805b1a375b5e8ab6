"""A conversion in three steps, each with its result: export → compare with Keras → pack."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.atomic_files import write_bytes
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.device.runtime.session import Session
from edgecnn.device.runtime.trial import vouch_for
from edgecnn.errors import EdgecnnError, ModelFileError
from edgecnn.model_file.card import PROBABILITIES, ModelCard, Parity
from edgecnn.model_file.container import PackedModel, pack_card, sha256, unpack
from edgecnn.model_file.provenance import stamp
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import RunDirectory

from .comparison.agreement import parity_of
from .comparison.layer_figures import KerasMaps, images_for
from .comparison.suspicion import suspicions_of
from .golden_probes import ProbeModels, golden_probes, most_bytes
from .network import calibration
from .network.feature_maps import with_named_outputs
from .network.keras_network import KerasNetwork
from .network.pixels_in import fed_with_pixels
from .pair import Pair
from .request import ConversionRequest
from .result import Conversion, ConvertedFile, LayerParity
from .targets.rules import require_supported
from .targets.table import TARGETS
from .targets.target import ExportSettings
from .tflite.export import to_flatbuffer
from .tflite.graph import read_graph
from .tflite.prune_outputs import keep_output

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Exported:
    """What export leaves.

    Attributes:
        network: as it was exported: with the card's scale and offset inside where the target wants it.
        calibration_images: the representative data set.
        flatbuffers: what the target runs.
        float32_bytes: size of the bare float32 model.
    """

    network: KerasNetwork
    calibration_images: Pixels
    flatbuffers: Pair[bytes]
    float32_bytes: int


@dataclass(frozen=True)
class Variant:
    """A converted model, run over the test split.

    Attributes:
        raw: its probabilities as the tensor holds them, (images, classes).
        probabilities: float32 (images, classes).
        parity: against Keras.
        answer: from uint8 images (count, height, width, channels) to probabilities.
    """

    session: Session
    raw: npt.NDArray[np.generic]
    probabilities: npt.NDArray[np.float32]
    parity: Parity
    answer: Callable[[Pixels], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Compared:
    """What comparison leaves.

    Attributes:
        expected: Keras' probabilities of the test split, float32 (images, classes).
        variants: both models, run.
        bit_equal: whether both gave equal probabilities; None without variant.
        layers: of the variant, against Keras; empty without variant.
    """

    expected: npt.NDArray[np.float32]
    variants: Pair[Variant]
    bit_equal: bool | None
    layers: tuple[LayerParity, ...]


def run(
    directory: RunDirectory, card: ModelCard, dataset: Dataset, request: ConversionRequest, progress: Progress
) -> Conversion:
    """Do the conversion and write its files; see `edgecnn.convert.convert`."""
    # The plain model is the same with and without its variant, so its maps count in both cases.
    network = KerasNetwork.load(directory.model, card, request.feature_layers)
    requested = ExportSettings(request.scheme, request.io, request.dense_per_tensor)
    settings = TARGETS[request.target].settings(requested, card.input)
    progress(f"Keras: {len(dataset.test):,} images")
    expected = network.predict(dataset.test.images)
    if not np.allclose(expected.sum(axis=1), 1, atol=1e-2) or expected.min() < 0:
        raise ModelFileError(
            f"{directory.model} does not give probabilities (they must sum to 1); end it with a softmax"
        )
    exported = _export(network, dataset, request, settings, progress)
    compared = _compare(exported, expected, dataset, request.scheme, progress)
    warnings = tuple(one.words for one in suspicions_of(network, expected, dataset.test))
    return dataclasses.replace(_pack(exported, compared, directory, dataset, request), warnings=warnings)


def _export(
    network: KerasNetwork, dataset: Dataset, request: ConversionRequest, settings: ExportSettings, progress: Progress
) -> Exported:
    target = TARGETS[request.target]
    if settings.pixels_in:
        network = fed_with_pixels(network)
    images = calibration.draw_images(dataset.train, request.calibration_images, request.seed)
    representative = network.fed(calibration.pinned(images))
    progress(f"converting: {settings.scheme}")
    with_maps = to_flatbuffer(
        network.with_maps, settings.scheme, representative, settings.io, settings.dense_per_tensor
    )
    flatbuffers = Pair(keep_output(with_maps, PROBABILITIES), with_maps if request.activations else None)
    for flatbuffer in flatbuffers:
        require_supported(target, read_graph(flatbuffer))
    flatbuffers = dataclasses.replace(flatbuffers, plain=target.finish_flatbuffer(flatbuffers.plain, network.card))
    float32 = flatbuffers.plain
    if settings.scheme != "float32":
        progress("converting: float32, to compare the size")
        float32 = to_flatbuffer(with_named_outputs(network.model), "float32", representative)
    return Exported(network, images, flatbuffers, len(float32))


def _compare(
    exported: Exported, expected: npt.NDArray[np.float32], dataset: Dataset, scheme: str, progress: Progress
) -> Compared:
    network, test = exported.network, dataset.test

    def run_variant(flatbuffer: bytes, which: str = "") -> Variant:
        progress(f"running {len(test):,} images{which}")
        session = Session(PackedModel("the converted model", flatbuffer, None, None))
        output = session.outputs[PROBABILITIES]

        def answer(images: Pixels) -> npt.NDArray[np.float32]:
            return output.dequantize(session.run_all(images, network.card.input, output))

        raw = session.run_all(test.images, network.card.input, output)
        probabilities = output.dequantize(raw)
        if not np.isfinite(probabilities).all():
            raise EdgecnnError(
                f"converted to {scheme}, the network gives probabilities that are no numbers; use another"
            )
        return Variant(session, raw, probabilities, parity_of(expected, probabilities, test.labels), answer)

    plain = run_variant(exported.flatbuffers.plain)
    if exported.flatbuffers.activations is None:
        return Compared(expected, Pair(plain), None, ())
    variant = run_variant(exported.flatbuffers.activations, " through the activations variant")
    if not np.array_equal(plain.raw, variant.raw):
        raise EdgecnnError(
            "the activations variant gives other probabilities than the plain model, so its feature maps would be of "
            "another network; nothing was written, use --no-activations and report this model"
        )
    keras = KerasMaps(network, test.sample(min(images_for(network.maps), len(test))).images)
    figures = keras.compare(variant.session, network.card.input)
    layers = tuple(LayerParity(layer.name, layer.sqnr_db) for layer in figures)
    return Compared(expected, Pair(plain, variant), True, layers)


def _pack(
    exported: Exported, compared: Compared, directory: RunDirectory, dataset: Dataset, request: ConversionRequest
) -> Conversion:
    network, target, paths = exported.network, TARGETS[request.target], request.paths(directory)
    card = dataclasses.replace(
        network.card,
        feature_maps=network.maps,
        quantization=calibration.quantization_of(request.scheme, exported.calibration_images, request.seed),
        ranges=network.ranges(exported.calibration_images),
        provenance=stamp(parent_sha256=sha256(directory.model.read_bytes())),
    )

    def write(path: Path, flatbuffer: bytes, variant: Variant) -> ConvertedFile:
        golden = golden_probes(
            dataset.test,
            compared.expected,
            variant.probabilities,
            ProbeModels(network.predict, variant.answer, variant.session.runtime),
            card.input,
            request.seed,
            most_bytes(len(flatbuffer)),
        )
        own = dataclasses.replace(card, parity=variant.parity)
        packed = pack_card(flatbuffer, own, golden.to_bytes(), stored=target.stores_members)
        write_bytes(path, packed)
        vouch_for(unpack(packed, str(path)), RunOptions())
        ratio = len(packed) / (exported.float32_bytes + len(packed) - len(flatbuffer))
        return ConvertedFile(path, len(packed), ratio, variant.parity)

    files = [write(*each) for each in zip(paths, exported.flatbuffers, compared.variants, strict=True)]
    compiled, notes = target.finish_file(paths.plain, read_graph(exported.flatbuffers.plain))
    return Conversion(
        scheme=request.scheme,
        plain=files[0],
        activations=files[1] if len(files) > 1 else None,
        float32_bytes=exported.float32_bytes,
        bit_equal=compared.bit_equal,
        layers=compared.layers,
        notes=notes,
        compiled=compiled,
    )
