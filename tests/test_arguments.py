"""What is of the wrong kind is one sentence, whichever public function it is given to."""

import dataclasses
import inspect
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgecnn import EdgecnnError, InputError, InputSpec, ModelCard, ModelFileError
from edgecnn.arguments import require_count, require_path
from edgecnn.convert import (
    Gate,
    KerasModel,
    Preprocessing,
    adopt,
    convert,
    convert_until,
    load_representative,
    parity,
    read_labels,
)
from edgecnn.convert.comparison.parity_request import ParityRequest
from edgecnn.convert.request import ConversionRequest
from edgecnn.device import (
    Classifier,
    Delegate,
    Description,
    FeatureExtractor,
    Split,
    describe,
    explain,
    sample_images,
    verify,
)
from edgecnn.device.live.steady import Steady
from edgecnn.device.measuring.benchmark import benchmark_models
from edgecnn.model_file.bundled import find_model
from edgecnn.pixels.dataset import Dataset
from edgecnn.pixels.preprocessing import prepare
from edgecnn.run_directory import RunDirectory
from edgecnn.train import RECIPES, InputChoice, Recipe, estimate, load_dataset, train
from edgecnn.train.data.image_folder import LabelSource
from edgecnn.train.request import TrainingRequest

WRONG: tuple[Any, ...] = (
    b"x",
    None,
    3,
    1.5,
    "",
    "x",
    [],
    {},
    object(),
    float("nan"),
    True,
    np.zeros(3),
    -1,
    [None],
    ("a", 1),
    print,
)
IMAGE = str(sample_images()[0])
OPTIONS = ("threads", "delegate", "runtime", "trust", "description")
TRAINING = ("architecture", "recipe", "seed", "epochs", "stop_at_accuracy", "teacher")
CONVERSION = ("scheme", "io", "output", "feature_layers", "target", "seed", "calibration_images")


@pytest.fixture(scope="module")
def calls() -> dict[str, Callable[[Any], object]]:
    """Each public function, as a function of one argument of it."""
    classifier, extractor = Classifier("fashion-mnist"), FeatureExtractor("fashion-mnist.activations")
    pixels, gray = classifier.prepare(IMAGE).pixels, Image.new("L", (5, 5))
    spec, split = classifier.input, Split(pixels[None], np.zeros(1, np.int64))
    dataset = Dataset("one image", classifier.labels, spec, split, split, "", "")

    def save(place: Any) -> None:
        assert classifier.card
        classifier.card.save(place)

    found: dict[str, Callable[[Any], object]] = {
        "Classifier": Classifier, "FeatureExtractor": FeatureExtractor, "describe": describe,
        "classify": classifier.classify, "classify order": lambda value: classifier.classify(pixels, order=value),
        "classify top": lambda value: classifier.classify(IMAGE, top=value),
        "classify pixels top": lambda value: classifier.classify(pixels, top=value),
        "classify invert": lambda value: classifier.classify(IMAGE, invert=value),
        "classify file order": lambda value: classifier.classify(IMAGE, order=value),
        "prepare": classifier.prepare, "prepare invert": lambda value: classifier.prepare(IMAGE, value),
        "probabilities": classifier.probabilities, "rank": classifier.rank,
        "rank top": lambda value: classifier.rank(pixels, value), "predict_all": classifier.predict_all,
        "time_invoke": classifier.time_invoke, "evaluate": classifier.evaluate,
        "evaluate labels": lambda value: classifier.evaluate(Split(value, value)),
        "classify crop": lambda value: classifier.classify(IMAGE, crop=value),
        "classify min_score": lambda value: classifier.classify(IMAGE, min_score=value),
        "evaluate true labels": lambda value: classifier.evaluate(Split(pixels[None], value)),
        "explain": lambda value: explain(value, pixels), "explain image": lambda value: explain(classifier, value),
        "explain label": lambda value: explain(classifier, pixels, "none" if value is None else value),
        "explain method": lambda value: explain(classifier, pixels, method=value), "card.save": save,
        "extract": extractor.extract, "extract invert": lambda value: extractor.extract(IMAGE, value),
        "extract order": lambda value: extractor.extract(pixels, order=value),
        "describe description": lambda value: describe("fashion-mnist", value),
        "ModelCard.load": ModelCard.load, "ModelCard.from_json": ModelCard.from_json,
        "free prepare": lambda value: prepare(value, spec), "free prepare spec": lambda value: prepare(gray, value),
        "RunDirectory": lambda value: RunDirectory.of(value).require(), "KerasModel": KerasModel,
        "read_labels": read_labels, "load_dataset": lambda value: load_dataset(b"" if value is None else value),  # type: ignore[arg-type]
        "load_representative": lambda value: load_representative(value, classifier.card),  # type: ignore[arg-type]
        "train dataset": lambda value: train("nowhere", value), "estimate": estimate,
        "convert dataset": lambda value: convert(Path(__file__).parent / "parity" / "reference", value),
        "parity dataset": lambda value: parity(Path(__file__).parent / "parity" / "reference", value),
        "convert_until dataset": lambda value: convert_until("nowhere", value, Gate(max_drop=1)),
    }  # fmt: skip
    return found | of_fields(spec, dataset)


def with_option(make: Callable[..., object], name: str) -> Callable[[Any], object]:
    return lambda value: make(**{name: value})


def of_fields(spec: InputSpec, dataset: Dataset) -> dict[str, Callable[[Any], object]]:
    """The same of options and of the fields of requests."""
    found: dict[str, Callable[[Any], object]] = {}
    for name in ("spec", "labelled", "max_corrupt"):
        found[f"load_dataset {name}"] = with_option(partial(load_dataset, "nowhere"), name)
    for name in inspect.signature(InputChoice).parameters:
        found[f"InputChoice {name}"] = lambda value, name=name: InputChoice(**{name: value}).spec(8, 8, "rgb", "pad")  # type: ignore[misc]
    for name in OPTIONS:
        found[f"Classifier {name}"] = with_option(lambda **option: Classifier("fashion-mnist", **option), name)
        found[f"FeatureExtractor {name}"] = with_option(
            lambda **option: FeatureExtractor("fashion-mnist.activations", **option), name
        )
    for name in inspect.signature(InputSpec).parameters:
        found[f"InputSpec {name}"] = with_option(partial(dataclasses.replace, spec), name)
    for name in inspect.signature(Delegate).parameters:
        found[f"Delegate {name}"] = with_option(lambda **option: Delegate(**{"name": "./lib.so", **option}), name)
    for name in ("model", "threads", "delegate", "runtime"):
        found[f"verify {name}"] = with_option(lambda **option: verify(**{"model": "fashion-mnist", **option}), name)
    for kind in (Description, Preprocessing, partial(LabelSource, csv=Path("a"))):
        for name in inspect.signature(kind).parameters:
            found[f"{kind} {name}"] = with_option(kind, name)
    for name in ("scheme", "output", "gate", "files", "delegate"):
        found[f"parity {name}"] = with_option(ParityRequest, name)
    found["convert_until gate"] = lambda value: convert_until("nowhere", dataset, value)
    for name in ("model", "labels", "folder", "preprocessing", "code"):
        found[f"adopt {name}"] = with_option(partial(adopt, model="no.keras", labels=("a", "b"), folder="run"), name)
    for name in TRAINING:
        found[f"train {name}"] = with_option(TrainingRequest, name)
    for name in CONVERSION:
        found[f"convert {name}"] = with_option(
            lambda **option: ConversionRequest(**option).require_enough(dataset), name
        )
    return found


def test_nothing_but_sentences_comes_of_what_is_of_the_wrong_kind(
    calls: dict[str, Callable[[Any], object]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    odd, refusing = [], set()
    for name, call in calls.items():
        for value in WRONG:
            try:
                call(value)
            except EdgecnnError as error:
                refusing.add(name)
                if "\n" in str(error) or len(str(error)) < 15:
                    odd.append(f"{name}({value!r}): {error}")
            except Exception as error:
                odd.append(f"{name}({value!r}): {type(error).__name__}: {error}")
    assert not odd, "\n".join(odd)
    assert refusing == set(calls)


@pytest.mark.parametrize("model", [b"model.tflite", None, 3, ["fashion-mnist"]])
def test_what_is_no_name_of_a_model_is_an_input_error(model: Any) -> None:
    for function in (Classifier, FeatureExtractor, describe, verify, find_model):
        with pytest.raises(InputError, match=r"a model is named by a path, as text or pathlib.Path. Received: .*\("):
            function(model)


def test_numbers_of_numpy_are_numbers_and_paths_of_others_are_paths() -> None:
    class Place:
        def __init__(self, path: str) -> None:
            self.path = path

        def __fspath__(self) -> str:
            return self.path

    assert require_count(np.int64(3), "top") == 3 and require_path(Place("a/b"), "it") == Path("a/b")
    classifier = Classifier("fashion-mnist", threads=np.int64(2))  # type: ignore[arg-type]
    assert len(classifier.classify(IMAGE, top=np.int32(2))) == 2  # type: ignore[arg-type]
    box: Any = tuple(np.array([2, 2, 20, 20]))
    assert classifier.classify(Place(IMAGE), crop=box) == classifier.classify(IMAGE, crop=(2, 2, 20, 20))
    with pytest.raises(ModelFileError, match=r"^no model file nowhere\.tflite, "):
        FeatureExtractor(Place("nowhere.tflite"))  # type: ignore[arg-type]
    described: Any = Description(labels=["a", "b"], input_range=np.array([0, 1]))  # type: ignore[arg-type]
    assert described == Description(labels=("a", "b"), input_range=(0, 1))
    numbers: dict[str, Any] = {"height": np.int64(28), "scale": [np.float32(1)]}
    spec = dataclasses.replace(classifier.input, **numbers)
    assert (type(spec.height), type(spec.scale), type(spec.scale[0])) == (int, tuple, float)


def test_a_name_that_the_system_does_not_take_is_a_sentence() -> None:
    for function in (Classifier, describe, verify):
        with pytest.raises(ModelFileError, match=r"File name too long|no model file"):
            function(300 * "x")


def numbers_of(kind: Any) -> list[str]:
    """The fields of a dataclass that are whole or other numbers."""
    hints = {field.name: str(field.type) for field in dataclasses.fields(kind)}
    return [name for name, hint in hints.items() if re.match(r"(<class ')?(int|float)\b", hint)]


def test_true_and_false_are_no_numbers(fashion: Dataset) -> None:
    few = dataclasses.replace(fashion, train=fashion.train.take(50), test=fashion.test.take(50))
    makers: list[tuple[Callable[..., object], list[str]]] = [
        (partial(dataclasses.replace, RECIPES["best"]), numbers_of(Recipe)),
        (TrainingRequest, numbers_of(TrainingRequest)),
        (lambda **field: ConversionRequest(**field).require_enough(few), numbers_of(ConversionRequest)),
        (Gate, numbers_of(Gate)),
        (partial(Delegate, "xnnpack"), ["audit"]),
        (partial(Classifier, "fashion-mnist"), ["threads"]),
        (partial(benchmark_models, ["fashion-mnist"]), ["runs"]),
        (Steady, ["threshold", "consecutive"]),
        (lambda high: Description(input_range=(0, high)), ["high"]),
    ]
    named = [(make, name) for make, names in makers for name in names]
    taken = [name for make, name in named for value in (True, False) if not is_refused(make, name, value)]
    assert len(named) > 25 and not taken


def is_refused(make: Callable[..., object], name: str, value: bool) -> bool:
    try:
        make(**{name: value})
    except InputError as error:
        return "Received: " in str(error)
    return False


def test_whole_numbers_of_numpy_become_python_s_before_they_are_written() -> None:
    numbers: Any = {"calibration_images": np.int64(10), "seed": np.uint32(3), "qat": np.int32(1)}
    assert {type(getattr(ConversionRequest(**numbers), name)) for name in numbers} == {int}
    training: Any = {"seed": np.int64(3), "epochs": np.int64(2)}
    assert {type(getattr(TrainingRequest(**training), name)) for name in training} == {int}
