"""Whether a file, its activations variant and a Keras model are of one network."""

import dataclasses
from pathlib import Path

import numpy as np

from edgecnn.device.runtime.session import Session
from edgecnn.errors import ModelFileError
from edgecnn.model_file.card import PROBABILITIES
from edgecnn.model_file.container import PackedModel
from edgecnn.run_directory import RunDirectory

from .. import run_cache
from ..network.keras_network import KerasNetwork
from ..pair import Pair
from .operands import compare_operands
from .operator_fault import cured_by_conversion
from .operators import compare_operators


def require_same_network(
    network: KerasNetwork, run: RunDirectory, paths: Pair[Path], packed: Pair[PackedModel]
) -> KerasNetwork:
    """Make sure that both files can be compared with the Keras model of a run, and are of one another.

    Returns:
        The network with the maps that the variant has too.

    Raises:
        ModelFileError: they are not.
    """
    maps = network.maps
    if packed.activations is not None and packed.activations.card:
        names = {layer.name for layer in packed.activations.card.feature_maps}
        maps = tuple(layer for layer in maps if layer.name in names)
    probabilities: dict[str, tuple[int, ...]] = {PROBABILITIES: (len(network.card.labels),)}
    expected = Pair(probabilities, {**probabilities, **{layer.name: layer.shape for layer in maps}})
    try:
        sessions = list(packed.map(Session))
    except ModelFileError as error:
        other = _other_operator(network, run, packed.activations or packed.plain)
        if not other:
            raise
        raise ModelFileError(
            f"{paths.plain} does not run, and its operators are not Keras' ({other}); convert the run again ({error})"
        ) from error
    for path, session, wanted in zip(paths, sessions, expected, strict=True):
        shapes = {name: tuple(each.shape[1:]) for name, each in session.outputs.items() if each.shape[:1] == (1,)}
        same_input = session.input.shape[1:] == network.card.input.shape
        if not same_input or {name: shapes.get(name) for name in wanted} != wanted:
            other = _other_operator(network, run, packed.activations or packed.plain) if same_input else ""
            raise ModelFileError(
                f"{path} is of another network than the run's model.keras ({other or 'input, classes or feature maps'}"
                f"{'' if other else ' differ'}); convert the run again"
            )
    probe, spec = np.zeros((1, *network.card.input.shape), np.uint8), network.card.input
    first, second = (session.run_all(probe, spec, session.outputs[PROBABILITIES]) for session in sessions)
    origins = [(file.card.provenance.parent_sha256, file.card.quantization) if file.card else None for file in packed]
    if origins[0] != origins[1] or not np.array_equal(first, second, equal_nan=first.dtype.kind == "f"):
        raise ModelFileError(
            f"{paths.activations} is not the activations variant of {paths.plain.name}; convert the run again, with "
            "both"
        )
    return dataclasses.replace(network, maps=maps)


def _other_operator(network: KerasNetwork, run: RunDirectory, packed: PackedModel) -> str:
    """The first operator of a file that is not Keras' or takes other constants; empty where none is found."""
    float32 = run_cache.in_float32(run, network).flatbuffer
    operators = cured_by_conversion(compare_operators(float32, packed.flatbuffer))
    faults = operators or compare_operands(float32, packed.flatbuffer)
    return f"{faults[0].layer}: {faults[0].words}" if faults else ""
