"""Run with an edgecnn that has one more field in its card: reads a model of today, writes one of that edgecnn.

write_next_schema.py FOLDER MODEL OUTPUT: the edgecnn in FOLDER reads MODEL and writes it again as OUTPUT.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, sys.argv[1])

import edgecnn
from edgecnn.model_file.container import pack_card, read_model

assert edgecnn.__file__ and Path(edgecnn.__file__).is_relative_to(sys.argv[1]), edgecnn.__file__
model = read_model(sys.argv[2])
assert model.card and model.golden
print(json.dumps(asdict(model.card)))
Path(sys.argv[3]).write_bytes(pack_card(model.flatbuffer, model.card, model.golden))
