"""A session of what is no library, and a further one of a model that is in use."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from edgecnn import DelegateError
from edgecnn.device import Classifier, Delegate
from edgecnn.device.runtime.opening import open_beside
from edgecnn.model_file.bundled import sample_images


def test_a_session_beside_another_gives_the_same_answers_on_one_thread() -> None:
    loaded = Classifier("fashion-mnist", threads=2).loaded
    beside = open_beside(loaded.session, loaded.packed)
    assert beside is not loaded.session and getattr(beside, "options").threads == 1  # noqa: B009 - not of every runner
    pixels = Classifier("fashion-mnist").prepare(sample_images()[3]).pixels
    there, here = (
        session.outputs_of(pixels, session.gather(loaded.input), [loaded.probabilities])[0]
        for session in (loaded.session, beside)
    )
    np.testing.assert_array_equal(there, here)


def test_beside_a_delegate_of_the_runtime_is_one_too_beside_one_in_a_process_of_its_own_none() -> None:
    built_in = Classifier("fashion-mnist", delegate=Delegate("cpu")).loaded
    assert open_beside(built_in.session, built_in.packed) is not built_in.session
    apart = Classifier("fashion-mnist", delegate=Delegate("cpu", isolate=True)).loaded
    assert open_beside(apart.session, apart.packed) is apart.session


def test_a_named_pipe_for_whose_end_a_loader_waits_is_no_library(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.so")
    with pytest.raises(DelegateError, match=r"no delegate library at .*pipe\.so; check the path"):
        Classifier("fashion-mnist", delegate=Delegate(str(tmp_path / "pipe.so"), timeout_s=30))


@pytest.mark.skipif(sys.platform != "linux", reason="another system says it otherwise")
def test_a_library_for_another_processor_is_not_said_to_be_missing(library: str, tmp_path: Path) -> None:
    content = bytearray(Path(library).read_bytes())
    content[18] ^= 183 ^ 62  # an ELF file names its processor there: AArch64 is 183, x86-64 is 62
    (tmp_path / "foreign.so").write_bytes(content)
    with pytest.raises(DelegateError, match=r"cannot be loaded \(it is for another processor\); give the path of a"):
        Classifier("fashion-mnist", delegate=Delegate(str(tmp_path / "foreign.so")))
