"""Classify every PNG and JPEG file in a folder; those that cannot be read are named and left out.

python examples/classify_folder.py FOLDER
"""

import sys
from pathlib import Path

from edgecnn import InputError
from edgecnn.device import Classifier

classifier = Classifier("fashion-mnist")
for path in sorted(Path(sys.argv[1]).iterdir()):
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        continue
    try:
        best = classifier.classify(path)[0]
    except InputError as error:
        print(f"left out: {error}", file=sys.stderr)
        continue
    print(f"{path.name}: {best.label} {best.score:.1%}")
