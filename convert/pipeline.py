"""The steps of a conversion: export, compare with Keras, choose probes, pack."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.card import PROBABILITIES, ModelCard, Parity
from edgecnn.device.session import Session
from edgecnn.errors import EdgecnnError, ModelFileError
from edgecnn.golden import Golden, preprocessing_sha256
from edgecnn.output import write_bytes
from edgecnn.packing import CARD, GOLDEN, LABELS, PackedModel, pack, sha256
from edgecnn.preprocessing import apply_table, input_table
from edgecnn.provenance import stamp

from . import calibration, probes
from .activations import check_card, feature_maps, load_keras, predict, with_named_outputs
from .conversion import Conversion, ConvertedFile, Job, LayerParity
from .export import to_flatbuffer
from .outputs import keep_output
from .statistics import Noise, compare

# Enough for a decibel figure that repeats; all 10,000 images change it by less than 0.1 dB.
_LAYER_IMAGES = 256
_LAYER_BATCH = 8


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
    table = input_table(job.card.input)
    images = calibration.draw(job.dataset.train, job.calibration_images, job.seed)
    calibrated = apply_table(table, images).astype(np.float32, copy=False)
    progress(f"Keras: {len(job.dataset.test):,} test images")
    expected = predict(model, job.dataset.test.images, job.card.input)
    if not np.allclose(expected.sum(axis=1), 1, atol=1e-2) or expected.min() < 0:
        raise ModelFileError(f"{job.model} does not give probabilities (they must sum to 1); end it with a softmax")
    progress(f"converting: {job.scheme}")
    with_maps = to_flatbuffer(with_named_outputs(model, True), job.scheme, calibrated, job.io)
    flatbuffers = {False: keep_output(with_maps, PROBABILITIES), True: with_maps}
    variants = {}
    for activations in job.paths:
        progress(f"running {len(job.dataset.test):,} test images{' through the activations variant' * activations}")
        variants[activations] = _measure(flatbuffers[activations], job, expected)
    bit_equal = np.array_equal(variants[False].raw, variants[True].raw) if job.activations else None
    if bit_equal is False:
        raise EdgecnnError(
            "the activations variant gives other probabilities than the plain model, so its feature maps would be of "
            "another network; nothing was written, use --no-activations and report this model"
        )
    float32 = variants[False].flatbuffer
    if job.scheme != "float32":
        progress("converting: float32, to compare the size")
        float32 = to_flatbuffer(with_named_outputs(model, False), "float32", calibrated)
    layers = _layers(model, variants[True], job) if job.activations else ()
    card = dataclasses.replace(
        job.card,
        feature_maps=feature_maps(model),
        quantization=calibration.describe(job.scheme, images, job.seed),
        provenance=stamp(parent_sha256=sha256(job.model.read_bytes())),
    )
    files = {}
    for activations, path in job.paths.items():
        packed = _pack(card, variants[activations], job, expected)
        write_bytes(path, packed)
        files[activations] = ConvertedFile(path, len(packed), len(packed) / len(float32), variants[activations].parity)
    return Conversion(
        scheme=job.scheme,
        plain=files[False],
        activations=files.get(True),
        float32_bytes=len(float32),
        bit_equal=bit_equal,
        layers=layers,
    )


def _measure(flatbuffer: bytes, job: Job, expected: npt.NDArray[np.float32]) -> _Variant:
    session = Session(PackedModel("the converted model", flatbuffer, None, None))
    output = session.outputs[PROBABILITIES]
    raw = session.run_all(job.dataset.test.images, session.table(job.card.input), output)
    probabilities = output.dequantize(raw)
    if not np.isfinite(probabilities).all():
        raise EdgecnnError(
            f"converted to {job.scheme}, the network gives probabilities that are no numbers; use another"
        )
    return _Variant(flatbuffer, session, raw, probabilities, compare(expected, probabilities, job.dataset.test.labels))


def _layers(model: keras.Model, variant: _Variant, job: Job) -> tuple[LayerParity, ...]:
    """SQNR of every feature map and of the probabilities on some test images, a few at a time: maps are large."""
    images = job.dataset.test.sample(min(_LAYER_IMAGES, len(job.dataset.test))).images
    named = with_named_outputs(model, True)
    inputs, table, outputs = input_table(job.card.input), variant.session.table(job.card.input), variant.session.outputs
    noise = {name: Noise() for name in [*(layer.name for layer in feature_maps(model)), PROBABILITIES]}
    for start in range(0, len(images), _LAYER_BATCH):
        part = np.asarray(images[start : start + _LAYER_BATCH])
        reference = named.predict_on_batch(apply_table(inputs, part))
        for row, pixels in enumerate(part):
            variant.session.run(apply_table(table, pixels)[None])
            for name, found in noise.items():
                found.add(reference[name][row], outputs[name].dequantize(variant.session.output(outputs[name])))
    return tuple(LayerParity(name, found.sqnr_db) for name, found in noise.items())


def _pack(card: ModelCard, variant: _Variant, job: Job, expected: npt.NDArray[np.float32]) -> bytes:
    provenance = dataclasses.replace(card.provenance, flatbuffer_sha256=sha256(variant.flatbuffer))
    card = dataclasses.replace(card, parity=variant.parity, provenance=provenance)
    chosen = probes.choose(job.dataset.test, variant.probabilities, job.seed)
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
    return pack(variant.flatbuffer, members)
