"""Say where an image is unlike those at calibration: a photograph with light and dark exchanged, for one.

python examples/notice_unusual_images.py
"""

from edgecnn.device import Classifier, sample_images

classifier = Classifier("fashion-mnist.activations")
watch = classifier.watch()
for invert in ("no", "yes"):
    pixels = classifier.prepare(sample_images()[0], invert=invert).pixels
    label = classifier.rank(pixels)[0].label
    found = "; ".join(str(odd) for odd in watch.look(pixels)) or "nothing unusual"
    print(f"inverted: {invert}, {label}: {found}")
