"""A delegate's process that ends is started again: not for ever in a row, but however long a camera runs."""

import numpy as np
import pytest

from edgecnn import DelegateError, EdgecnnWarning
from edgecnn.device import Classifier, Delegate
from edgecnn.pixels.dataset import Dataset

LOADING = 1 + 12  # calls: a first run and the golden probes


def crashing(library: str) -> Delegate:
    """One whose process crashes after so many calls as loading takes."""
    return Delegate(library, (("crash_invoke", "1"), ("after", str(LOADING))), audit=0)


def test_one_that_dies_again_and_again_is_given_up(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgecnn.device.runtime.isolated_session.MOST_RESTARTS", 2)
    classifier = Classifier("fashion-mnist", delegate=crashing(library))
    session, output = classifier.loaded.session, classifier.loaded.probabilities
    images = np.zeros((3 * (LOADING + 2), 28, 28, 1), np.uint8)
    with (
        pytest.warns(EdgecnnWarning, match="started again") as caught,
        pytest.raises(DelegateError, match="started again 2 times"),
    ):
        session.run_all(images, classifier.input, output)
    assert len(caught) == 2


def test_one_that_dies_now_and_then_goes_on_for_ever(
    library: str, fashion: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = np.asarray(fashion.test.images[:8])
    expected = Classifier("fashion-mnist").predict_all(images)
    monkeypatch.setattr("edgecnn.device.runtime.isolated_session.MOST_RESTARTS", 1)
    monkeypatch.setattr("edgecnn.device.runtime.isolated_session.FORGOTTEN_AFTER", 5)
    classifier = Classifier("fashion-mnist", delegate=crashing(library))
    with pytest.warns(EdgecnnWarning, match="started again") as caught:
        found = [classifier.predict_all(images) for _ in range(6)]
    assert len(caught) > 2
    for answers in found:
        np.testing.assert_array_equal(answers, expected)
