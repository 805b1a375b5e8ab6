"""The first scheme that passes is chosen."""

import dataclasses

import numpy as np
import pytest

from edgecnn import InputError
from edgecnn.convert import Gate, convert_until
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.run_directory import RunDirectory
from tests.support.command_line import Run


def test_the_first_scheme_that_passes_is_chosen(copy: RunDirectory, small: Dataset) -> None:
    black = Split(np.zeros_like(np.asarray(small.train.images[:100])), small.train.labels[:100])
    spoilt = dataclasses.replace(small, train=black, test=small.test.take(60))  # whatever is calibrated fails
    told: list[str] = []
    made = convert_until(copy.path, spoilt, Gate(min_agreement=99), force=True, progress=told.append)
    assert [conversion.scheme for conversion in made] == ["int8", "mixed", "int16x8", "float16"]
    (untrained,) = [line for line in told if line.startswith("int8: ")]
    (spoken,) = [line for line in told if line.startswith("int8 with --qat: ")]
    assert told.index(untrained) < told.index(spoken) < [line[:6] for line in told].index("mixed:")
    assert f"{made[0].plain.size_bytes:,} bytes" in spoken and "would help most in " in spoken and " dB)" in spoken
    assert not Gate(min_agreement=99).failures(made[-1].plain.parity)
    with pytest.raises(InputError, match="needs a gate"):
        convert_until(copy.path, small, Gate())


def test_automatic_choice_needs_a_gate_and_no_scheme(copy: RunDirectory, edgecnn: Run) -> None:
    usage = edgecnn("convert", copy.path, "--auto")
    assert usage.exit_code == 2 and "--auto needs a gate" in usage.output
    assert edgecnn("convert", copy.path, "--auto", "--int8", "--max-drop", "1").exit_code == 2
