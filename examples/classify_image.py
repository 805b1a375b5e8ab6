"""Classify one image.

python examples/classify_image.py [IMAGE]
"""

import sys

from edgecnn.device import Classifier, sample_images

image = sys.argv[1] if len(sys.argv) > 1 else sample_images()[0]
best = Classifier("fashion-mnist").classify(image)[0]
print(f"{best.label} {best.score:.1%}")
