"""Tune a quantized flatbuffer: what the training images say is better is kept, and said."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from edgecnn.errors import EdgecnnError
from edgecnn.keras_file import first_clause
from edgecnn.pixels.dataset import Split, stratified

from ..network.keras_network import KerasNetwork
from ..tflite.kernels import CHANNELS_FIRST, read_kernels
from .graph import Graph
from .record import TuningRecord
from .rounding import choose_by_error
from .simulation import Floats, Simulation
from .training import divergence, train
from .writing import write

# Images that choose, as far as memory goes; of a divergence a few images make up most, so that more of them measure it.
_CHOOSING, _FEWEST, _VALUES = 256, 16, 12_500_000  # values of the largest tensor for all that choose
_MEASURING = 4  # times as many
_APART = 0.1  # median difference of a probability: rounding weights to 8 bits alone never moves one this far
_CHOICES = ((False, "weights rounded together"), (True, "weights rounded together, ranges by error"))
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Tuned:
    """A tuned flatbuffer, and the network that was exported in it."""

    flatbuffer: bytes
    record: TuningRecord


@contextlib.contextmanager
def _on_the_cpu() -> Iterator[None]:
    """A GPU adds up convolutions otherwise than integers do (Winograd), and gradients in another order every time."""
    with tf.device("CPU"):
        yield


@_on_the_cpu()
def tune(
    flatbuffer: bytes,
    float32: bytes,
    network: KerasNetwork,
    split: Split,
    epochs: int,
    seed: int,
    parent: str,
    progress: Progress,
) -> Tuned:
    """Choose the integers of a quantized flatbuffer anew, and train them; each step is kept if other images say so.

    Args:
        flatbuffer: the activations variant, with 8-bit weights.
        float32: the same in float32.
        network: what it was converted from.
        split: two training images at least; some of those that are drawn choose, the others measure.
        epochs: of training on all of them; 0 for none.
        seed: draws the images and their order.
        parent: SHA-256 of the Keras model.
        progress: is told of each step.

    Raises:
        EdgecnnError: the network has an operator that is not simulated.
    """
    simulation = _simulation(flatbuffer, float32)
    count = min(max(_FEWEST, min(_CHOOSING, _VALUES // simulation.graph.most_values)), len(split) // 2)
    drawn = stratified(split.labels, min(count * (1 + _MEASURING), len(split)), seed)
    choosing, measuring = (_fed(network, split, np.sort(rows)) for rows in (drawn[:count], drawn[count:]))
    expected = _real_answers(simulation, network, split, np.sort(drawn[count:]))

    def measured() -> float:
        return divergence(expected, simulation.answers(measuring, quantized=True))

    original, first = simulation.state(), measured()
    best, kept, words = first, original, list[str]()
    progress(f"as converted: divergence from Keras {first:.2e} on {len(measuring):,} training images")
    for ranges, step in _CHOICES[: 1 + any(simulation.can_cut(group) for group in simulation.graph.groups)]:
        simulation.restore(original)
        choose_by_error(simulation, choosing, ranges)
        reached = measured()
        progress(f"{step}: {reached:.2e}")
        if reached < best:
            best, kept, words = reached, simulation.state(), [f"{step} ({reached:.2e})"]
    if epochs:
        simulation.restore(original)
        teacher = _teacher(simulation, network, split)
        simulation.restore(kept)
        train(simulation, lambda rows: _fed(network, split, rows), teacher, epochs, seed, progress)
        reached = measured()
        progress(f"trained: {reached:.2e}")
        if reached < best:
            kept = simulation.state()
            words.append(f"{epochs} epoch{'s'[: epochs > 1]} of training on {len(split):,} images ({reached:.2e})")
    simulation.restore(kept)
    said = (
        f"tuned: divergence from Keras, on {len(measuring):,} training images: as converted {first:.2e}; "
        f"{'; '.join(words) or 'no step was better'}"
    )
    return Tuned(write(flatbuffer, simulation), _record(flatbuffer, simulation, said, parent))


def _simulation(flatbuffer: bytes, float32: bytes) -> Simulation:
    own, real = read_kernels(flatbuffer), read_kernels(float32)
    constants: dict[int, Floats] = {}
    if [each.weights.values.shape for each in own] == [each.weights.values.shape for each in real]:
        for here, there in zip(own, real, strict=True):
            order = CHANNELS_FIRST[here.operator]
            constants[here.weights.index] = there.weights.values.transpose(order).astype(np.float32)
            if here.bias and there.bias:
                constants[here.bias.index] = there.bias.values.astype(np.float32)
    try:
        return Simulation(Graph.read(flatbuffer), constants)
    except LookupError as error:
        raise EdgecnnError(f"--qat does not know the operator {error.args[0]} of this network; leave it out") from None


def _real_answers(simulation: Simulation, network: KerasNetwork, split: Split, rows: npt.NDArray[np.int64]) -> Floats:
    """What the network says without roundings, logits (images, classes).

    Raises:
        EdgecnnError: the simulation does not compute what Keras does.
    """
    try:
        answers = simulation.answers(_fed(network, split, rows), quantized=False)
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        raise EdgecnnError(f"--qat cannot follow this network ({first_clause(error)}); leave it out") from None
    found = tf.nn.softmax(answers).numpy() if simulation.has_softmax else answers
    apart = np.abs(found - network.predict(np.asarray(split.images[rows]))).max(axis=1)
    if np.median(apart) > _APART:
        raise EdgecnnError("--qat does not compute this network as Keras does; leave it out")
    return answers


def _fed(network: KerasNetwork, split: Split, rows: npt.NDArray[np.int64]) -> Floats:
    return network.fed(np.asarray(split.images[rows]))


def _teacher(simulation: Simulation, network: KerasNetwork, split: Split) -> Floats:
    parts = np.array_split(np.arange(len(split)), max(1, len(split) // 1000))
    return np.concatenate([simulation.answers(_fed(network, split, rows), quantized=False) for rows in parts])


def _record(flatbuffer: bytes, simulation: Simulation, words: str, parent: str) -> TuningRecord:
    weights, biases = [], []
    for kernel in read_kernels(flatbuffer):
        tensor = simulation.graph.tensors[kernel.weights.index]
        values, own = kernel.weights.values, kernel.bias.values if kernel.bias else np.empty(0)
        if tensor.index in simulation.weights:
            values = (simulation.integers(tensor.index) * tensor.step).transpose(CHANNELS_FIRST[kernel.operator])
            own = simulation.real_bias(kernel.bias.index) if kernel.bias else own
        weights.append(values.astype(np.float32))
        biases.append(own.astype(np.float32))
    chosen = {index for group in simulation.graph.groups for index in group}
    # A map that is returned in floats has its range in integers before.
    before = {each.output: each.inputs[0] for each in simulation.graph.operators if each.name == "DEQUANTIZE"}
    outputs = {name: before.get(index, index) for name, index in simulation.graph.outputs.items()}
    ranges = {name: simulation.range(index) for name, index in outputs.items() if index in chosen}
    return TuningRecord(words, parent, tuple(weights), tuple(biases), ranges)
