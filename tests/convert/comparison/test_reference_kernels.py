"""Quick answers of the reference kernels are those of the slow ones, to the bit."""

import numpy as np
import pytest

from edgecnn.convert.comparison.reference_kernels import REFERENCE_KERNELS, ReferenceSession, open_reference
from edgecnn.device.runtime.loading import read_packed
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.device.runtime.session import Runner, Session
from edgecnn.model_file.bundled import sample_images
from edgecnn.model_file.card import PROBABILITIES
from edgecnn.model_file.container import PackedModel
from edgecnn.pixels.image_files import open_image
