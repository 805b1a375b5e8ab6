"""Stage 3: run a .tflite file on a Raspberry Pi, without TensorFlow.

Classifier("fashion-mnist").classify("shoe.png")[0].label
"""

from .classifier import Classifier, Prediction
from .features import FeatureExtractor, Features
from .verification import Verification, verify

__all__ = ["Classifier", "FeatureExtractor", "Features", "Prediction", "Verification", "verify"]
