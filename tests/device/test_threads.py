"""One loaded model in many threads, in forked processes and in pickles: always the answer to the image asked about."""

import copy
import pickle
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecnn import DelegateError, ModelFileError
from edgecnn.device import Classifier, Delegate, FeatureExtractor
from edgecnn.model_file.bundled import bundled_models, sample_images
from edgecnn.pixels.dataset import Dataset
from tests.conftest import ON_A_BOARD
from tests.support.processes import in_a_fork

VARIANT = "fashion-mnist.activations"
CALLS = 800 if ON_A_BOARD else 8_000  # emulated, a call takes a tenth of a second


def in_four_threads(call: Callable[[int], Any], count: int) -> list[Any]:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(call, range(count)))


def test_many_calls_in_four_threads_give_as_many_right_answers(fashion: Dataset) -> None:
    classifier = Classifier("fashion-mnist")
    images = np.asarray(fashion.test.images[:100])
    expected = [classifier.classify(image)[0] for image in images]
    answers = in_four_threads(lambda call: classifier.classify(images[call % 100])[0], CALLS)
    assert answers == [expected[call % 100] for call in range(CALLS)]


def test_every_public_method_answers_in_threads_as_it_does_alone(fashion: Dataset) -> None:
    classifier = Classifier(VARIANT)
    images = np.asarray(fashion.test.images[:40])
    files = sample_images()
    methods: list[Callable[[int], Any]] = [
        lambda i: classifier.probabilities(images[i]).tolist(),
        lambda i: classifier.rank(images[i], 3),
        lambda i: classifier.classify(files[i % len(files)], top=2),
        lambda i: classifier.predict_all(images[i : i + 3]).tolist(),
    ]
    alone = [methods[i % 4](i) for i in range(40)]
    rounds = 5 if ON_A_BOARD else 20
    assert in_four_threads(lambda i: methods[i % 4](i % 40), 40 * rounds) == alone * rounds


def test_feature_maps_in_threads_are_those_of_the_image_asked_about(fashion: Dataset) -> None:
    extractor = FeatureExtractor(VARIANT)
    images = np.asarray(fashion.test.images[:20])
    alone = [extractor.extract(image) for image in images]
    for i, features in enumerate(in_four_threads(lambda i: extractor.extract(images[i % 20]), 400)):
        np.testing.assert_array_equal(features.probabilities, alone[i % 20].probabilities)
        assert all((values == alone[i % 20].maps[name]).all() for name, values in features.maps.items())


def test_drift_is_that_of_the_image_looked_at_whatever_ran_in_between(fashion: Dataset) -> None:
    classifier = Classifier(VARIANT)
    usual, noise = np.asarray(fashion.test.images[0]), np.random.default_rng(0).integers(0, 256, (28, 28, 1), np.uint8)
    expected = []
    for pixels in (noise, usual):
        classifier.classify(pixels)
        expected.append(classifier.watch().look(pixels))
    watch = classifier.watch()
    assert expected[0] and expected[1] == () and watch.look(noise) == expected[0]
    assert in_four_threads(lambda i: watch.look((noise, usual)[i % 2]), 200) == expected * 100 and watch.images == 201


# QEMU's emulation of a process aborts in a child that is forked from several threads (cpu == current_cpu).
SEVERAL = pytest.mark.skipif(ON_A_BOARD, reason="QEMU does not fork a process of several threads")


@pytest.mark.parametrize("threads", [1, pytest.param(2, marks=SEVERAL), pytest.param(4, marks=SEVERAL)])
def test_a_forked_process_goes_on_classifying(threads: int, fashion: Dataset) -> None:
    classifier = Classifier("fashion-mnist", threads=threads)
    image = np.asarray(fashion.test.images[45])
    expected = classifier.classify(image)

    def work() -> bool:
        return classifier.classify(image) == expected and classifier.predict_all(image[None]).argmax() == 7

    assert in_a_fork(work) == 0
    assert classifier.classify(image) == expected


def test_a_fork_while_another_thread_classifies_does_not_wait_for_it(fashion: Dataset) -> None:
    classifier = Classifier("fashion-mnist")
    image = np.asarray(fashion.test.images[45])
    with classifier.loaded.session.lock:  # as a thread holds it that the child process does not have
        assert in_a_fork(lambda: classifier.classify(image)[0].label == "Sneaker") == 0


def test_an_accelerator_is_refused_in_a_forked_process(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = Classifier("fashion-mnist")
    # As if it had been opened with one: none is installed here.
    classifier.loaded.session.delegate = Delegate("edgetpu")

    def work() -> bool:
        try:
            classifier.classify(np.zeros((28, 28, 1), np.uint8))
        except DelegateError as error:
            return "edgetpu" in str(error) and "load the model in the child process" in str(error)
        return False

    assert in_a_fork(work) == 0


@pytest.mark.parametrize("model", ["fashion-mnist", bundled_models()["fashion-mnist"]], ids=["name", "path"])
@pytest.mark.parametrize("clone", [lambda one: pickle.loads(pickle.dumps(one)), copy.deepcopy], ids=["pickle", "copy"])
def test_a_pickled_or_copied_classifier_answers_alike(
    model: str | Path, clone: Callable[[Classifier], Classifier], fashion: Dataset
) -> None:
    classifier = Classifier(model, threads=2, delegate=Delegate("cpu"))
    twin = clone(classifier)
    assert twin is not classifier and twin._options.threads == 2
    np.testing.assert_array_equal(
        twin.predict_all(fashion.test.images[:20]), classifier.predict_all(fashion.test.images[:20])
    )


def test_a_pickled_extractor_gives_the_same_maps(fashion: Dataset) -> None:
    extractor = FeatureExtractor(VARIANT)
    twin = pickle.loads(pickle.dumps(extractor))
    one, other = (each.extract(np.asarray(fashion.test.images[0])).maps for each in (extractor, twin))
    assert all((one[name] == other[name]).all() for name in one) and one.keys() == other.keys()


def test_a_pickle_whose_file_has_changed_or_gone_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.tflite"
    shutil.copy(bundled_models()["fashion-mnist"], path)
    monkeypatch.chdir(tmp_path)
    pickled = pickle.dumps(Classifier("model.tflite"))
    monkeypatch.chdir("/")
    assert pickle.loads(pickled).labels
    shutil.copy(bundled_models()[VARIANT], path)
    with pytest.raises(ModelFileError, match=r"model\.tflite is another model than the one that was pickled"):
        pickle.loads(pickled)
    path.unlink()
    with pytest.raises(ModelFileError, match="no model file"):
        pickle.loads(pickled)
