"""The steps of a conversion: export, compare with Keras, choose probes, pack."""

import dataclasses
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.atomic_files import write_bytes
from edgecnn.device.runtime.session import Session
from edgecnn.errors import EdgecnnError, ModelFileError
from edgecnn.model_file.card import PROBABILITIES, FeatureMap, ModelCard, Parity
from edgecnn.model_file.container import CARD, GOLDEN, LABELS, PackedModel, pack, sha256
from edgecnn.model_file.golden import Golden, preprocessing_sha256
from edgecnn.model_file.provenance import stamp
from edgecnn.pixels.input_table import apply_table, input_table

from . import golden_probes
from .comparison import layer_figures
from .comparison.agreement import compare
from .conversion import Conversion, ConvertedFile, Job, LayerParity
from .network import calibration
from .network.feature_maps import check_card, feature_maps, load_keras, predict, with_named_outputs
from .network.flattening import flatten
from .targets import edgetpu_compiler, rules
from .tflite.export import to_flatbuffer
from .tflite.graph import read_graph
from .tflite.prune_outputs import keep_output


@dataclass(frozen=True)
class _Variant:
    """A converted model, run over the test split."""

    flatbuffer: bytes
    session: Session
    raw: npt.NDArray[np.generic]
    probabilities: npt.NDArray[np.float32]
    parity: Parity


def run(job: Job, progress: Callable[[str], None]) -> Conversion:
    """Do the conversion and write its files; see `edgecnn.convert.convert`."""
    model = load_keras(job.model)
    check_card(model, job.card, job.model)
    # The plain model is the same with and without its variant, so its maps count in both cases.
    maps = feature_maps(model, job.feature_layers, leave_out_shared=not job.activations)
    settings = rules.settings(job.target, job.scheme, job.io, job.dense_per_tensor, job.card.input)
    progress(f"Keras: {len(job.dataset.test):,} images")
    expected = predict(model, job.dataset.test.images, job.card.input)
    if not np.allclose(expected.sum(axis=1), 1, atol=1e-2) or expected.min() < 0:
        raise ModelFileError(f"{job.model} does not give probabilities (they must sum to 1); end it with a softmax")
    if job.target == "mediapipe" and job.scheme == "int8" and settings.io == "uint8":
        model, job = _fed_with_bytes(model, job)
    images = calibration.draw(job.dataset.train, job.calibration_images, job.seed)
    variants = {}
    for activations, flatbuffer in _to_flatbuffers(model, maps, images, job, settings, progress).items():
        progress(f"running {len(job.dataset.test):,} images{' through the activations variant' * activations}")
        variants[activations] = _measure(flatbuffer, job, expected)
    bit_equal = np.array_equal(variants[False].raw, variants[True].raw) if job.activations else None
    if bit_equal is False:
        raise EdgecnnError(
            "the activations variant gives other probabilities than the plain model, so its feature maps would be of "
            "another network; nothing was written, use --no-activations and report this model"
        )
    float32 = variants[False].flatbuffer
    if job.scheme != "float32":
        progress("converting: float32, to compare the size")
        float32 = to_flatbuffer(with_named_outputs(model), "float32", _calibration(images, job))
    compared = _layers(model, maps, variants[True], job) if job.activations else ()
    card = dataclasses.replace(
        job.card,
        feature_maps=maps,
        quantization=calibration.describe(job.scheme, images, job.seed),
        ranges=calibration.ranges(model, maps, apply_table(input_table(job.card.input), images)),
        provenance=stamp(parent_sha256=sha256(job.model.read_bytes())),
    )
    files = {}
    for activations, path in job.paths.items():
        packed = _pack(card, variants[activations], job, expected)
        write_bytes(path, packed)
        unquantized = len(float32) + len(packed) - len(variants[activations].flatbuffer)
        files[activations] = ConvertedFile(path, len(packed), len(packed) / unquantized, variants[activations].parity)
    compiled, notes = _for_edge_tpu(job, variants[False].flatbuffer) if job.target == "edgetpu" else (None, ())
    return Conversion(
        scheme=job.scheme,
        plain=files[False],
        activations=files.get(True),
        float32_bytes=len(float32),
        bit_equal=bit_equal,
        layers=compared,
        notes=notes,
        compiled=compiled,
    )


def _calibration(images: Pixels, job: Job) -> npt.NDArray[np.float32]:
    """The representative dataset as the model is fed, float32 (count, height, width, channels)."""
    return apply_table(input_table(job.card.input), calibration.pinned(images)).astype(np.float32, copy=False)


def _to_flatbuffers(
    model: keras.Model,
    maps: Collection[FeatureMap],
    images: Pixels,
    job: Job,
    settings: rules.Settings,
    progress: Callable[[str], None],
) -> dict[bool, bytes]:
    """The plain model, and its activations variant (True) where it is wanted; what the target runs."""
    progress(f"converting: {job.scheme}")
    with_maps = to_flatbuffer(
        with_named_outputs(model, maps),
        job.scheme,
        _calibration(images, job),
        settings.io,
        settings.dense_per_tensor,
    )
    made = {False: keep_output(with_maps, PROBABILITIES), True: with_maps}
    made = {activations: made[activations] for activations in job.paths}
    for flatbuffer in made.values():
        rules.check(job.target, read_graph(flatbuffer))
    if job.target == "mediapipe":
        from .tflite import metadata

        made[False] = metadata.with_metadata(made[False], job.card)
    return made


def _fed_with_bytes(model: keras.Model, job: Job) -> tuple[keras.Model, Job]:
    """The model with the card's scale and offset inside, so that its uint8 input is the pixel itself."""
    spec = job.card.input
    if len(set(spec.scale)) == 1 and spec.scale[0] > 0 and set(spec.offset) == {0.0}:
        return model, job  # a step of the input is a pixel's step already
    pixels = keras.Input(spec.shape)
    inside = flatten(keras.Model(pixels, model(keras.layers.Rescaling(list(spec.scale), list(spec.offset))(pixels))))
    bytes_in = dataclasses.replace(spec, scale=(1.0,) * spec.channels, offset=(0.0,) * spec.channels)
    return inside, dataclasses.replace(job, card=dataclasses.replace(job.card, input=bytes_in))


def _for_edge_tpu(job: Job, flatbuffer: bytes) -> tuple[Path | None, tuple[str, ...]]:
    """Which operators would run there, in words, and what the compiler makes of them where it is installed."""
    placed = rules.edge_tpu_placement(read_graph(flatbuffer))
    taken = sum(not operator.why_not for operator in placed)
    notes = [f"Edge TPU: {taken} of {len(placed)} operators would run there"]
    notes += [f"{operator.operator} stays on the CPU: {operator.why_not}" for operator in placed if operator.why_not]
    compiler = edgetpu_compiler.find_compiler()
    if compiler:
        return edgetpu_compiler.compile_packed(compiler, job.paths[False]), tuple(notes)
    notes.append(
        f"{edgetpu_compiler.COMPILER} is not installed here (Google has it for x86-64 Debian): install it and convert "
        "again, and the compiled file will carry the card"
    )
    return None, tuple(notes)


def _measure(flatbuffer: bytes, job: Job, expected: npt.NDArray[np.float32]) -> _Variant:
    session = Session(PackedModel("the converted model", flatbuffer, None, None))
    output = session.outputs[PROBABILITIES]
    raw = session.run_all(job.dataset.test.images, job.card.input, output)
    probabilities = output.dequantize(raw)
    if not np.isfinite(probabilities).all():
        raise EdgecnnError(
            f"converted to {job.scheme}, the network gives probabilities that are no numbers; use another"
        )
    return _Variant(flatbuffer, session, raw, probabilities, compare(expected, probabilities, job.dataset.test.labels))


def _layers(model: keras.Model, maps: Collection[FeatureMap], variant: _Variant, job: Job) -> tuple[LayerParity, ...]:
    """SQNR of every feature map and of the probabilities on some of the images."""
    some = job.dataset.test.sample(min(layer_figures.images_for(maps), len(job.dataset.test))).images
    reference = layer_figures.Reference(model, maps, some, job.card.input)
    figures = layer_figures.measure(reference, variant.session, job.card.input)
    return tuple(LayerParity(found.name, found.sqnr_db) for found in figures)


def _pack(card: ModelCard, variant: _Variant, job: Job, expected: npt.NDArray[np.float32]) -> bytes:
    provenance = dataclasses.replace(card.provenance, flatbuffer_sha256=sha256(variant.flatbuffer))
    card = dataclasses.replace(card, parity=variant.parity, provenance=provenance)
    chosen = golden_probes.choose(job.dataset.test, variant.probabilities, job.seed)
    images = np.asarray(job.dataset.test.images[chosen])
    golden = Golden(
        images=images,
        keras=expected[chosen],
        host=variant.probabilities[chosen],
        host_runtime=variant.session.runtime,
        preprocessing_sha256=preprocessing_sha256(card.input, images),
    )
    members = {
        CARD: card.to_json().encode(),
        LABELS: "".join(f"{label}\n" for label in card.labels).encode(),
        GOLDEN: golden.to_bytes(),
    }
    return pack(variant.flatbuffer, members, stored=job.target == "mediapipe")
