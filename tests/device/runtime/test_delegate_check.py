"""A delegate shows at every load that it computes rightly, whatever is asked of the model then."""

from pathlib import Path

import numpy as np
import pytest

from edgecnn import DelegateError, EdgecnnWarning
from edgecnn.device import Classifier, Delegate, FeatureExtractor, verify
from edgecnn.device.runtime.opening import open_session
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.device.runtime.runner import Runner
from edgecnn.model_file.container import PackedModel
from edgecnn.pixels.dataset import Dataset
from tests.support.command_line import Run, sentence
from tests.support.model_files import write_bare

WORDS = r"computes wrongly: \d+ of 12 golden probes have the right top-1, and a probability is off by 0\.\d+ where 0\.1"


def test_wrong_computing_is_refused_when_it_is_loaded(library: str) -> None:
    with pytest.raises(DelegateError, match=WORDS):
        Classifier("fashion-mnist", delegate=Delegate(library, (("wrong", "1"),)))
    with pytest.raises(DelegateError, match=WORDS):
        FeatureExtractor("fashion-mnist.activations", delegate=Delegate(library, (("wrong", "1"),)))


def test_with_fallback_the_cpu_computes(library: str, fashion: Dataset) -> None:
    images = fashion.test.images[:5]
    wrong = Delegate(library, (("wrong", "1"), ("every", "5")), fallback=True)
    with pytest.warns(EdgecnnWarning, match=WORDS + r"(.|\n)*going on with the CPU"):
        classifier = Classifier("fashion-mnist", delegate=wrong)
    np.testing.assert_array_equal(classifier.predict_all(images), Classifier("fashion-mnist").predict_all(images))
    with pytest.warns(EdgecnnWarning, match="going on with the CPU"):
        assert verify("fashion-mnist", delegate=wrong).passed


@pytest.mark.parametrize(
    "command", [("classify", "fashion-mnist", "."), ("features", "fashion-mnist.activations", "."),
                ("evaluate", "fashion-mnist"), ("benchmark", "fashion-mnist")],
    ids=lambda command: str(command[0]),
)  # fmt: skip
def test_every_command_refuses_it(command: tuple[str, ...], library: str, edgecnn: Run) -> None:
    result = edgecnn(*command, "--delegate", library, "--delegate-option", "wrong=1")
    assert "computes wrongly" in sentence(result) and not result.stdout


def test_a_file_without_probes_is_compared_with_the_cpu(library: str, tmp_path: Path) -> None:
    bare = write_bare(tmp_path / "bare.tflite")
    with (
        pytest.warns(EdgecnnWarning, match="was compared with the CPU, on 8 images of noise alone"),
        pytest.warns(EdgecnnWarning, match="carries no card"),
    ):
        Classifier(bare, delegate=Delegate(library), trust=True)
    with (
        pytest.warns(EdgecnnWarning, match="carries no card"),
        pytest.raises(DelegateError, match=r"computes wrongly: \d of 8 images of noise"),
    ):
        Classifier(bare, delegate=Delegate(library, (("wrong", "1"),)), trust=True)


def test_what_is_built_in_is_not_compared_with_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def noted(packed: PackedModel, options: RunOptions) -> Runner:
        opened.append(options.delegate.name if options.delegate else "the runtime's own choice")
        return open_session(packed, options)

    monkeypatch.setattr("edgecnn.device.runtime.loading.open_session", noted)
    with pytest.warns(EdgecnnWarning):
        Classifier(write_bare(tmp_path / "bare.tflite"), delegate=Delegate("xnnpack"), trust=True)
    assert opened[-1] == "cpu"


# Not every runtime's XNNPACK takes an int8 network.
@pytest.mark.filterwarnings("ignore:xnnpack computes none:edgecnn.EdgecnnWarning")
def test_where_what_is_built_in_computes_wrongly_the_cpu_goes_on_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise DelegateError("xnnpack computes wrongly")

    monkeypatch.setattr("edgecnn.device.runtime.delegate_check.require_right_delegate", refuse)
    with pytest.warns(EdgecnnWarning, match="going on with the CPU"):
        classifier = Classifier("fashion-mnist", delegate=Delegate("xnnpack", fallback=True))
    assert classifier.loaded.session.placement().delegated == 0
