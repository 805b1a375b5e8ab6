"""What `needed_bytes` says of an image, and what preparing it takes at its peak beyond its file, in bytes."""

import os
import sys
from pathlib import Path

from PIL import Image

from edgecnn import InputSpec
from edgecnn.model_file.bundled import sample_images
from edgecnn.pixels.memory import needed_bytes
from edgecnn.pixels.preprocessing import prepare_source


def status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])


path = sys.argv[1]
spec = InputSpec(28, 28, 3, "rgb", "pad", "bilinear", (1.0,) * 3, (0.0,) * 3, "dark")
prepare_source(sample_images()[0], spec)
Image.init()
with Image.open(path) as image:
    said = needed_bytes(image, spec.channels, image.width * image.height)
Path("/proc/self/clear_refs").write_text("5")  # the peak is forgotten
before = status("VmRSS")
prepare_source(path, spec)
print(said, status("VmHWM") - before - os.path.getsize(path))
