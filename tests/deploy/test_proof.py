"""What the answers of a device are taken for."""

from types import SimpleNamespace
from typing import cast

import pytest

from edgecnn.deploy.deployment import Samples
from edgecnn.deploy.machine import Deployed
from edgecnn.deploy.proof import count_unlike, difference_words, is_broken_off, verified
from edgecnn.deploy.release import Release
from edgecnn.deploy.session import Reply, Session
from edgecnn.errors import DeployError


@pytest.mark.parametrize(("difference", "words"), [(None, "no number"), (0.0123, "0.012"), (0.0501, "0.0501")])
def test_a_difference_that_is_no_number_has_words(difference: float | None, words: str) -> None:
    assert difference_words({"max_difference": difference, "tolerance": 0.05}) == words


@pytest.mark.parametrize(
    ("code", "said", "is_broken"),
    [
        ("1", "Error: the model is damaged", False),
        ("1", "ImportError: numpy", True),
        ("137", "", False),
        ("139", "", False),
    ],
)
def test_an_environment_is_broken_where_it_says_nothing_of_itself(code: str, said: str, is_broken: bool) -> None:
    assert is_broken_off({"code": [code], "said": [said], "answer": [""]}) is is_broken


@pytest.mark.parametrize(
    ("current", "stays"),
    [(None, "nothing was changed on pi"), (Deployed("0001-x", {}, True, True), "what ran on pi runs on")],
)
def test_a_refusal_says_what_runs_on(current: Deployed | None, stays: str) -> None:
    reply: Reply = {"code": ["1"], "said": ["Error: it cannot"], "answer": [""]}
    session = cast(Session, SimpleNamespace(destination="pi", call=lambda *_: reply))
    with pytest.raises(DeployError, match=rf"does not verify the model \(it cannot\); {stays}"):
        verified(session, reply, current)
    with pytest.raises(DeployError, match=rf"cannot classify the samples \(it cannot\); {stays}"):
        count_unlike(session, Release("m.tflite", b"model"), Samples((), 0.5), current)
