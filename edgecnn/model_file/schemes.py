"""The schemes: how a network may be approximated, and what each costs. One row each; all else is made from them."""

from typing import Literal, NamedTuple

# For type checkers and editors; what a card or a command may name is decided by the rows below.
Scheme = Literal["float32", "float16", "dynamic", "mixed", "int8", "int16x8"]
# The types that input and output of a converted model may be asked to have.
IoType = Literal["int8", "uint8", "float32"]


class SchemeRow(NamedTuple):
    """One scheme. Its exporter, of the same name, is in `edgecnn/convert/tflite/exporters.py`.

    Attributes:
        summary: the help of its option.
        price: what is approximated, and what that costs on the reference network.
        tolerance: the largest difference of a probability that healthy kernels show, with room; `edgecnn verify`
            fails beyond it.
        input_type: dtype of the model's input.
        output_type: dtype of its output.
        io_types: what --io may make of both; empty where they cannot be chosen.
        is_calibrated: whether it needs a representative data set.
        is_tuned: whether `--qat` can choose and train its weights.
        is_dynamic: whether dense layers keep one scale a channel with activations that are rounded on the fly.
        package: the PyPI package that its exporter needs beyond TensorFlow, part of edgecnn[train].
        climbs_to: what --auto tries next where this one fails its gate.
    """

    summary: str
    price: str
    tolerance: float
    input_type: str = "float32"
    output_type: str = "float32"
    io_types: tuple[IoType, ...] = ()
    is_calibrated: bool = False
    is_tuned: bool = False
    is_dynamic: bool = False
    package: str = ""
    climbs_to: Scheme | None = None

    @property
    def rounds_weights(self) -> bool:
        """Whether weights become integers, which need scales."""
        return self.is_calibrated or self.is_dynamic


SCHEMES: dict[str, SchemeRow] = {
    "float32": SchemeRow(
        summary="No quantization.",
        price="nothing is approximated. 4 bytes a weight.",
        tolerance=1e-4,  # kernels differ by some 1e-6: the same arithmetic in another order
    ),
    "float16": SchemeRow(
        summary="16-bit weights, computed in 32.",
        price="weights are stored in 16 bits and computed in 32. Half the bytes, the same speed, little loss.",
        tolerance=1e-2,  # as float32's unless a processor computes in 16 bits
    ),
    "dynamic": SchemeRow(
        summary="8-bit weights, activations rounded on the fly.",
        price="weights in 8 bits; activations stay float32 and are rounded on the fly. A quarter of the bytes; "
        "convolutions gain little speed; one answer in some hundred differs.",
        tolerance=0.05,  # kernels differ by up to 0.004 on the reference network
        is_dynamic=True,
    ),
    "mixed": SchemeRow(
        summary="8-bit integers but for the dense layers and the output.",
        price="int8 for all but the dense layers, which are as in dynamic, with a float32 output: the bytes of int8 "
        "and nearly its speed, without its ties.",
        tolerance=0.1,  # kernels differ by up to 0.018
        input_type="int8",
        is_calibrated=True,
        is_tuned=True,
        package="litert-quantizer",
        climbs_to="int16x8",
    ),
    "int8": SchemeRow(
        summary="8-bit integers throughout; this is what is made if no scheme is named.",
        price="weights, activations, input and output in 8 bits: a quarter of the bytes, faster where the processor "
        "has 8-bit dot products, the only one for an Edge TPU; the 8-bit output can tie.",
        tolerance=0.1,  # XNNPACK's, the built-in and the reference kernels differ by up to 17/256
        input_type="int8",
        output_type="int8",
        io_types=("int8", "uint8", "float32"),
        is_calibrated=True,
        is_tuned=True,
        climbs_to="mixed",
    ),
    "int16x8": SchemeRow(
        summary="8-bit weights, 16-bit activations: close, and slow.",
        price="weights in 8 bits, activations in 16: int8's bytes and closer answers, but computed by reference "
        "kernels, a hundred times slower.",
        tolerance=1e-2,  # kernels differ by up to 0.0004
        input_type="int16",
        output_type="int16",
        is_calibrated=True,
        is_tuned=True,
        climbs_to="float16",
    ),
}
DEFAULT_SCHEME: Scheme = "int8"


def climb() -> "tuple[Scheme, ...]":
    """The schemes that --auto tries in turn, from what a device likes best to what loses least."""
    steps: list[Scheme] = []
    step: Scheme | None = DEFAULT_SCHEME
    while step is not None:
        steps.append(step)
        step = SCHEMES[step].climbs_to
    return tuple(steps)
