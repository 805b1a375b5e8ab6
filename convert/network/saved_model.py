"""What the folder of a SavedModel says of the Keras layers in it."""

from collections.abc import Iterator
from pathlib import Path

from .damaged_files import damaged


def is_saved_model(path: Path) -> bool:
    """Whether a folder is a SavedModel."""
    return (path / "saved_model.pb").is_file()


def saved_model_layers(folder: Path) -> tuple[str, list[str]]:
    """The TensorFlow that wrote a SavedModel, and what Keras 2 says in it of each layer and model, as JSON.

    Raises:
        ModelFileError: damaged.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    try:
        saved = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
        if not saved.meta_graphs:
            raise OSError("no graph is in its saved_model.pb")
        graph = saved.meta_graphs[0]
        nodes = [node.user_object for node in graph.object_graph_def.nodes]
        configs = [node.metadata for node in nodes if _is_layer(node.identifier)]
        beside = folder / "keras_metadata.pb"
        if beside.is_file():
            configs = [text for identifier, text in _keras_metadata(beside) if _is_layer(identifier)]
    except (OSError, DecodeError, IndexError, UnicodeDecodeError) as error:
        raise damaged(folder, error) from None
    return str(graph.meta_info_def.tensorflow_version), configs


def _is_layer(identifier: str) -> bool:
    return identifier.startswith("_tf_keras") and identifier != "_tf_keras_metric"


def _keras_metadata(path: Path) -> Iterator[tuple[str, str]]:
    """Identifier and metadata of each object in keras_metadata.pb, a SavedMetadata of Keras 2."""
    for number, node in _fields(path.read_bytes()):
        if number == 1:
            fields = dict(_fields(node))
            yield fields.get(4, b"").decode(), fields.get(5, b"").decode()


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of the fields of a protocol buffer that have a length; IndexError where it is cut."""
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position, value, shift = position + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    while position < len(message):
        key = varint()
        if key & 7 == 2:
            length = varint()
            position += length
            if position > len(message):
                raise IndexError("cut off")
            yield key >> 3, message[position - length : position]
        elif key & 7 == 0:
            varint()
        else:
            position += 8 if key & 7 == 1 else 4
