"""What an array holds, said once for all type hints."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
# Raw bytes of an image, (..., height, width, channels), as a camera or a file gives them.
Pixels = npt.NDArray[np.uint8]
