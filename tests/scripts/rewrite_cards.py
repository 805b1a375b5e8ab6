"""Writes cards and probes of files anew, as this edgecnn writes them, and leaves the networks as they are.

rewrite_cards.py FILE...: .tflite files that edgecnn packed, and card.json files. One whose card and probes would stay
as they are is left untouched to the byte. `make bundle-card` does it with the bundled ones.
"""

import sys
import zipfile
from pathlib import Path

from edgecnn.atomic_files import write_bytes
from edgecnn.model_file.card import ModelCard
from edgecnn.model_file.container import CARD, pack_card, read_model
from edgecnn.model_file.golden import Golden


def rewrite(path: Path) -> bool:
    """Whether `path` needed another card, which it has now."""
    if path.suffix == ".json":
        before, after = path.read_bytes(), ModelCard.load(path).to_json().encode()
        whole = after
    else:
        model = read_model(path)
        if model.card is None or model.golden is None:
            raise SystemExit(f"{path} has no card; convert it again")
        golden = Golden.from_bytes(model.golden, model.card, str(path)).to_bytes()
        with zipfile.ZipFile(path) as archive:
            before, stored = archive.read(CARD), archive.getinfo(CARD).compress_type == zipfile.ZIP_STORED
        before, after = before + model.golden, model.card.to_json().encode() + golden
        whole = pack_card(model.flatbuffer, model.card, golden, stored=stored)
    if before != after:
        write_bytes(path, whole)
    return before != after


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{name}: {'has a new card' if rewrite(Path(name)) else 'is as it was'}")
