"""Writes the cards of files anew, as this edgecnn writes them, and leaves the networks as they are: `make bundle-card`.

rewrite_cards.py FILE...: .tflite files that edgecnn packed, and card.json files. A file whose card would stay as it is,
is left untouched to the byte.
"""

import sys
import zipfile
from pathlib import Path

from edgecnn.atomic_files import write_bytes
from edgecnn.model_file.card import ModelCard
from edgecnn.model_file.container import CARD, pack_card, read_model


def rewrite(path: Path) -> bool:
    """Whether `path` needed another card, which it has now."""
    if path.suffix == ".json":
        before, after = path.read_bytes(), ModelCard.load(path).to_json().encode()
        whole = after
    else:
        model = read_model(path)
        if model.card is None or model.golden is None:
            raise SystemExit(f"{path} has no card; convert it again")
        with zipfile.ZipFile(path) as archive:
            before, stored = archive.read(CARD), archive.getinfo(CARD).compress_type == zipfile.ZIP_STORED
        after, whole = (
            model.card.to_json().encode(),
            pack_card(model.flatbuffer, model.card, model.golden, stored=stored),
        )
    if before != after:
        write_bytes(path, whole)
    return before != after


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{name}: {'has a new card' if rewrite(Path(name)) else 'is as it was'}")
