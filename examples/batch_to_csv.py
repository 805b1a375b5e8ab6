"""Classify images and write a CSV file with the two best classes of each.

python examples/batch_to_csv.py OUT.csv IMAGE...
"""

import csv
import sys

from edgecnn import InputError
from edgecnn.device import Classifier

classifier, failed = Classifier("fashion-mnist"), False
with open(sys.argv[1], "w", newline="", encoding="utf-8") as file:
    writer = csv.writer(file)
    writer.writerow(["image", "label", "score", "second", "second score"])
    for image in sys.argv[2:]:
        try:
            first, second = classifier.classify(image, top=2)
        except InputError as error:
            print(error, file=sys.stderr)
            failed = True
            continue
        writer.writerow([image, first.label, f"{first.score:.4f}", second.label, f"{second.score:.4f}"])
print(f"wrote {sys.argv[1]}")
sys.exit(1 if failed else 0)
