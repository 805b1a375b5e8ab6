"""What stands in the place of a channel is called by its name, and never by a name that fits no better than its own."""

from collections.abc import Callable

import numpy as np
import pytest

from edgecnn.convert.comparison.changed_channel import what_of
from edgecnn.convert.comparison.weights import compare_weights
from edgecnn.convert.tflite.kernels import Constant, Kernel

STEP = 0.01
Array = np.ndarray


def constant(values: Array) -> Constant:
    column = np.full((len(values), *(1,) * (values.ndim - 1)), STEP)
    return Constant(0, np.rint(values / STEP) * STEP, column / 2, -128 * column, 127 * column)


def kernels(height: int, width: int, inputs: int = 3) -> Array:
    return np.random.default_rng(4).normal(0, 0.5, (6, height, width, inputs))


def words_of(values: Array, changed: Array) -> str:
    own, here = constant(values), constant(changed)
    wrong = np.abs(own.values - here.values) > STEP
    words, number = what_of(own, here, 2, wrong)
    return words.format("" if number is None else f"{number:.4g}")


def exchange(first: tuple[int, int], second: tuple[int, int]) -> Callable[[Array], Array]:
    def change(kernel: Array) -> Array:
        kernel[first], kernel[second] = kernel[second].copy(), kernel[first].copy()
        return kernel

    return change


def add_at(kernel: Array) -> Array:
    kernel[0, 1] += 0.8
    return kernel


@pytest.mark.parametrize(
    ("shape", "change", "words"),
    [
        ((1, 5), lambda kernel: kernel[:, ::-1], "mirrored left to right"),
        ((5, 1), lambda kernel: kernel[::-1], "mirrored top to bottom"),
        ((2, 4), lambda kernel: kernel[::-1, ::-1], "rotated by 180°"),
        (
            (3, 3),
            exchange((0, 0), (2, 1)),
            "right but for its places (0, 0) and (2, 1) (row, column), which are exchanged",
        ),
        ((3, 3), lambda kernel: kernel[[1, 0, 2]], "right but for its rows 0 and 1, which are exchanged"),
        ((5, 5), lambda kernel: kernel[:, [0, 3, 2, 1, 4]], "right but for its columns 1 and 3, which are exchanged"),
        ((3, 3), lambda kernel: kernel[[2, 1, 0]], "mirrored top to bottom"),
        ((3, 3), add_at, "right but for its places (0, 1) (row, column)"),
        ((3, 3), lambda kernel: np.roll(kernel, 1, axis=0), "shifted by a row down"),
        ((3, 3), lambda kernel: np.pad(kernel[:, 1:], ((0, 0), (0, 1), (0, 0))), "shifted by a column to the left"),
        ((3, 3), lambda kernel: np.roll(kernel, 4), "unlike Keras'"),
        ((3, 3), lambda kernel: -kernel, "negated"),
        ((3, 3), lambda kernel: -2 * kernel, "-2 times Keras'"),
    ],
)
def test_what_a_kernel_of_any_shape_became(
    shape: tuple[int, int], change: Callable[[Array], Array], words: str
) -> None:
    values = kernels(*shape)
    changed = values.copy()
    changed[2] = change(changed[2].copy())
    assert words_of(values, changed) == words


def test_a_kernel_that_is_its_own_mirror_and_that_of_another_channel_is_not_called_so() -> None:
    values = kernels(3, 3)
    values[2] = values[2] + values[2][:, ::-1]
    values[4] = values[2]
    changed = values.copy()
    changed[2] *= 0.5
    assert words_of(values, changed) == "0.502 times Keras'"


def test_a_copy_in_place_of_a_channel_that_is_zero_in_keras_is_called_so() -> None:
    values = kernels(3, 3)
    values[2] = 0
    changed = values.copy()
    changed[2] = values[5]
    assert words_of(values, changed) == "a copy of channel 5"


def test_places_of_a_single_input_are_exchanged_only_where_their_numbers_are() -> None:
    values = np.abs(kernels(3, 3, 1)) + 0.2
    changed = values.copy()
    changed[2, 0, 0] += 1
    changed[2, 2, 2] += 1
    assert words_of(values, changed).endswith("(0, 0) and (2, 2) (row, column)")


def fault(values: Array, changed: Array, biases: tuple[Array, Array] | None = None) -> str:
    own, here = (constant(each) for each in biases) if biases else (None, None)
    before, after = Kernel("CONV_2D", constant(values), own), Kernel("CONV_2D", constant(changed), here)
    (found,) = compare_weights([before], [after], ["conv"])
    return found.words


def test_another_epoch_is_told_from_another_training() -> None:
    values, generator = kernels(3, 3, 8), np.random.default_rng(9)
    other = generator.normal(0, 0.5, values.shape)
    assert (
        fault(values, values + 0.5 * other)
        == "all its weights are somewhat others, as of another epoch of its training"
    )
    assert fault(values, other) == "all its weights are others, as of another training"


def exactly(values: Array) -> Constant:
    """As a float32 file has them."""
    column = np.zeros((len(values), *(1,) * (values.ndim - 1)))
    error = 1e-9 * np.abs(values).max(axis=tuple(range(1, values.ndim)), keepdims=True)
    return Constant(0, values.astype(np.float32).astype(np.float64), error, column - np.inf, column + np.inf)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda kernel: 1.01 * kernel, "channel 2 is 1.01 times Keras'"),
        (lambda kernel: kernel + 0.001, "channel 2 is changed in 27 of 27 weights"),
        (lambda kernel: np.where(kernel == kernel.max(), np.nan, kernel), "channel 2 is not finite in 1 of 27 weights"),
        (lambda kernel: np.where(kernel < 0, -np.inf, kernel), "channel 2 is not finite in 14 of 27 weights"),
    ],
)
def test_of_exact_weights_a_small_factor_is_one_and_no_number_is_told(
    change: Callable[[Array], Array], words: str
) -> None:
    values = kernels(3, 3)
    changed = values.copy()
    changed[2] = change(changed[2].copy())
    before, after = (Kernel("CONV_2D", exactly(each), None) for each in (values, changed))
    (found,) = compare_weights([before], [after], ["conv"])
    assert found.words == words


def test_biases_whose_integers_were_exchanged_are_told_so_though_each_channel_has_its_own_scale() -> None:
    steps = np.array([0.001, 0.002, 0.0005, 0.003, 0.0015, 0.0007])
    integers = np.array([310, 0, 702, 511, -404, 0])

    def biases(order: list[int]) -> Constant:
        return Constant(0, integers[order] * steps, steps / 2, -1e6 * steps, 1e6 * steps)

    weights = constant(kernels(3, 3))
    before = Kernel("CONV_2D", weights, biases([0, 1, 2, 3, 4, 5]))
    for order, words in (
        ([0, 4, 2, 3, 1, 5], "the biases of channels 1 and 4 are exchanged"),
        ([1, 2, 3, 4, 5, 0], "the biases of channels 0, 1, 2, 3, 4 and 5 stand in another order"),
    ):
        (found,) = compare_weights([before], [Kernel("CONV_2D", weights, biases(order))], ["conv"])
        assert found.words == words


def test_all_biases_of_a_layer_are_one_sentence() -> None:
    values, biases = kernels(3, 3), np.array([0.3, -0.2, 0.7, 0.5, -0.4, 0.9])
    assert fault(values, values, (biases, 2 * biases)) == "all its biases are 2 times Keras'"
    assert fault(values, values, (biases, -biases)) == "the biases of channels 0, 1, 2, 3, 4 and 5 are negated"
    for times in (2, 0.5, 4):
        one = np.where(np.arange(6) == 2, times * biases, biases)
        assert fault(values, values, (biases, one)) == f"the bias of channel 2 is {times} times Keras'"
    shifted = biases + np.array([0.1, 0.3, 0.2, 0.4, 0.5, 0.6])
    words = "the biases of channels 0, 1, 2, 3, 4 and 5 are shifted by 0.1 to 0.6"
    assert fault(values, values, (biases, shifted)) == words


def bits(values: Array, count: int) -> Array:
    """Rounded once more, to so few bits."""
    step = np.abs(values).max() / (2 ** (count - 1) - 1)
    rounded: Array = np.rint(values / step) * step
    return rounded


@pytest.mark.parametrize("count", [3, 4, 5])
def test_weights_that_were_rounded_to_fewer_bits_are_told_so(count: int) -> None:
    values = np.random.default_rng(8).normal(0, 0.3, (16, 3, 3, 8)).clip(-1.2, 1.2)
    own, here = constant(values), constant(bits(values, count))
    (fault,) = compare_weights([Kernel("CONV_2D", own, None)], [Kernel("CONV_2D", here, None)], ["conv"])
    assert fault.words == f"its weights are Keras', rounded to {len(np.unique(here.values))} values"


def test_weights_that_were_cut_are_not_told_as_rounded() -> None:
    values = np.random.default_rng(8).normal(0, 0.3, (16, 3, 3, 8)).clip(-1.2, 1.2)
    own, here = constant(values), constant(values.clip(-0.2, 0.2))
    (fault,) = compare_weights([Kernel("CONV_2D", own, None)], [Kernel("CONV_2D", here, None)], ["conv"])
    assert "rounded" not in fault.words


def test_a_bias_at_the_end_of_its_integers_is_told_so() -> None:
    weights, biases = constant(kernels(3, 3)), np.linspace(-0.5, 0.5, 6)
    step = np.full(6, STEP)
    own, here = (Constant(1, each, step / 2, -30 * step, 30 * step) for each in (biases, biases.copy()))
    here.values[4] = 0.3
    own.values[4] = 5.0
    (fault,) = compare_weights([Kernel("CONV_2D", weights, own)], [Kernel("CONV_2D", weights, here)], ["conv"])
    assert fault.words == "the bias of channel 4 is 0.3, where its integers end"


def in_float32(values: Array) -> Constant:
    """Biases as a float32 file has them, where each is known to a step of its own."""
    stored, end = values.astype(np.float32).astype(np.float64), np.full(len(values), np.inf)
    return Constant(0, stored, np.finfo(np.float32).eps * np.abs(stored), -end, end)


@pytest.mark.parametrize("places", [[0, 1], [0, 1, 2, 4]])
def test_negated_biases_of_a_float32_file_are_not_taken_for_exchanged_ones(places: list[int]) -> None:
    biases = np.array([0.3, -0.2, 0.7, 0.5, -0.4, 0.9])
    changed = biases.copy()
    changed[places] *= -1
    weights = constant(kernels(3, 3))
    before, after = (Kernel("CONV_2D", weights, in_float32(each)) for each in (biases, changed))
    (found,) = compare_weights([before], [after], ["conv"])
    assert found.words.endswith(" are negated") and found.channels == tuple(places)
