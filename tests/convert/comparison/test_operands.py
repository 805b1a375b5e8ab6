"""What stands between layers is Keras' too: batch normalisation, slopes, and whose values an operator takes."""

import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from edgecnn.convert import Preprocessing, adopt, convert, load_representative, parity
from edgecnn.convert.comparison.operands import compare_operands
from edgecnn.convert.comparison.operators import compare_operators
from edgecnn.convert.comparison.weights import compare_weights
from edgecnn.convert.tflite.kernels import Constant, Kernel
from edgecnn.errors import ModelFileError
from edgecnn.model_file.container import add_header, pack_card, read_model
from edgecnn.model_file.schemes import Scheme
from edgecnn.run_directory import RunDirectory
from tests.support.foreign import save_pictures
from tests.support.shared import once


def network() -> keras.Model:
    """Swish, a batch normalisation that folds into nothing, slopes for each channel, a residual."""
    keras.utils.set_random_seed(7)
    generator, layers = np.random.default_rng(7), keras.layers
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(6, 3, activation="swish", name="first")(image)
    x = layers.BatchNormalization(name="norm")(layers.Activation("tanh")(x))
    y = layers.PReLU(shared_axes=[1, 2], name="slopes")(layers.Conv2D(6, 3, padding="same", name="second")(x))
    x = layers.GlobalAveragePooling2D(name="average")(layers.Add(name="residual")([x, y]))
    model = keras.Model(image, layers.Dense(4, activation="softmax", name="logits")(x))
    ends = ((0.8, 1.4), (-0.3, 0.3), (-0.2, 0.2), (0.3, 0.9))
    model.get_layer("norm").set_weights([generator.uniform(low, high, 6) for low, high in ends])
    model.get_layer("slopes").set_weights([generator.uniform(0.1, 0.4, (1, 1, 6))])
    return model


def make(folder: Path) -> Path:
    network().save(folder / "model.keras")
    noise = np.random.default_rng(1).integers(0, 256, (40, 4, 4, 3), np.uint8)
    save_pictures(folder / "photos", noise.repeat(4, 1).repeat(4, 2))
    run = adopt(folder / "model.keras", tuple("abcd"), folder / "run", Preprocessing((1 / 255,)))
    photographs = load_representative(folder / "photos", RunDirectory(run).read_card())
    schemes: tuple[Scheme, ...] = ("int8", "float16")
    for scheme in schemes:
        convert(run, photographs, scheme=scheme, calibration_images=40)
    return folder


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> RunDirectory:
    made = once(tmp_path_factory, "between-layers", make)
    return RunDirectory(Path(shutil.copytree(made, tmp_path / "made")) / "run")


def findings(run: RunDirectory, scheme: Scheme) -> list[str]:
    photographs = load_representative(run.path.parent / "photos", run.read_card())
    report = parity(run.path, photographs, scheme=scheme)
    return [f"{found.layer}: {found.words}" for found in report.findings if found.broken]


def operators(graph: schema.ModelT, name: str) -> list["schema.OperatorT"]:
    """Those of this kind, in the order in which they run."""
    code = getattr(schema.BuiltinOperator, name)
    return [each for each in graph.subgraphs[0].operators if graph.operatorCodes[each.opcodeIndex].builtinCode == code]


def constant(graph: schema.ModelT, name: str) -> np.ndarray:
    """The int8 values, to be edited in place, that the first operator of this kind that has some takes."""
    for operator in operators(graph, name):
        for index in operator.inputs:
            tensor = graph.subgraphs[0].tensors[index]
            buffer = graph.buffers[tensor.buffer]
            if tensor.type == schema.TensorType.INT8 and buffer.data is not None and len(buffer.data):
                buffer.data = np.array(buffer.data, np.uint8)
                values: np.ndarray = buffer.data.view(np.int8).reshape(tensor.shape)
                return values
    raise AssertionError(name)


def spoil(
    run: RunDirectory,
    change: Callable[[schema.ModelT], None],
    variants: tuple[bool, ...] = (False, True),
    scheme: Scheme = "int8",
) -> None:
    for activations in variants:
        path = run.tflite(scheme, activations=activations)
        packed = read_model(path)
        assert packed.card and packed.golden
        graph = schema.ModelT.InitFromPackedBuf(packed.flatbuffer, 0)
        change(graph)
        flatbuffer = add_header(bytes(flatbuffer_utils.convert_object_to_bytearray(graph)))
        path.write_bytes(pack_card(flatbuffer, packed.card, packed.golden))


def exchange_factors(graph: schema.ModelT) -> None:
    factors = constant(graph, "MUL")
    factors[..., [1, 4]] = factors[..., [4, 1]]


def lower_an_offset(graph: schema.ModelT) -> None:
    constant(graph, "ADD")[..., 2] -= 30


def exchange_slopes(graph: schema.ModelT) -> None:
    slopes = constant(graph, "PRELU")
    slopes[..., [0, 5]] = slopes[..., [5, 0]]


def square(graph: schema.ModelT) -> None:
    swish = operators(graph, "MUL")[0]
    swish.inputs = np.array([swish.inputs[0]] * 2, np.int32)


def leave_out_slopes(graph: schema.ModelT) -> None:
    residual, slopes = operators(graph, "ADD")[1], operators(graph, "PRELU")[0]
    residual.inputs = np.array([residual.inputs[0], slopes.inputs[0]], np.int32)


def multiply(graph: schema.ModelT) -> None:
    residual, swish = operators(graph, "ADD")[1], operators(graph, "MUL")[0]
    residual.opcodeIndex = swish.opcodeIndex
    residual.builtinOptions, residual.builtinOptionsType = swish.builtinOptions, swish.builtinOptionsType


def narrow(graph: schema.ModelT) -> None:
    slopes = operators(graph, "PRELU")[0]
    given = graph.subgraphs[0].tensors[slopes.outputs[0]].quantization
    given.scale = np.asarray(given.scale) / np.float32(4)
    graph.subgraphs[0].tensors[slopes.inputs[0]].quantization = given


def average_over_others(graph: schema.ModelT) -> None:
    axes = graph.subgraphs[0].tensors[operators(graph, "MEAN")[0].inputs[1]]
    graph.buffers[axes.buffer].data = np.array([0, 1], np.int32).view(np.uint8)


def test_an_operator_that_takes_other_axes_is_named(run: RunDirectory) -> None:
    spoil(run, average_over_others)
    with pytest.raises(ModelFileError, match=r"average: its MEAN takes \[0, 1\], in Keras \[1, 2\]"):
        findings(run, "int8")


@pytest.mark.parametrize("scheme", ["int8", "float16"])
def test_a_sound_file_has_none(scheme: Scheme, run: RunDirectory) -> None:
    assert findings(run, scheme) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (exchange_factors, "norm: of the MUL on the way to it, the factors of channels 1 and 4 are exchanged"),
        (lower_an_offset, "norm: the offset of channel 2 is "),
        (exchange_slopes, "slopes: the slopes of channels 0 and 5 are exchanged"),
        (square, "its MUL takes the values of first and first, in Keras of first and the LOGISTIC on the way to first"),
        (narrow, "cuts them off; use --dynamic or --float16, which compute it in floats"),
        (leave_out_slopes, "residual: its ADD takes the values of norm and second, in Keras of norm and slopes"),
        (multiply, "residual: it is MUL, in Keras ADD"),
    ],
    ids=lambda case: getattr(case, "__name__", ""),
)
def test_a_fault_is_named(change: Callable[[schema.ModelT], None], words: str, run: RunDirectory) -> None:
    spoil(run, change)
    found = findings(run, "int8")
    assert any(words in one for one in found), found


def test_feature_maps_of_another_kernel_than_the_answers_are_no_proof(run: RunDirectory) -> None:
    def mirror(graph: schema.ModelT) -> None:
        kernels = constant(graph, "CONV_2D")
        kernels[2] = kernels[2, :, ::-1].copy()

    spoil(run, mirror, variants=(True,))
    assert any("in its activations variant, channel 2 is mirrored" in found for found in findings(run, "int8"))


def test_those_that_are_no_numbers_are_named_and_refused(run: RunDirectory) -> None:
    photographs = load_representative(run.path.parent / "photos", run.read_card())
    convert(run.path, photographs, scheme="float32", calibration_images=40)

    def spoil_slopes(graph: schema.ModelT) -> None:
        slopes = graph.subgraphs[0].tensors[operators(graph, "PRELU")[0].inputs[1]]
        data = graph.buffers[slopes.buffer].data.view(np.float32).copy()
        data[[1, 4]] = np.nan, np.inf
        graph.buffers[slopes.buffer].data = data.view(np.uint8)

    spoil(run, spoil_slopes, scheme="float32")
    words = (
        r"m.*\.tflite has weights that are no numbers \(slopes: the slopes of channels 1 and 4 are not finite\); conv"
    )
    with pytest.raises(ModelFileError, match=words):
        findings(run, "float32")


def dense(values: np.ndarray) -> Kernel:
    step = np.full((len(values), 1), 1e-4)
    return Kernel("FULLY_CONNECTED", Constant(0, values, step / 2, np.full_like(step, -9), np.full_like(step, 9)), None)


@pytest.mark.parametrize(
    ("shape", "change", "words"),
    [
        ((4, 4), np.transpose, "its weights are transposed"),
        ((3, 5), lambda values: values.T.reshape(3, 5), "its weights are transposed"),
        ((1, 6), lambda values: 2 * values, "all its weights are 2 times Keras'"),
        ((6, 1), lambda values: 2 * values, "all its weights are 2 times Keras'"),
    ],
    ids=["square", "oblong", "one channel", "one input"],
)
def test_a_dense_layer_is_transposed_only_where_that_is_another(
    shape: tuple[int, int], change: Callable[[np.ndarray], np.ndarray], words: str
) -> None:
    values = np.random.default_rng(3).normal(size=shape)
    (fault,) = compare_weights([dense(values)], [dense(change(values))], ["logits"])
    assert fault.words == words


def test_an_operator_that_gives_nothing_is_passed_over(run: RunDirectory) -> None:
    def append(graph: schema.ModelT) -> None:
        code, sets = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode, code.deprecatedBuiltinCode = schema.BuiltinOperator.CALL_ONCE, 127
        sets.opcodeIndex, sets.inputs, sets.outputs = len(graph.operatorCodes), [], []
        graph.operatorCodes.append(code)
        graph.subgraphs[0].operators.insert(0, sets)

    sound = read_model(run.tflite("int8", activations=True)).flatbuffer
    graph = schema.ModelT.InitFromPackedBuf(sound, 0)
    append(graph)
    odd = bytes(flatbuffer_utils.convert_object_to_bytearray(graph))
    assert compare_operators(sound, odd) == ()
    assert compare_operands(sound, odd) == ()
    exchange_slopes(graph)
    (fault,) = compare_operands(sound, bytes(flatbuffer_utils.convert_object_to_bytearray(graph)))
    assert fault.words.endswith("the slopes of channels 0 and 5 are exchanged")
