"""Whether the integers of a file reach what it was made for."""

from collections.abc import Iterator, Sequence

from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.model_file.card import INPUT, LayerRange

from .causes import CALIBRATED_SLACK
from .graph import GraphOperator, names_of, read_operators
from .operator_fault import OperatorFault
from .scales import Quantization, quantization_of

_INTEGERS = {
    schema.TensorType.INT8: (-128, 127),
    schema.TensorType.UINT8: (0, 255),
    schema.TensorType.INT16: (-(2**15), 2**15 - 1),
}
_CHANGED = "their scale or zero point was changed afterwards"


class Ranges:
    """What the integers of a flatbuffer stand for, beside what its calibration saw."""

    def __init__(
        self, model: "schema.Model", operators: Sequence[GraphOperator], calibrated: Sequence[LayerRange]
    ) -> None:
        """Look at a flatbuffer.

        Args:
            model: an activations variant.
            operators: its own.
            calibrated: which values its calibration saw in each layer, and of the image, by name.
        """
        self._subgraph, self._operators = model.Subgraphs(0), operators
        self._seen = {each.name: each for each in calibrated}
        self._maps = names_of(model, operators, ())

    def of_image(self) -> Iterator[OperatorFault]:
        """Where the integers of the image do not reach what pixels become, but for a step."""
        taken = {self._subgraph.Inputs(0)}
        for one in self._operators:
            taken.update(index for index, source in zip(one.inputs, one.sources, strict=True) if source == -1)
        for index in sorted(taken):
            quantization = self._quantization(index)
            words = self._lacking(INPUT, index, quantization[0]) if quantization else ""
            if words:
                yield OperatorFault(INPUT, f"{words}: {_CHANGED}")
                return

    def of_layer(self, layer: str, index: int) -> Iterator[OperatorFault]:
        """Where the integers of a layer's tensor do not reach what its calibration saw."""
        words = self._lacking_of_layer(layer, index)
        if not words:
            return
        # TensorFlow wants one scale before and after some operators, and takes the one after where two of them meet.
        alike = [
            one.name
            for one in self._operators
            if index in one.inputs
            and self._quantization(one.output) == self._quantization(index)
            and not self._lacking_of_layer(self._maps.get(one.output, ""), one.output)
        ]
        if alike:
            yield OperatorFault(
                layer,
                f"{words}: TensorFlow gave them the scale of what {alike[0]} makes of them, which cuts them off",
                "use --dynamic or --float16, which compute it in floats",
            )
        else:
            yield OperatorFault(layer, f"{words}: {_CHANGED}")

    def all(self) -> Iterator[OperatorFault]:
        """Every layer whose integers do not."""
        for one in self._operators:
            if one.output in self._maps:
                yield from self.of_layer(self._maps[one.output], one.output)

    def _lacking_of_layer(self, layer: str, index: int) -> str:
        seen = self._seen.get(layer)
        return self._lacking(layer, index, CALIBRATED_SLACK * (seen.high - seen.low)) if seen else ""

    def _lacking(self, name: str, index: int, slack: float) -> str:
        """What a tensor lacks by more than `slack`, in words; empty where it lacks nothing, or nobody knows."""
        seen, quantization = self._seen.get(name), self._quantization(index)
        kind = self._subgraph.Tensors(index).Type()
        if seen is None or quantization is None or kind not in _INTEGERS:
            return ""
        scale, zero_point = quantization
        low, high = (scale * (integer - zero_point) for integer in _INTEGERS[kind])
        if low - slack <= seen.low <= seen.high <= high + slack:
            return ""
        made_for = f"it was made for {seen.low:.4g} to {seen.high:.4g}"
        return f"its integers stand for {low:.4g} to {high:.4g}, but {made_for}"

    def _quantization(self, index: int) -> Quantization | None:
        return quantization_of(self._subgraph, index)


def cut_ranges(found: bytes, calibrated: Sequence[LayerRange]) -> tuple[OperatorFault, ...]:
    """The layers of an activations variant whose integers do not reach what its calibration saw."""
    model = schema.Model.GetRootAs(found, 0)
    return tuple(Ranges(model, read_operators(model), calibrated).all())
