"""Classify a frame as a camera gives it: a uint8 array (height, width, 3).

python examples/camera_array.py

With picamera2 the frame comes from `Picamera2().capture_array()`; here it is painted, a bag on a light table, in the
order of Picamera2's "RGB888" and of OpenCV: blue, green, red.
"""

import numpy as np

from edgecnn.device import Classifier

frame = np.full((480, 640, 3), 235, dtype=np.uint8)
frame[180:420, 170:470] = (40, 60, 90)
frame[90:180, 230:250] = frame[90:180, 390:410] = frame[90:110, 230:410] = (40, 60, 90)

classifier = Classifier("fashion-mnist")
# The training images lie on black, the table is light: auto swaps light and dark where the border says so.
prepared = classifier.prepare(frame, invert="auto", order="bgr")
best = classifier.rank(prepared.pixels)[0]
print(f"{best.label} {best.score:.1%}, inverted: {prepared.inverted}")
