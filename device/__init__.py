"""Stage 3: run a .tflite file on a Raspberry Pi, without TensorFlow.

    Classifier("fashion-mnist").classify("shoe.png")[0].label

`edgecnn.device.drawing` draws feature maps; it is the only part that imports matplotlib.
"""

from edgecnn.bundled import bundled_models, sample_images
from edgecnn.dataset import Split
from edgecnn.metrics import Evaluation
from edgecnn.preprocessing import Prepared

from .classifier import Classifier, Prediction
from .delegates import Delegate
from .features import FeatureExtractor, Features
from .information import ModelInfo, describe
from .verification import Verification, verify

__all__ = [
    "Classifier",
    "Delegate",
    "Evaluation",
    "FeatureExtractor",
    "Features",
    "ModelInfo",
    "Prediction",
    "Prepared",
    "Split",
    "Verification",
    "bundled_models",
    "describe",
    "sample_images",
    "verify",
]
