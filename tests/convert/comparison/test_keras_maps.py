"""Feature maps that come a few images at a time have the figures of all of them at once, and none are kept."""

import weakref
from collections.abc import Iterator

import keras
import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgecnn.convert.comparison.keras_maps import Batch, KerasMaps, MapRun, layer_sqnr_db
from edgecnn.convert.comparison.layer_figures import LayerFigures
from edgecnn.convert.network.feature_maps import feature_maps, with_named_outputs
from edgecnn.convert.tflite.export import to_flatbuffer
from edgecnn.device.runtime.session import Session
from edgecnn.model_file.container import PackedModel
from edgecnn.pixels.input_spec import InputSpec
from tests.support.many_operators import fed_noise, make_many_operators, noise

SPEC = InputSpec(16, 16, 3, "rgb", "stretch", "bilinear", (1 / 255,) * 3, (0.0,) * 3, "any")
IMAGES = noise(11)
Values = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def named() -> keras.Model:
    """A network with its maps as further outputs."""
    model = make_many_operators()
    return with_named_outputs(model, feature_maps(model))


@pytest.fixture(scope="module")
def variants(named: keras.Model) -> dict[str, Session]:
    """Its activations variants, by scheme."""
    flatbuffers = {scheme: to_flatbuffer(named, scheme, fed_noise(20)) for scheme in ("int8", "float32")}
    return {scheme: Session(PackedModel(scheme, each, None, None)) for scheme, each in flatbuffers.items()}


@pytest.fixture(scope="module")
def maps(named: keras.Model) -> Values:
    """What Keras makes of all images."""
    outputs = named([fed_noise(len(IMAGES))], training=False)
    return {name: np.asarray(values) for name, values in outputs.items()}


def in_batches(maps: Values, size: int) -> Iterator[Batch]:
    for start in range(0, len(IMAGES), size):
        yield IMAGES[start : start + size], {name: values[start : start + size] for name, values in maps.items()}


def real(variant: Session) -> Values:
    """What a variant gives for each image, as real numbers."""
    outputs = variant.outputs
    raw = {name: variant.run_all(IMAGES, SPEC, tensor) for name, tensor in outputs.items()}
    return {name: outputs[name].dequantize(values).astype(np.float64) for name, values in raw.items()}


def decibels(expected: np.ndarray, found: np.ndarray) -> float:
    return float(10 * np.log10((expected**2).sum() / ((expected - found) ** 2).sum()))


def figures(maps: Values, size: int, *variants: Session) -> list[tuple[LayerFigures, ...]]:
    return KerasMaps(IMAGES, lambda _: in_batches(maps, size)).compare([MapRun(each, SPEC) for each in variants])


@pytest.mark.parametrize("size", [1, 4, 11], ids=lambda size: f"{size} at a time")
def test_figures_are_those_of_all_images_at_once(variants: dict[str, Session], maps: Values, size: int) -> None:
    found = dict(zip(variants, figures(maps, size, *variants.values()), strict=True))
    for scheme, layers in found.items():
        assert [layer.name for layer in layers] == list(maps)
        for layer, here in zip(layers, map(real(variants[scheme]).get, maps), strict=True):
            expected = maps[layer.name].astype(np.float64)
            assert here is not None
            assert layer.sqnr_db == pytest.approx(decibels(expected, here), abs=1e-6)
            assert layer.gain == pytest.approx((expected * here).sum() / (expected**2).sum(), abs=1e-9)
            assert layer.keras_range == (expected.min(), expected.max())
            assert layer.channel_peaks == tuple(np.abs(maps[layer.name]).reshape(-1, expected.shape[-1]).max(axis=0))
            counts, edges = np.histogram(maps[layer.name], 40, layer.keras_range)
            assert layer.histogram == tuple(counts.tolist())
            assert np.array_equal(np.asarray(layer.bins, edges.dtype), edges)


def test_models_side_by_side_have_the_figures_of_each_alone(variants: dict[str, Session], maps: Values) -> None:
    together = figures(maps, 4, *variants.values())
    assert together == [layers for each in variants.values() for layers in figures(maps, 4, each)]


def test_ratios_alone_are_those_of_all_figures(variants: dict[str, Session], maps: Values) -> None:
    (layers,) = figures(maps, 4, variants["int8"])
    ratios = layer_sqnr_db(in_batches(maps, 4), MapRun(variants["int8"], SPEC))
    assert list(ratios.items()) == [(layer.name, layer.sqnr_db) for layer in layers]


def test_maps_of_earlier_images_are_not_kept(variants: dict[str, Session], maps: Values) -> None:
    alive, most = [0], [0]

    def gone() -> None:
        alive[0] -= 1

    def run(_: np.ndarray) -> Iterator[Batch]:
        for images, values in in_batches(maps, 2):
            copies = {name: each.copy() for name, each in values.items()}
            for each in copies.values():
                weakref.finalize(each, gone)
            alive[0] += len(copies)
            most[0] = max(*most, *alive)
            yield images, copies

    KerasMaps(IMAGES, run).compare([MapRun(variants["int8"], SPEC)])
    layer_sqnr_db(run(IMAGES), MapRun(variants["int8"], SPEC))
    assert len(maps) <= most[0] <= 2 * len(maps)  # the loop holds a batch while the next one is made
