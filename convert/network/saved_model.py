"""What the folder of a SavedModel says of the Keras layers in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgecnn.errors import ModelFileError

from .damaged_files import damaged


@dataclass(frozen=True)
class SavedModelContents:
    """What a SavedModel says of itself.

    Attributes:
        version: of the TensorFlow that wrote it.
        layers: what Keras 2 says in it of each layer and model, as JSON.
        signatures: the names under which its graph may be called.
    """

    version: str
    layers: tuple[str, ...]
    signatures: tuple[str, ...]


_SIGNATURE = "serving_default"


def without_layers(folder: Path, contents: SavedModelContents) -> ModelFileError:
    """The refusal of a SavedModel that is a graph alone, with what can be done with it."""
    what = (
        f"{folder}, written by TensorFlow {contents.version}, is a graph without Keras layers, as tf.saved_model.save "
        'and model.export write it: save the model itself where it was built with model.save("model.keras")'
    )
    if _SIGNATURE not in contents.signatures:
        return ModelFileError(
            f"{what}; as a graph it cannot be converted either: it has no signature {_SIGNATURE}, which "
            "tf.saved_model.save(..., signatures=...) gives it"
        )
    # Not from_saved_model: it leaves the variables of a Keras 3 model that a tf.Module holds without their values.
    code = (
        f"import tensorflow as tf; m = tf.saved_model.load({str(folder)!r}); "
        f"c = tf.lite.TFLiteConverter.from_concrete_functions([m.signatures[{_SIGNATURE!r}]], m); "
        f"open({f'{folder.name}.tflite'!r}, 'wb').write(c.convert())"
    )
    return ModelFileError(
        f'{what}, or convert the graph as it is, with python -c "{code}", and give that file labels and probes with '
        f"edgecnn pack {folder.name}.tflite --labels FILE --input-range LOW HIGH"
    )


def read_saved_model(folder: Path) -> SavedModelContents:
    """Read what a SavedModel says of itself.

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
    signatures = tuple(name for name in graph.signature_def if not name.startswith("__"))
    return SavedModelContents(str(graph.meta_info_def.tensorflow_version), tuple(configs), signatures)


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
