"""What the options say of a delegate reaches it."""

import pytest

from edgecnn.model_file.bundled import sample_images
from tests.support.command_line import Run, printed, sentence

BOOT = sample_images()[0]


@pytest.mark.parametrize("pair", ["a", "=1", "="])
def test_an_option_without_a_name_or_a_value_is_wrong_usage(pair: str, library: str, edgecnn: Run) -> None:
    command = ("classify", "fashion-mnist", BOOT, "--delegate", library, "--delegate-option", pair)
    assert f"--delegate-option must be KEY=VALUE. Received: {pair}" in sentence(edgecnn(*command), exit_code=2)


def test_the_cpu_answers_in_place_of_a_delegate_only_where_that_is_said(library: str, edgecnn: Run) -> None:
    command = ("classify", "fashion-mnist", BOOT, "--delegate", library, "--delegate-option", "wrong=1")
    assert "computes wrongly" in sentence(edgecnn(*command))
    assert "Ankle boot" in printed(edgecnn(*command, "--fallback", "cpu"))


def test_a_delegate_has_as_long_as_is_said(library: str, edgecnn: Run) -> None:
    command = ("verify", "fashion-mnist", "--delegate", library, "--delegate-option", "hang_invoke=1")
    assert "it gave no result within 1 s" in sentence(edgecnn(*command, "--delegate-timeout", 1))


def test_what_is_said_of_a_library_is_not_of_the_cpu_beside_it(library: str, edgecnn: Run) -> None:
    command = ("benchmark", "fashion-mnist", "--runs", 10, "--delegate", "cpu", "--delegate", library)
    assert "images/s" in printed(edgecnn(*command, "--audit", "10%", "--isolate"))
