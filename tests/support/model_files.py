"""Model files as others make them: without a card, or with another one behind the model. Needs no TensorFlow."""

import json
from pathlib import Path

from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import CARD, GOLDEN, LABELS, PackedModel, pack, read_model

HEADER_BYTES = 16  # what edgecnn puts between a flatbuffer's name and the rest


def without_card(flatbuffer: bytes) -> bytes:
    """A flatbuffer as another tool would have written it: without edgecnn's header, so that it carries no card."""
    root = int.from_bytes(flatbuffer[:4], "little") - HEADER_BYTES
    return root.to_bytes(4, "little") + flatbuffer[4:8] + flatbuffer[8 + HEADER_BYTES :]


def write_bare(path: Path, name: str = "fashion-mnist") -> Path:
    """A bundled model as another tool would have written it, in a file."""
    path.write_bytes(without_card(read_model(find_model(name)).flatbuffer))
    return path


def repack(
    path: Path, model: str | Path = "fashion-mnist", *, golden: bytes | None = None, without: str = "", **fields: object
) -> Path:
    """A model with another card or other golden probes behind it, as someone might edit it.

    Args:
        path: of the file to write.
        model: a file, or the name of a bundled model.
        golden: other probes, as the bytes of an .npz.
        without: a field of the card that is left out.
        fields: of the card, as they stand in its JSON.
    """
    packed = read_model(find_model(model))
    card = card_fields(packed) | fields
    card.pop(without, None)
    members = {CARD: json.dumps(card).encode(), LABELS: b"", GOLDEN: golden or packed.golden or b""}
    path.write_bytes(pack(packed.flatbuffer, members))
    return path


def card_fields(packed: PackedModel) -> dict[str, object]:
    """A card as its JSON has it."""
    if packed.card is None:
        raise ValueError(f"{packed.name} carries no card")
    fields: dict[str, object] = json.loads(packed.card.to_json())
    return fields
