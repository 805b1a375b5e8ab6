"""The public names."""

import importlib

import pytest

import edgecnn
from edgecnn import errors

FRONTS = {
    "edgecnn": {
        "ContradictionError", "DataError", "DelegateError", "DeployError", "EdgecnnError", "EdgecnnWarning",
        "GateError", "InputError", "InputSpec", "JobLostError", "MissingExtraError", "ModelCard", "ModelFileError",
        "OutputError", "ServiceError", "SourceError", "__version__",
    },
    "edgecnn.train": {
        "RECIPES", "Dataset", "Epoch", "InputChoice", "LabelSource", "Recipe", "Split", "TrainingRequest",
        "TrainingRun", "estimate", "input_for", "load_dataset", "load_fashion_mnist", "train",
    },
    "edgecnn.convert": {
        "SCHEMES", "TARGETS", "Conversion", "ConversionRequest", "ConvertedFile", "Converter", "CustomCode", "Gate",
        "KerasModel", "LayerParity", "ParityReport", "ParityRequest", "Preprocessing", "adopt", "convert",
        "convert_until", "load_representative", "parity", "read_labels",
    },
    "edgecnn.device": {
        "Classifier", "Delegate", "Description", "Evaluation", "Explanation", "FeatureExtractor", "Features",
        "ModelInfo", "Prediction", "Prepared", "Score", "Split", "Verification", "bundled_models",
        "describe", "explain", "sample_images", "verify",
    },
}  # fmt: skip


@pytest.mark.parametrize("front", FRONTS)
def test_front_offers_exactly_its_public_names(front: str) -> None:
    module = importlib.import_module(front)
    assert set(module.__all__) == FRONTS[front]
    assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize("front", FRONTS)
def test_public_classes_and_functions_are_documented(front: str) -> None:
    module = importlib.import_module(front)
    public = [
        getattr(module, name) for name in module.__all__ if name not in ("__version__", "RECIPES", "SCHEMES", "TARGETS")
    ]
    assert all(value.__doc__ for value in public)


def test_every_error_is_public_and_in_the_tree_that_its_module_draws() -> None:
    classes = {name: one for name, one in vars(errors).items() if isinstance(one, type)}
    family = {name for name, one in classes.items() if one.__module__ == errors.__name__}
    assert family <= set(edgecnn.__all__)
    assert family == {word for word in (errors.__doc__ or "").split() if word.endswith(("Error", "Warning"))}
