"""The plain model out of its activations variant: the same flatbuffer with fewer outputs."""

import struct

from tensorflow.lite.python import schema_py_generated as schema

# Field offsets in a table's vtable: 4 + 2 * the field's place in the schema (tensorflow/lite/schema/schema.fbs).
_SUBGRAPH_OUTPUTS = 8
_SIGNATURE_OUTPUTS = 6


def keep_output(flatbuffer: bytes, name: str) -> bytes:
    """Remove every output but the one that the signature calls `name`.

    Converting twice would not do: asked for more outputs, TensorFlow chooses other scales for some tensors, and the
    feature maps would be those of another network. Here operators, weights and scales stay, to the byte; only the
    lists of outputs are shortened, in place.
    """
    edited = bytearray(flatbuffer)
    model = schema.Model.GetRootAs(edited, 0)
    signature = model.SignatureDefs(0)
    names = [signature.Outputs(i).Name().decode() for i in range(signature.OutputsLength())]
    position = names.index(name)
    _keep_index(edited, model.Subgraphs(signature.SubgraphIndex())._tab, signature.Outputs(position).TensorIndex())
    _keep_table(edited, signature._tab, position)
    return bytes(edited)


def _vector(table: "schema.flatbuffers.table.Table", field: int) -> int:
    """Where the first element of a vector field lies; its length is in the four bytes before."""
    start: int = table.Vector(table.Offset(field))
    return start


def _keep_index(edited: bytearray, subgraph: "schema.flatbuffers.table.Table", tensor: int) -> None:
    start = _vector(subgraph, _SUBGRAPH_OUTPUTS)
    struct.pack_into("<Ii", edited, start - 4, 1, tensor)


def _keep_table(edited: bytearray, signature: "schema.flatbuffers.table.Table", position: int) -> None:
    start = _vector(signature, _SIGNATURE_OUTPUTS)
    place = start + 4 * position
    (offset,) = struct.unpack_from("<I", edited, place)  # counted from where it stands
    struct.pack_into("<II", edited, start - 4, 1, place + offset - start)
