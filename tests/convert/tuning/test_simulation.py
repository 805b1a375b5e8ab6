"""The simulation of a quantized file computes what the file does, operator by operator."""

import dataclasses
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgecnn.convert.network.feature_maps import with_named_outputs
from edgecnn.convert.tflite.export import to_flatbuffer
from edgecnn.convert.tuning.graph import Graph
from edgecnn.convert.tuning.rounding import choose_by_error
from edgecnn.convert.tuning.simulation import Simulation, steps
from edgecnn.model_file.card import PROBABILITIES
from edgecnn.model_file.schemes import Scheme
from tests.support.many_operators import fed_noise, make_many_operators, make_moved_axes, noise

# Kernels with a table of 256 entries or several roundings may be off by a step; all others round what is exact.
BY_TABLE = ("LOGISTIC", "TANH", "HARD_SWISH", "SOFTMAX", "MEAN", "AVERAGE_POOL_2D", "MUL", "ADD", "LEAKY_RELU", "GELU")
HALFWAY = 0.01  # of a step: a kernel multiplies by 31 bits of the scales' ratio, and rounds twice


def few_operators() -> Any:
    import keras

    layers = keras.layers
    image = keras.Input((16, 16, 3), name="image")
    x = layers.MaxPooling2D()(layers.Conv2D(8, 3, activation="relu")(image))
    x = layers.Concatenate()([x, layers.Conv2D(8, 3, padding="same")(x)])
    x = layers.Flatten()(layers.AveragePooling2D(2)(layers.DepthwiseConv2D(3, activation="relu6")(x)))
    return keras.Model(image, layers.Dense(4, activation="softmax")(layers.Dense(12, activation="relu")(x)))


def tensors_of(flatbuffer: bytes, image: np.ndarray) -> dict[int, np.ndarray]:
    """Every tensor that the reference kernels make of a quantized image."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=flatbuffer,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    graph = Graph.read(flatbuffer)
    computed = [graph.image, *(operator.output for operator in graph.operators)]
    return {index: interpreter.get_tensor(index) for index in computed}


@pytest.mark.parametrize(("scheme", "operators"), [("int8", 15), ("mixed", 15), ("int16x8", 7)])
def test_every_operator_gives_the_numbers_of_the_reference_kernels(scheme: Scheme, operators: int) -> None:
    # TensorFlow quantizes no more to 16 bits than what a few layers need.
    network = few_operators() if scheme == "int16x8" else make_many_operators()
    flatbuffer = to_flatbuffer(with_named_outputs(network), scheme, fed_noise(20))
    graph = Graph.read(flatbuffer)
    simulation = Simulation(graph, {})
    assert len({operator.name for operator in graph.operators}) >= operators
    assert {simulation.can_cut(group) for group in graph.groups} == {scheme != "int16x8"}  # 65,536 integers are enough
    taken = graph.tensors[graph.image]
    for image in noise(3, seed=5):
        integers = np.rint(image.astype(np.float64)[None] / 255 / taken.scales[0]) + taken.zero_point
        integers = np.clip(integers, *taken.limits).astype(taken.dtype)
        real: dict[int, Any] = {graph.image: ((integers - np.float32(taken.zero_point)) * taken.scales[0]).astype("f4")}
        given = tensors_of(flatbuffer, integers)
        for operator in graph.operators:
            # Each operator is fed with what the file's own ones gave: errors do not add up.
            exact, found = simulation.compute(operator, real, quantized=True).numpy(), given[operator.output]
            if found.dtype == np.float32:
                np.testing.assert_allclose(exact.reshape(found.shape), found, atol=1e-6)
                real[operator.output] = found
                continue
            step, zero_point = simulation.quantization(operator.output)
            exact, found = (exact / step + zero_point).reshape(found.shape), found.astype(np.int64)
            expected = np.clip(np.rint(exact), *graph.tensors[operator.output].limits)
            off = found != expected
            assert np.abs(found - expected).max() <= 1, operator.name
            # Kernels of 16 bits multiply by 15 bits of the scales' ratio.
            if operator.name not in BY_TABLE and scheme != "int16x8":
                is_halfway = np.abs(np.abs(exact - np.floor(exact)) - 0.5) < HALFWAY
                assert not (off & ~is_halfway).any(), operator.name
            real[operator.output] = ((found - zero_point) * step).astype(np.float32)


def test_a_graph_without_roundings_is_the_keras_network(flatbuffer: bytes) -> None:
    model, images = make_many_operators(), fed_noise(8, seed=2)
    graph = Graph.read(flatbuffer)
    probabilities = Simulation(graph, {}).answers(images, quantized=False, index=graph.outputs["probabilities"])
    # Its weights are the file's, to half a step of 1/127 of the largest in a channel.
    np.testing.assert_allclose(probabilities, np.asarray(model(images)), atol=0.02)


def test_negative_values_are_followed() -> None:
    import keras

    image = keras.Input((16, 16, 3), name="image")
    x = keras.layers.GlobalAveragePooling2D()(keras.ops.negative(keras.layers.Conv2D(4, 3)(image)))
    model, images = keras.Model(image, keras.layers.Dense(3, activation="softmax")(x)), fed_noise(8, seed=2)
    graph = Graph.read(to_flatbuffer(with_named_outputs(model), "int8", images))
    assert "NEG" in {each.name for each in graph.operators}
    probabilities = Simulation(graph, {}).answers(images, quantized=False, index=graph.outputs["probabilities"])
    np.testing.assert_allclose(probabilities, np.asarray(model(images)), atol=0.02)


def test_axes_that_the_converter_drops_or_turns_are_followed() -> None:
    model, images = make_moved_axes(), fed_noise(8, seed=2)
    graph = Graph.read(to_flatbuffer(with_named_outputs(model), "int8", images))
    shapes = [graph.tensors[each.inputs[1]].constant for each in graph.operators if each.name == "RESHAPE"]
    assert any(shape[0] > 1 for shape in shapes) and "TRANSPOSE" in {each.name for each in graph.operators}
    probabilities = Simulation(graph, {}).answers(images, quantized=False, index=graph.outputs["probabilities"])
    np.testing.assert_allclose(probabilities, np.asarray(model(images)), atol=0.02)


def test_ranges_and_biases_become_those_that_are_given(flatbuffer: bytes) -> None:
    simulation = Simulation(Graph.read(flatbuffer), {})
    for group in simulation.graph.groups:
        low, high = (0.8 * simulation.range(group[0])[0], 0.9 * simulation.range(group[0])[1])
        simulation.set_range(group, low, high)
        for index in group:
            step, ends = simulation.quantization(index)[0], simulation.range(index)
            assert step == pytest.approx((high - low) / 255)
            assert np.abs(np.subtract(ends, (low, high))).max() <= step  # 0 is one of the integers exactly
    for index in simulation.biases:
        before = simulation.real_bias(index)
        by = np.linspace(-0.1, 0.2, len(before))
        simulation.move_bias(index, by)
        np.testing.assert_allclose(simulation.real_bias(index), before + by, atol=1e-6)


def test_values_are_rounded_to_integers_and_cut_off_at_their_ends(flatbuffer: bytes) -> None:
    simulation = Simulation(Graph.read(flatbuffer), {})
    for index in (group[0] for group in simulation.graph.groups):
        (step, zero_point), (low, high) = simulation.quantization(index), simulation.range(index)
        values = np.linspace(low - 3 * step, high + 3 * step, 2_001, dtype=np.float32)
        found = np.asarray(simulation.rounded(values, index))
        expected = np.clip(np.rint(values.astype(np.float64) / step) + zero_point, -128, 127) - zero_point
        off = np.abs(found / step - expected)
        assert (found[0], found[-1]) == pytest.approx((low, high)) and off.max() < 1.01 and (off > 0.01).mean() < 0.01


def test_an_output_in_unsigned_bytes_has_the_range_of_what_it_is_made_of() -> None:
    import keras

    image = keras.Input((16, 16, 3), name="image")
    model = keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(keras.layers.Conv2D(4, 5)(image))))
    graph = Graph.read(to_flatbuffer(with_named_outputs(model), "int8", fed_noise(10), "uint8"))
    simulation, output = Simulation(graph, {}), graph.outputs[PROBABILITIES]
    (group,) = (group for group in graph.groups if output in group)
    assert len(group) == 2 and graph.tensors[output].dtype == np.uint8
    simulation.set_range(group, -0.5, 2.0)
    for index in group:
        assert simulation.range(index) == pytest.approx((-0.5, 2.0), abs=2.5 / 255)


def test_what_the_last_softmax_takes_are_the_logits(flatbuffer: bytes) -> None:
    graph, images = Graph.read(flatbuffer), fed_noise(4, seed=3)
    simulation = Simulation(graph, {})
    values = {index: np.asarray(value) for index, value in simulation.run(images, quantized=False).items()}
    logits, probabilities = values[simulation.logits], values[graph.outputs[PROBABILITIES]]
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert simulation.has_softmax
    np.testing.assert_allclose(probabilities, raised / raised.sum(axis=1, keepdims=True), atol=1e-5)
    place = next(place for place, each in enumerate(graph.operators) if each.name == "SOFTMAX")
    ends = {PROBABILITIES: graph.operators[place].inputs[0]}
    without = Simulation(dataclasses.replace(graph, operators=graph.operators[:place], outputs=ends), {})
    assert not without.has_softmax and without.logits == simulation.logits


def test_every_kind_of_weights_is_chosen_by_error(flatbuffer: bytes) -> None:
    simulation, images = Simulation(Graph.read(flatbuffer), {}), fed_noise(32, seed=3)
    for variable in simulation.weights.values():  # as floats, a third of a step beside their integers
        variable.assign(np.clip(variable.numpy() + 1 / 3, -127, 127))
    wanted, before = simulation.answers(images, False), simulation.answers(images, True)
    choose_by_error(simulation, images, ranges=False)
    assert np.square(simulation.answers(images, True) - wanted).mean() < 0.9 * np.square(before - wanted).mean()
    for variable in simulation.weights.values():
        np.testing.assert_array_equal(variable.numpy(), np.rint(variable.numpy()))


def test_tensors_whose_values_only_move_have_one_range(flatbuffer: bytes) -> None:
    graph = Graph.read(flatbuffer)
    group_of = {index: group for group in graph.groups for index in group}
    for operator in graph.operators:
        if operator.name in ("MAX_POOL_2D", "RESHAPE", "PAD"):
            assert group_of[operator.inputs[0]] is group_of[operator.output]
        if operator.name in ("SOFTMAX", "LOGISTIC", "TANH"):
            assert operator.output not in group_of
    assert graph.image not in group_of


@pytest.mark.parametrize(("low", "high"), [(0.0, 2.55), (-1.0, 1.0), (-0.3, 6.0), (0.5, 4.0), (-3.0, -1.0), (0.0, 0.0)])
def test_zero_is_exact_in_every_range(low: float, high: float) -> None:
    scale, zero_point = steps(low, high)
    assert scale > 0 and -128 <= zero_point <= 127
    assert (-128 - zero_point) * scale <= low + scale and (127 - zero_point) * scale >= high - scale
