"""What a .tflite file of another tool says of itself: standard TFLite metadata, and what makes its scores.

Standard metadata (schema M001) is a flatbuffer in a buffer of the model called TFLITE_METADATA; the files that it names
are in a zip behind the model. Nothing here raises for a damaged file: what cannot be read is not there, and said.
"""

import math
from dataclasses import dataclass
from typing import Literal

from ..bounded_zip import read_member
from ..zip_errors import ZIP_ERRORS, zip_reason
from .flatbuffer import DamagedFlatbufferError, Table
from .label_text import lines_of
from .tflite_buffers import buffer_content
from .tflite_graph import CUSTOM, builtin_name

Scores = Literal["probabilities", "logits", "sigmoid", "sigmoids", "unknown"]

EDGE_TPU_OP = "edgetpu-custom-op"
_NAME = "TFLITE_METADATA"
_NORMALIZATION, _CALIBRATION, _THRESHOLDING = 1, 2, 3  # of ProcessUnitOptions
_AXIS_LABELS, _VALUE_LABELS = 2, 3  # of AssociatedFileType
_IMAGE, _RGB = 2, 1  # of ContentProperties, of ColorSpaceType
_MAX_LABEL_BYTES, _MOST_LABEL_FILES = 4 << 20, 64
# What changes the form of scores and not their meaning: ADD is that of a constant.
_TRANSPARENT = ("ADD", "AVERAGE_POOL_2D", "DEQUANTIZE", "RESHAPE", "MEAN", "SQUEEZE", "QUANTIZE")
# What ends in anything else (a softmax in single steps ends in a division) is unknown: a second softmax would make all
# probabilities alike. The softmax of a logarithm of probabilities is these.
_LOGITS = ("CONV_2D", "FULLY_CONNECTED", "BATCH_MATMUL", "LOG_SOFTMAX")


@dataclass(frozen=True)
class LabelFile:
    """A file of class names behind the model.

    Attributes:
        name: of the file.
        locale: the language of its names, such as `de`; empty where it says none.
        lines: of the file, in output order.
    """

    name: str
    locale: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class TfliteMetadata:
    """What standard metadata says.

    Attributes:
        label_files: those that name the scores' classes, the best first: of no special language, or English.
        mean: of the input, one or one a channel: value = (pixel - mean) / std; empty where it says nothing.
        std: likewise.
        is_rgb: whether it says that the input is an image of red, green and blue.
        damage: what is there and is not used, and why; empty where all is used.
    """

    label_files: tuple[LabelFile, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    is_rgb: bool = False
    damage: str = ""


def read_metadata(data: bytes, tensor: int | None = None) -> TfliteMetadata:
    """The metadata of a whole .tflite file, the zip behind it included; all empty for a file without.

    Args:
        data: the file.
        tensor: number of the tensor with the scores, where the file has several outputs.
    """
    try:
        graph = _subgraph_metadata(data)
        if graph is None:
            return TfliteMetadata()
        (mean, std), is_rgb = _normalization(graph), _is_rgb(graph)
        scores = _scores_metadata(data, graph, tensor)
        named = _label_files(scores)
        damages = _unused(scores)
    except (DamagedFlatbufferError, RecursionError) as error:
        return TfliteMetadata(damage=f"its metadata does not read ({error})")
    files = []
    for name, locale in named:
        lines, damage = _read_lines(data, name)
        files += [LabelFile(name, locale, lines)] if lines else []
        damages += [damage] if damage else []
    return TfliteMetadata(tuple(files), mean, std, is_rgb, "; ".join(damages))


def associated_files(data: bytes) -> frozenset[str]:
    """Names of the files behind a model that its metadata names; none where it does not read."""
    try:
        metadata = _metadata(data)
        graphs = metadata.tables(10) if metadata else []
        tensors = [tensor for graph in graphs for slot in (8, 10) for tensor in graph.tables(slot)]
        owners = [(metadata, 16), *((graph, 12) for graph in graphs), *((tensor, 16) for tensor in tensors)]
        return frozenset(file.text(4) for owner, slot in owners if owner for file in owner.tables(slot))
    except DamagedFlatbufferError:
        return frozenset()


def custom_operators(data: bytes) -> tuple[str, ...]:
    """Names of the operators that no runtime has by itself; empty for a file that does not read."""
    try:
        codes = Table.root(data).tables(6)
        return tuple(code.text(6) for code in codes if builtin_name(code) == CUSTOM)
    except DamagedFlatbufferError:
        return ()


def reads_unset_variables(data: bytes) -> bool:
    """Whether a file reads variables that nothing in it gives a value: what they hold is whatever lies in memory."""
    try:
        codes = {builtin_name(code) for code in Table.root(data).tables(6)}
    except (DamagedFlatbufferError, IndexError):
        return False  # the runtime says what is damaged
    return "READ_VARIABLE" in codes and "ASSIGN_VARIABLE" not in codes


def score_kind(data: bytes, tensor: int | None = None) -> Scores:
    """What the last operator makes of class scores; `unknown` where that is not to be seen.

    Args:
        data: a .tflite file.
        tensor: number of the tensor with the scores; None for the only output.
    """
    try:
        model = Table.root(data)
        codes, graphs = model.tables(6), model.tables(8)
        if tensor is None:
            (tensor,) = map(int, graphs[0].numbers(8, "i"))
        return _score_kind(graphs[0], codes, tensor)
    except (DamagedFlatbufferError, IndexError, ValueError):  # ValueError: no output, or several
        return "unknown"


def _score_kind(graph: Table, codes: list[Table], output: int) -> Scores:
    producers = {int(made): operator for operator in graph.tables(10) for made in operator.numbers(8, "i")}
    tensor, seen = output, set[int]()
    while tensor in producers and tensor not in seen:
        seen.add(tensor)
        operator = producers[tensor]
        name = builtin_name(codes[operator.scalar(4, "I")])
        if name == "SOFTMAX":
            return "probabilities"
        if name == "LOGISTIC":
            shape = graph.tables(4)[output].numbers(4, "i")
            return "sigmoid" if math.prod(shape) == 1 else "sigmoids"
        if name in _LOGITS:
            return "logits"
        computed = [int(one) for one in operator.numbers(6, "i") if int(one) in producers]
        if name not in _TRANSPARENT or len(computed) != 1:
            return "unknown"
        tensor = computed[0]
    return "unknown"


def _metadata(data: bytes) -> Table | None:
    model = Table.root(data)
    for entry in model.tables(16):
        if entry.text(4) == _NAME:
            buffers, index = model.tables(12), entry.scalar(6, "I")
            if index >= len(buffers):
                raise DamagedFlatbufferError(f"it is in buffer {index} of {len(buffers)}")
            return Table.root(buffer_content(buffers[index]))
    return None


def _subgraph_metadata(data: bytes) -> Table | None:
    metadata = _metadata(data)
    graphs = metadata.tables(10) if metadata else []
    return graphs[0] if graphs else None


def _normalization(graph: Table) -> tuple[tuple[float, ...], tuple[float, ...]]:
    for tensor in graph.tables(8)[:1]:
        for unit in tensor.tables(12):
            options = unit.table(6)
            if unit.scalar(4, "B") == _NORMALIZATION and options is not None:
                mean, std = options.numbers(4, "f"), options.numbers(6, "f")
                if not all(map(math.isfinite, (*mean, *std))) or 0 in std or not mean or not std:
                    raise DamagedFlatbufferError(f"mean {list(mean)} and std {list(std)} are no normalization")
                return mean, std
    return (), ()


def _is_rgb(graph: Table) -> bool:
    contents = [content for tensor in graph.tables(8)[:1] if (content := tensor.table(10))]
    images = [content.table(6) for content in contents if content.scalar(4, "B") == _IMAGE]
    return any(image is not None and image.scalar(4, "b") == _RGB for image in images)


def _scores_metadata(data: bytes, graph: Table, tensor: int | None) -> list[Table]:
    """What is said of the output `tensor`; of all outputs where that is not to be told."""
    said = graph.tables(10)
    outputs = [index for one in Table.root(data).tables(8)[:1] for index in one.numbers(8, "i")]
    return [said[outputs.index(tensor)]] if tensor in outputs and len(said) == len(outputs) else said


def _label_files(scores: list[Table]) -> list[tuple[str, str]]:
    """Name and locale of the files with class names: those of an axis before those of values, then by language."""
    found = [
        (file.scalar(8, "b") == _VALUE_LABELS, file.text(10)[:2].lower() not in ("", "en"), file)
        for tensor in scores
        for file in tensor.tables(16)
        if file.scalar(8, "b") in (_AXIS_LABELS, _VALUE_LABELS)
    ]
    found.sort(key=lambda each: each[:2])
    return [(file.text(4), file.text(10)) for *_, file in found[:_MOST_LABEL_FILES]]


def _unused(scores: list[Table]) -> list[str]:
    """What it asks to be done to the scores and is not: they stay the network's own."""
    kinds = {unit.scalar(4, "B") for tensor in scores for unit in tensor.tables(12)}
    said = {_CALIBRATION: "calibration of its scores", _THRESHOLDING: "threshold of its scores"}
    return [f"the {words} in its metadata is not applied" for kind, words in said.items() if kind in kinds]


def _read_lines(data: bytes, name: str) -> tuple[tuple[str, ...], str]:
    """The lines of a file in the zip behind the model, or why there are none."""
    try:
        text = read_member(data, name, _MAX_LABEL_BYTES).decode("utf-8-sig").rstrip()
    except KeyError:
        return (), f"its metadata names the label file {name}, which is not in the file"
    except ZIP_ERRORS as error:
        return (), f"its label file {name} does not read ({zip_reason(error)})"
    return tuple(lines_of(text)) if text else (), "" if text else f"its label file {name} is empty"
