"""The most probable classes of an image, with bars.

python examples/top_k_table.py [IMAGE]
"""

import sys

from edgecnn.device import Classifier, sample_images

image = sys.argv[1] if len(sys.argv) > 1 else sample_images()[3]
for one in Classifier("fashion-mnist").classify(image, top=5):
    print(f"{one.label:<12} {one.score:6.1%} {'█' * round(40 * one.score)}")
