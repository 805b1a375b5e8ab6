"""What the answers of a device are taken for."""

import pytest

from edgecnn.deploy.proof import difference_words, is_broken_off


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
