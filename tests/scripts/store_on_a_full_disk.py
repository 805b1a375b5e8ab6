"""Store images beyond what a file may hold, and print the sentence that this ends with."""

import resource

import numpy as np

from edgecnn import OutputError
from edgecnn.train.data.image_store import store_images

resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    store_images((np.zeros((20, 20, 1), np.uint8) for _ in range(1000)), (20, 20, 1))
except OutputError as error:
    print(error)
