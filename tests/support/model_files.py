"""Model files as others make them: without a card, or with another one or other probes behind the network.

Boards have no TensorFlow: nothing here needs it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.card import ModelCard
from edgecnn.model_file.container import CARD, GOLDEN, LABELS, pack, read_model

HEADER_BYTES = 16  # what edgecnn puts between a flatbuffer's name and the rest


def card_and_golden(model: str | Path = "fashion-mnist") -> tuple[ModelCard, bytes]:
    """What lies behind the network of a file that edgecnn packed: its card, and the bytes of its probes."""
    packed = read_model(find_model(model))
    assert packed.card and packed.golden
    return packed.card, packed.golden


def repacked(
    path: Path,
    model: str | Path = "fashion-mnist",
    *,
    fields: Mapping[str, Any] | None = None,
    golden: bytes | None = None,
    golden_name: str = GOLDEN,
    more: Mapping[str, bytes] | None = None,
    stored: bool = False,
) -> Path:
    """Write to `path` the network of `model` with other things behind it, as someone might edit them; return `path`.

    Args:
        path: of the new file.
        model: a bundled model's name, or the path of a file that edgecnn packed.
        fields: the card's JSON, valid or not; as it was if None.
        golden: the probes, valid or not; as they were if None.
        golden_name: what they are called; golden.npz in old files.
        more: other members.
        stored: the zip's members are not compressed.
    """
    card, probes = card_and_golden(model)
    text = card.to_json() if fields is None else json.dumps(fields)
    named = (fields or {}).get("labels")
    labels = named if isinstance(named, list) else card.labels
    lines = "".join(f"{label}\n" for label in labels)
    members = {CARD: text.encode(), LABELS: lines.encode(), golden_name: probes if golden is None else golden}
    members.update(more or {})
    path.write_bytes(pack(read_model(find_model(model)).flatbuffer, members, stored=stored))
    return path


def fields_of_card(model: str | Path = "fashion-mnist") -> dict[str, Any]:
    """The card of a model as parsed JSON, to be changed."""
    fields: dict[str, Any] = json.loads(card_and_golden(model)[0].to_json())
    return fields


def without_card(flatbuffer: bytes) -> bytes:
    """A flatbuffer as another tool would have written it: without edgecnn's header, so that it carries no card."""
    root = int.from_bytes(flatbuffer[:4], "little") - HEADER_BYTES
    return root.to_bytes(4, "little") + flatbuffer[4:8] + flatbuffer[8 + HEADER_BYTES :]


def write_bare(path: Path, name: str = "fashion-mnist") -> Path:
    """A bundled model as another tool would have written it, in a file."""
    path.write_bytes(without_card(read_model(find_model(name)).flatbuffer))
    return path
