"""Draw one filter of the first convolution for an image.

python examples/draw_feature_maps.py OUT.png [FILTER, 0 to 63]
"""

import sys

from matplotlib.figure import Figure

from edgecnn.device import FeatureExtractor, sample_images

number = int(sys.argv[2]) if len(sys.argv) > 2 else 19
shoe = next(path for path in sample_images() if "0009-sneaker" in path.name)
maps = FeatureExtractor("fashion-mnist.activations").extract(shoe).maps

figure = Figure(figsize=(4, 4))
axes = figure.subplots()
axes.imshow(maps["conv2d"][:, :, number], cmap="inferno")
axes.set_title(f"conv2d, filter {number}")
figure.savefig(sys.argv[1])
print(f"wrote {sys.argv[1]}")
