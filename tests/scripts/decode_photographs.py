"""Prepares images with a card's rule, and says by how many MiB memory grew at the peak.

decode_photographs.py full|reduced THREADS FILE...
"""

import sys
from pathlib import Path

from edgecnn import InputSpec
from edgecnn.device.bulk.prefetch import prepared_images
from edgecnn.device.bulk.sources import ImageFiles
from edgecnn.pixels.preprocessing import Prepared


def memory_mib(name: str) -> float:
    """VmRSS or VmHWM of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1]) / 1024


decoding, threads, *names = sys.argv[1:]
assert decoding in ("full", "reduced")
spec = InputSpec(224, 224, 3, "rgb", "crop", "bilinear", (1 / 255,) * 3, (0.0,) * 3, "any", decoding)  # type: ignore[arg-type]
before = memory_mib("VmRSS")
for _, outcome in prepared_images(ImageFiles(names), spec, decode_threads=int(threads)):
    assert isinstance(outcome, Prepared), outcome
print(memory_mib("VmHWM") - before)
