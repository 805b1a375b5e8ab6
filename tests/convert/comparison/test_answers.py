"""Many images on several processors get the answers that one processor gives."""

import os
from collections.abc import Iterator

import numpy as np
import pytest

from edgecnn.convert import Conversion
from edgecnn.convert.comparison import answers
from edgecnn.device import Delegate
from edgecnn.device.runtime.opening import open_session
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.model_file.card import PROBABILITIES
from edgecnn.model_file.container import read_model
from edgecnn.pixels.dataset import Dataset


@pytest.fixture(params=["one processor", "all"])
def processors(request: pytest.FixtureRequest) -> Iterator[None]:
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system does not bind processes to processors")
    all_of_them = os.sched_getaffinity(0)
    if request.param == "one processor":
        os.sched_setaffinity(0, {min(all_of_them)})
    yield
    os.sched_setaffinity(0, all_of_them)


@pytest.mark.usefixtures("processors")
@pytest.mark.parametrize("count", [1, 63, 129, 200])
@pytest.mark.parametrize("kernels", ["default", "reference"])
def test_answers_are_those_of_one_session(int8: Conversion, small: Dataset, kernels: str, count: int) -> None:
    model, images = read_model(int8.plain.path), small.test.images[:count]
    options = RunOptions(kernels="reference") if kernels == "reference" else RunOptions()
    alone = open_session(model, options)
    output = alone.outputs[PROBABILITIES]
    expected = output.dequantize(
        np.concatenate([alone.run_all(images[i : i + 1], small.input, output) for i in range(count)])
    )
    found = answers.answer_all(open_session(model, options), model, images, small.input)
    np.testing.assert_array_equal(found, expected)


def test_an_accelerator_computes_all_of_them(int8: Conversion, small: Dataset, library: str) -> None:
    model, images = read_model(int8.plain.path), small.test.images[:200]
    wrong = open_session(model, RunOptions(delegate=Delegate(library, (("wrong", "1"),))))
    output = wrong.outputs[PROBABILITIES]
    expected = output.dequantize(wrong.run_all(images, small.input, output))
    np.testing.assert_array_equal(answers.answer_all(wrong, model, images, small.input), expected)
    own = answers.answer_all(open_session(model), model, images, small.input)
    assert not np.array_equal(own, expected)
