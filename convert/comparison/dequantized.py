"""The file's own weights in float arithmetic: what they are wrong in, no wider type would cure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.errors import ModelFileError
from edgecnn.model_file.card import INPUT, PROBABILITIES, LayerRange, ModelCard
from edgecnn.model_file.container import PackedModel
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.run_directory import RunDirectory

from .. import run_cache
from ..network.keras_network import KerasNetwork
from ..network.pixels_in import fed_with_pixels
from ..pair import Pair
from ..tflite.kernels import Kernel, read_kernels, with_constants
from ..tflite.prune_outputs import is_part_of
from ..tuning.record import TuningRecord
from .finding import listed
from .keras_kernels import layer_names
from .operands import compare_operands
from .operator_fault import OperatorFault
from .operators import compare_operators
from .weights import WeightFault, comparable, compare_weights


@dataclass(frozen=True)
class Dequantized:
    """A file's weights.

    Attributes:
        variant: the network in float32 TFLite, with maps, with the file's weights times their scales.
        faults: the layers whose weights are not Keras', in network order.
        operator_faults: the layers whose operators are not.
    """

    variant: PackedModel
    faults: tuple[WeightFault, ...]
    operator_faults: tuple[OperatorFault, ...]


def dequantized(
    network: KerasNetwork,
    run: RunDirectory,
    float32: PackedModel,
    packed: Pair[PackedModel],
    record: TuningRecord | None = None,
) -> Dequantized | None:
    """Compare the weights of a file with Keras', and put them into the float32 model.

    Args:
        network: Keras.
        run: its run directory.
        float32: see `run_cache.in_float32`.
        packed: the file and its activations variant.
        record: of the network that was exported in place of Keras', where the file was tuned.

    Returns:
        None where the file has other operators than the float32 model, e.g. after a compiler.

    Raises:
        ModelFileError: some of its weights are infinite, or no numbers.
    """
    if packed.plain.card and _takes_pixels(packed.plain.card.input) and not _takes_pixels(network.card.input):
        network = fed_with_pixels(network)
        float32 = run_cache.in_float32(run, network)
    expected, found = read_kernels(float32.flatbuffer), read_kernels(packed.plain.flatbuffer)
    if not comparable(expected, found):
        return None
    names = layer_names(network.model, expected)
    exported = record.kernels(expected) if record else expected
    calibrated = _calibrated(packed.plain.card, record) if packed.plain.card else ()
    faults = _compare_constants(float32, packed.plain, exported, names)
    is_apart = packed.activations is not None and not _has_all_of(packed.plain, packed.activations)
    if not faults and packed.activations and is_apart:
        # Its feature maps must not come from another network than the answers.
        faults = tuple(
            replace(fault, words=f"in its activations variant, {fault.words}")
            for fault in _compare_constants(float32, packed.activations, exported, names)
        )
    operator_faults = compare_operators(
        float32.flatbuffer, (packed.activations or packed.plain).flatbuffer, calibrated, names
    )
    if not operator_faults and is_apart:
        operator_faults = tuple(
            replace(fault, words=f"in the file without feature maps, {fault.words}")
            for fault in compare_operators(float32.flatbuffer, packed.plain.flatbuffer, calibrated, names)
        )
    flatbuffer = with_constants(float32.flatbuffer, found)
    return Dequantized(PackedModel("the file's weights in float32", flatbuffer, None, None), faults, operator_faults)


def _require_numbers(name: str, faults: Sequence[WeightFault]) -> None:
    lost = [(fault.layer, fault.words) for fault in faults if not fault.has_numbers]
    if lost:
        raise ModelFileError(f"{name} has weights that are no numbers ({listed(lost)}); convert the run again")


def _compare_constants(
    float32: PackedModel, file: PackedModel, exported: Sequence[Kernel], names: Sequence[str]
) -> tuple[WeightFault, ...]:
    """What a file's weights, and the other constants of its operators, have that was not exported.

    Raises:
        ModelFileError: some are infinite, or no numbers.
    """
    kernels = read_kernels(file.flatbuffer)
    if not comparable(exported, kernels):
        return ()
    others = compare_operands(float32.flatbuffer, file.flatbuffer, names)
    faults = (*compare_weights(exported, kernels, names), *others)
    _require_numbers(file.name, faults)
    return faults


def _has_all_of(plain: PackedModel, variant: PackedModel) -> bool:
    """Whether a file has every operator of its variant, with the same numbers."""
    graphs = [schema.Model.GetRootAs(each.flatbuffer, 0).Subgraphs(0) for each in (plain, variant)]
    return graphs[0].OperatorsLength() == graphs[1].OperatorsLength() and is_part_of(
        plain.flatbuffer, variant.flatbuffer, PROBABILITIES
    )


def _calibrated(card: ModelCard, record: TuningRecord | None) -> tuple[LayerRange, ...]:
    """What the integers of a file must reach: of the image all that pixels become, which every calibration is shown."""
    ends = [value * a + b for a, b in zip(card.input.scale, card.input.offset, strict=True) for value in (0, 255)]
    seen = record.calibrated(card.ranges) if record else card.ranges
    return tuple(replace(each, low=min(ends), high=max(ends)) if each.name == INPUT else each for each in seen)


def _takes_pixels(spec: InputSpec) -> bool:
    return set(spec.scale) == {1.0} and set(spec.offset) == {0.0}
