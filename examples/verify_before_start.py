"""Start only if the classifier gives the right answers on this machine.

python examples/verify_before_start.py [MODEL]
"""

import sys

from edgecnn import EdgecnnError
from edgecnn.device import Classifier, sample_images, verify

model = sys.argv[1] if len(sys.argv) > 1 else "fashion-mnist"
try:
    result = verify(model)
except EdgecnnError as error:
    sys.exit(f"not started: {error}")
if result.preprocessing_equal is False:
    sys.exit(f"not started: images are prepared otherwise here than where {model} was made")
if not result.passed:
    sys.exit(f"not started: {model} answers otherwise here, by {result.max_difference:.3f} on {result.runtime}")

print(f"verified on {result.runtime}: {result.top1_equal} of {result.probes} probes")
print(Classifier(model).classify(sample_images()[0])[0].label)
