"""Stage 3: run a .tflite file on a Raspberry Pi, without TensorFlow.

    Classifier("fashion-mnist").classify("shoe.png")[0].label

Only `edgecnn.device.pictures`, which draws feature maps, explanations and benchmarks, imports matplotlib.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgecnn.metrics import Evaluation
    from edgecnn.model_file.bundled import bundled_models, sample_images
    from edgecnn.pixels.dataset import Split
    from edgecnn.pixels.preprocessing import Prepared

    from .classifier import Classifier
    from .explaining.explainer import explain
    from .explaining.explanation import Explanation, Score
    from .features import FeatureExtractor, Features
    from .model_info import ModelInfo, describe
    from .prediction import Prediction
    from .runtime.delegates import Delegate
    from .runtime.description import Description
    from .verification import Verification, verify

# Each name is loaded when it is first used: on a Pi, what one command does not need costs a tenth of its time.
_MODULES = {
    "edgecnn.model_file.bundled": ("bundled_models", "sample_images"),
    "edgecnn.pixels.dataset": ("Split",),
    "edgecnn.metrics": ("Evaluation",),
    "edgecnn.pixels.preprocessing": ("Prepared",),
    "edgecnn.device.classifier": ("Classifier",),
    "edgecnn.device.prediction": ("Prediction",),
    "edgecnn.device.runtime.description": ("Description",),
    "edgecnn.device.runtime.delegates": ("Delegate",),
    "edgecnn.device.explaining.explainer": ("explain",),
    "edgecnn.device.explaining.explanation": ("Explanation", "Score"),
    "edgecnn.device.features": ("FeatureExtractor", "Features"),
    "edgecnn.device.model_info": ("ModelInfo", "describe"),
    "edgecnn.device.verification": ("Verification", "verify"),
}

__all__ = [
    "Classifier",
    "Delegate",
    "Description",
    "Evaluation",
    "Explanation",
    "FeatureExtractor",
    "Features",
    "ModelInfo",
    "Prediction",
    "Prepared",
    "Score",
    "Split",
    "Verification",
    "bundled_models",
    "describe",
    "explain",
    "sample_images",
    "verify",
]


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
