"""Use an accelerator where it works, and the CPU where it does not; a warning says which.

python examples/accelerator_with_fallback.py [edgetpu|gpu|npu|xnnpack|LIBRARY.so]
"""

import sys

from edgecnn.device import Classifier, Delegate, sample_images

delegate = Delegate(sys.argv[1] if len(sys.argv) > 1 else "edgetpu", fallback=True)
classifier = Classifier("fashion-mnist", delegate=delegate)
for image in sample_images()[:3]:
    print(image.name, classifier.classify(image)[0].label)
