"""A transfer: what it changes and what it keeps, its features, its checkpoint, its estimate, what it refuses."""

import dataclasses
import io
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from edgecnn import EdgecnnError, InputError, ModelFileError
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.train import RECIPES, TrainingRun, estimate, train
from edgecnn.train.progress import Live
from tests.support import own_architectures
from tests.support.trainings import Interrupting, Listening, weights

OWN = f"{own_architectures.__file__}:normalised"
NESTED = f"{own_architectures.__file__}:nested"
RECIPE = dataclasses.replace(RECIPES["transfer"], epochs=3, augment=("flip", "shift"))


@pytest.fixture(scope="module")
def shoes(fashion: Dataset) -> Dataset:
    """Three classes that look alike, 40 images of each to train on."""
    labels = (5, 7, 9)

    def part(split: Split, count: int) -> Split:
        rows = np.concatenate([np.flatnonzero(split.labels[:2000] == label)[:count] for label in labels])
        return Split(np.asarray(split.images[rows]), np.repeat(np.arange(3), count))

    names = tuple(fashion.labels[label] for label in labels)
    return dataclasses.replace(fashion, labels=names, train=part(fashion.train, 40), test=part(fashion.test, 60))


@pytest.fixture(scope="module")
def source(shoes: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .keras file of a network with batch normalisation that knows ten other classes."""
    keras.utils.set_random_seed(0)
    model = own_architectures.normalised(shoes.input.shape, 10)
    generator = np.random.default_rng(0)
    model.set_weights([weight + generator.uniform(0, 0.1, weight.shape) for weight in model.get_weights()])
    path = tmp_path_factory.mktemp("source") / "model.keras"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def nested_source(shoes: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .keras file of a network in a network, whose features are far from a mean of 0."""
    keras.utils.set_random_seed(0)
    model = own_architectures.nested(shoes.input.shape, 3)
    model.get_layer("base").get_layer("inner_norm").beta.assign(np.full(8, 2.0))
    path = tmp_path_factory.mktemp("nested") / "model.keras"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def whole(shoes: Dataset, source: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingRun:
    folder = tmp_path_factory.mktemp("whole") / "run"
    return train(folder, shoes, architecture=OWN, weights=source, recipe=RECIPE, freeze=2)


def layer_weights(path: Path) -> dict[str, list[Any]]:
    return {layer.name: layer.get_weights() for layer in keras.models.load_model(path, compile=False).layers}


def test_frozen_layers_and_batch_normalisation_keep_their_weights(source: Path, whole: TrainingRun) -> None:
    names = {name: arrays for name, arrays in layer_weights(whole.model_path).items() if arrays}
    assert list(names) == ["first", "first_norm", "second", "second_norm", "scores"]
    old, new = layer_weights(source), layer_weights(whole.model_path)
    same = {name for name in names if name != "scores" and all(map(np.array_equal, old[name], new[name]))}
    assert same == {"first", "first_norm", "second_norm"}
    assert [entry.epoch for entry in whole.history] == [1, 2, 3]
    assert max(entry.loss for entry in whole.history) < 2  # what is moved and mirrored looks like what it was
    assert whole.card.training is not None
    assert whole.card.training.recipe == "transfer, weights model.keras, freeze 2"


def test_with_all_frozen_the_last_layer_is_trained_and_knows_the_classes(
    shoes: Dataset, source: Path, tmp_path: Path
) -> None:
    run = train(tmp_path / "run", shoes, architecture=OWN, weights=source, freeze="all")
    old, new = layer_weights(source), layer_weights(run.model_path)
    assert all(all(map(np.array_equal, old[name], new[name])) for name in old if name != "scores")
    assert run.evaluation.accuracy > 0.6 and len(run.history) == 1
    # What history.csv says of the training images is what the saved network says of them.
    assert run.history[0].accuracy == pytest.approx(accuracy_on_training(run, shoes), abs=0.01)


def accuracy_on_training(run: TrainingRun, shoes: Dataset) -> float:
    model = keras.models.load_model(run.model_path, compile=False)
    predicted = model.predict_on_batch(np.asarray(shoes.train.images) / np.float32(255)).argmax(axis=1)
    return float((predicted == shoes.train.labels).mean())


def test_a_last_layer_without_a_bias_is_saved_as_it_was_trained(
    shoes: Dataset, nested_source: Path, tmp_path: Path
) -> None:
    run = train(tmp_path / "run", shoes, architecture=NESTED, weights=nested_source, freeze="all")
    assert run.history[0].accuracy > 0.6
    assert run.history[0].accuracy == pytest.approx(accuracy_on_training(run, shoes), abs=0.01)


def test_batch_normalisation_in_a_network_within_the_network_keeps_its_weights(
    shoes: Dataset, nested_source: Path, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"architecture": NESTED, "weights": nested_source, "recipe": RECIPE, "freeze": 0}
    run = train(tmp_path / "run", shoes, **options, epochs=2)
    old, new = layer_weights(nested_source)["base"], layer_weights(run.model_path)["base"]
    assert [np.array_equal(*pair) for pair in zip(old, new, strict=True)] == [False] * 2 + [True] * 4


def test_a_terminal_shows_what_is_told_of_features_above_the_table(
    shoes: Dataset, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal
    monkeypatch.setenv("TERM", "xterm")
    stream = io.StringIO()
    listener = Live(stream)
    train(tmp_path / "run", shoes, architecture=OWN, weights=source, freeze="all", progress=listener)
    listener.close()
    shown = stream.getvalue()
    assert shown.index("features of 120 images") < shown.index("1/1")


def test_features_that_are_computed_when_ctrl_c_comes_are_kept(
    shoes: Dataset, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pressing(Listening):
        """Presses Ctrl-C once it is told of the features of the training images."""

        def tell(self, message: str) -> None:
            raise KeyboardInterrupt

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    options: dict[str, Any] = {"architecture": OWN, "weights": source, "freeze": "all"}
    with pytest.raises(EdgecnnError, match="stopped before the first epoch ended"):
        train(tmp_path / "run", shoes, **options, progress=Pressing())
    heard = Listening()
    train(tmp_path / "run", shoes, **options, progress=heard)
    assert heard.heard == ["features of 120 images: 120 were known from before"]


def test_features_are_computed_once(shoes: Dataset, source: Path, whole: TrainingRun, tmp_path: Path) -> None:
    heard = Listening()
    train(tmp_path / "run", shoes, architecture=OWN, weights=source, freeze="all", progress=heard)
    assert heard.heard == ["features of 120 images: 120 were known from before"]


def test_an_interrupted_transfer_goes_on_to_the_same_weights(
    shoes: Dataset, source: Path, whole: TrainingRun, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"architecture": OWN, "weights": source, "recipe": RECIPE, "freeze": 2}
    stopped = train(tmp_path / "run", shoes, **options, progress=Interrupting(2, 2))
    assert stopped.interrupted and len(stopped.history) == 1
    resumed = train(tmp_path / "run", shoes, **options, resume=True)
    assert weights(resumed) == weights(whole)


def test_validation_images_choose_between_the_epochs(shoes: Dataset, source: Path, tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=2, validation_split=0.2)
    run = train(tmp_path / "run", shoes, architecture=OWN, weights=source, recipe=recipe)
    accuracies = [entry.validation_accuracy or 0.0 for entry in run.history]
    assert run.card.training is not None
    assert run.card.training.epochs == 1 + int(np.argmax(accuracies)) and min(accuracies) > 0.3


def test_an_estimate_counts_the_features_and_reads_the_file_of_weights(
    shoes: Dataset, source: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelFileError, match=r"there are no weights at nowhere\.keras"):
        estimate(shoes, architecture=OWN, weights="nowhere.keras", recipe=RECIPE)
    (tmp_path / "card.json").write_text("{}")
    with pytest.raises(ModelFileError, match=r"card\.json"):
        estimate(shoes, architecture=OWN, weights=tmp_path / "card.json", recipe=RECIPE)
    found = estimate(shoes, architecture=OWN, weights=source, recipe=RECIPE)
    assert found.steps == 2 * 4 and 0 < found.features_seconds < found.seconds
    assert found.seconds == pytest.approx(
        found.features_seconds + found.start_seconds + found.steps * found.step_ms / 1000
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"freeze": 7}, r"has 5 layers before its last\. Received: freeze=7; freeze fewer, or all"),
        ({"freeze": -1}, "freeze must be a whole number from 0 on, or all"),
        ({"freeze": "most"}, "freeze must be a whole number from 0 on, or all"),
        ({"freeze": "all", "epochs": 3}, r"with freeze all one epoch trains all there is\. Received: epochs=3"),
        ({"freeze": 1, "recipe": "fast"}, "freeze goes with recipe transfer"),
        ({"weights": "none", "recipe": "transfer"}, "recipe transfer needs pretrained weights"),
        ({"weights": ""}, "the weights' name is empty"),
        ({"teacher": "residual"}, "trains on one device without a teacher"),
    ],
)
def test_what_cannot_be_is_refused(
    options: dict[str, Any], message: str, shoes: Dataset, source: Path, tmp_path: Path
) -> None:
    merged: dict[str, Any] = {"architecture": OWN, "weights": source, **options}
    with pytest.raises(InputError, match=message):
        train(tmp_path / "run", shoes, **merged)
    assert not (tmp_path / "run").exists()
