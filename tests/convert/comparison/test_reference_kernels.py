"""Quick answers of the reference kernels are those of the slow ones, to the bit."""

from collections.abc import Callable
from functools import partial, partialmethod

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgecnn.convert.comparison.keras_maps import KerasMaps, MapRun
from edgecnn.convert.comparison.reference_kernels import (
    REFERENCE_KERNELS,
    ReferenceRun,
    ReferenceSession,
    open_reference,
)
from edgecnn.convert.network.answer_cache import key_of
from edgecnn.convert.network.feature_maps import feature_maps, with_named_outputs
from edgecnn.convert.pair import Pair
from edgecnn.convert.tflite.export import to_flatbuffer
from edgecnn.convert.tflite.prune_outputs import keep_output
from edgecnn.device.runtime.loading import read_packed
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.device.runtime.runner import Runner
from edgecnn.device.runtime.session import Session
from edgecnn.model_file.card import PROBABILITIES
from edgecnn.model_file.container import PackedModel
from edgecnn.pixels.input_spec import InputSpec
from tests.support.many_operators import fed_noise, make_many_operators, noise


def raw_answers(session: Runner, images: np.ndarray, spec: InputSpec) -> np.ndarray:
    """What a session gives for each image, as its output tensor holds it."""
    return session.run_all(images, spec, session.outputs[PROBABILITIES])


def test_unseen_images_get_the_integers_of_the_reference_kernels() -> None:
    packed = read_packed("fashion-mnist")
    assert packed.card
    spec, random = packed.card.input, np.random.default_rng(3)
    # From strong noise to faint: the softmax of the plain kernels gives other integers for some.
    contrast = np.linspace(255, 5, 300)[:, None, None, None]
    images = (random.random((300, 28, 28, 1)) * contrast).astype(np.uint8)
    quick = open_reference(packed, images[:20], spec)
    expected = raw_answers(Session(packed, REFERENCE_KERNELS), images, spec)
    assert isinstance(quick, ReferenceSession)
    assert quick.runtime == Session(packed, RunOptions()).runtime
    assert quick.placement().delegated == 0 and quick.placement().operators > 1
    np.testing.assert_array_equal(raw_answers(quick, images, spec), expected)
    assert (raw_answers(Session(packed, RunOptions(kernels="plain")), images, spec) != expected).any()


@pytest.mark.parametrize("scheme", ["int8", "float32"])
def test_branches_meet_before_the_reference_kernels_go_on(scheme: str) -> None:
    model = make_many_operators()
    flatbuffer = keep_output(to_flatbuffer(with_named_outputs(model), scheme, fed_noise(20)), PROBABILITIES)
    packed = PackedModel("many", flatbuffer, None, None)
    spec = InputSpec(16, 16, 3, "rgb", "stretch", "bilinear", (1 / 255,) * 3, (0.0,) * 3, "any")
    session, images = open_reference(packed, noise(4), spec), noise(30, seed=7)
    # Floats depend on the order in which they are added, so that agreement on some images proves nothing.
    assert scheme == "int8" or type(session) is Session
    expected = raw_answers(Session(packed, REFERENCE_KERNELS), images, spec)
    np.testing.assert_array_equal(raw_answers(session, images, spec), expected)


@pytest.mark.parametrize("is_one", [True, False], ids=["one graph", "two graphs"])
def test_a_comparison_runs_each_image_once_where_both_files_are_one_graph(
    is_one: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, spec = (
        make_many_operators(),
        InputSpec(16, 16, 3, "rgb", "stretch", "bilinear", (1 / 255,) * 3, (0.0,) * 3, "any"),
    )
    kinds = feature_maps(model)
    variant = to_flatbuffer(with_named_outputs(model, kinds), "int8", fed_noise(20))
    own = variant if is_one else to_flatbuffer(with_named_outputs(model), "int8", fed_noise(21))
    files = Pair(*(PackedModel("m", each, None, None) for each in (keep_output(own, PROBABILITIES), variant)))
    images, runs = noise(5), []
    outputs = with_named_outputs(model, kinds)([fed_noise(5)], training=False)
    maps = {name: np.asarray(values) for name, values in outputs.items()}
    keras = KerasMaps(images, lambda some: [(some, maps)])
    assert files.activations
    expected = keras.compare([MapRun(Session(files.activations, REFERENCE_KERNELS), spec)])

    def counted(run: Callable[..., None], session: Runner, tensor: np.ndarray) -> None:
        runs.append(tensor)
        run(session, tensor)

    for kind in (Session, ReferenceSession):
        monkeypatch.setattr(kind, "run", partialmethod(partial(counted, kind.run)))
    found = ReferenceRun(files, images, spec)
    figures, session = keras.compare([found.maps]), found.open_plain()
    assert figures == expected and len(runs) == (5 if is_one else 10)
    answers = raw_answers(Session(files.plain, REFERENCE_KERNELS), images, spec)
    np.testing.assert_array_equal(raw_answers(session, images, spec), answers)
    assert set(found.known) == ({key_of(pixels) for pixels in images} if is_one else set())
    for pixels, answer in zip(images, answers, strict=True):
        np.testing.assert_array_equal(found.known.get(key_of(pixels), answer), answer)
