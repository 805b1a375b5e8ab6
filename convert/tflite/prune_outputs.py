"""The plain model out of its activations variant: the same flatbuffer with fewer outputs."""

import struct
from collections.abc import Sequence

from tensorflow.lite.python import schema_py_generated as schema

# Field offsets in a table's vtable: 4 + 2 * the field's place in the schema (tensorflow/lite/schema/schema.fbs).
_SUBGRAPH_OUTPUTS = 8
_SUBGRAPH_OPERATORS = 10
_SIGNATURE_OUTPUTS = 6


def keep_output(flatbuffer: bytes, name: str) -> bytes:
    """Remove every output but the one that the signature calls `name`, and the operators that only made the others.

    Converting twice would not do: asked for more outputs, TensorFlow chooses other scales for some tensors, and the
    feature maps would be those of another network. Here weights, scales and all other operators stay, to the byte;
    only lists are shortened, in place.
    """
    edited = bytearray(flatbuffer)
    model = schema.Model.GetRootAs(edited, 0)
    signature = model.SignatureDefs(0)
    subgraph = model.Subgraphs(signature.SubgraphIndex())
    names = [signature.Outputs(i).Name().decode() for i in range(signature.OutputsLength())]
    position = names.index(name)
    tensor = signature.Outputs(position).TensorIndex()
    live = _live_operators(subgraph, tensor)
    _keep_index(edited, subgraph._tab, tensor)
    _keep_tables(edited, subgraph._tab, _SUBGRAPH_OPERATORS, live)
    _keep_tables(edited, signature._tab, _SIGNATURE_OUTPUTS, [position])
    return bytes(edited)


def is_part_of(flatbuffer: bytes, whole: bytes, name: str) -> bool:
    """Whether a flatbuffer is what `keep_output` leaves of another one, to the byte."""
    model = schema.Model.GetRootAs(whole, 0)
    if len(flatbuffer) != len(whole) or model.SignatureDefsLength() != 1:
        return False
    signature = model.SignatureDefs(0)
    names = [signature.Outputs(place).Name() for place in range(signature.OutputsLength())]
    return name.encode() in names and keep_output(whole, name) == flatbuffer


def _live_operators(subgraph: "schema.SubGraph", output: int) -> list[int]:
    """The operators that `output` depends on; they stand in the order in which they run."""
    needed, live = {output}, []
    for position in reversed(range(subgraph.OperatorsLength())):
        operator = subgraph.Operators(position)
        if needed.intersection(operator.OutputsAsNumpy().tolist()):
            needed.update(operator.InputsAsNumpy().tolist())
            live.append(position)
    return live[::-1]


def _vector(table: "schema.flatbuffers.table.Table", field: int) -> int:
    """Where the first element of a vector field lies; its length is in the four bytes before."""
    start: int = table.Vector(table.Offset(field))
    return start


def _keep_index(edited: bytearray, subgraph: "schema.flatbuffers.table.Table", tensor: int) -> None:
    start = _vector(subgraph, _SUBGRAPH_OUTPUTS)
    struct.pack_into("<Ii", edited, start - 4, 1, tensor)


def _keep_tables(
    edited: bytearray, table: "schema.flatbuffers.table.Table", field: int, positions: Sequence[int]
) -> None:
    """Shorten a vector of tables to those at `positions`."""
    start = _vector(table, field)
    places = [start + 4 * position for position in positions]
    # An element is an offset counted from where it stands.
    targets = [place + struct.unpack_from("<I", edited, place)[0] for place in places]
    struct.pack_into("<I", edited, start - 4, len(targets))
    for index, target in enumerate(targets):
        place = start + 4 * index
        struct.pack_into("<I", edited, place, target - place)
