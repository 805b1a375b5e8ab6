"""Classify images and write a CSV file with the two best classes of each.

python examples/batch_to_csv.py OUT.csv IMAGE...
"""

import csv
import sys

from edgecnn.device import Classifier

classifier = Classifier("fashion-mnist")
with open(sys.argv[1], "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["image", "label", "score", "second", "second score"])
    for image in sys.argv[2:]:
        first, second = classifier.classify(image, top=2)
        writer.writerow([image, first.label, f"{first.score:.4f}", second.label, f"{second.score:.4f}"])
print(f"wrote {sys.argv[1]}: {len(sys.argv) - 2} images")
