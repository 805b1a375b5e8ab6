"""LiteRT's CompiledModel, with the CPU in the place of a GPU that is not there: its answers, and whose they are."""

from types import SimpleNamespace

import numpy as np
import pytest

from edgecnn import DelegateError
from edgecnn.device import Delegate
from edgecnn.device.runtime.compiled_session import CompiledSession
from edgecnn.device.runtime.loading import read_packed
from edgecnn.device.runtime.run_options import RunOptions
from tests.conftest import ON_A_BOARD
from tests.support.processes import in_a_fork

litert = pytest.importorskip("ai_edge_litert.compiled_model", reason="needs LiteRT")
PACKED = read_packed("fashion-mnist")
IMAGE = np.random.default_rng(0).integers(-128, 128, (1, 28, 28, 1), np.int8)


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> CompiledSession:
    monkeypatch.setattr(litert, "HardwareAccelerator", SimpleNamespace(GPU=litert.HardwareAccelerator.CPU))
    return CompiledSession(PACKED, Delegate("gpu"), RunOptions())


def computed(session: CompiledSession) -> np.ndarray:
    session.run(IMAGE)
    (probabilities,) = session.outputs.values()
    return session.output(probabilities)


def test_it_gives_the_integers_of_the_runtimes_interpreter(session: CompiledSession) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=PACKED.flatbuffer)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], IMAGE)
    interpreter.invoke()
    (expected,) = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    found = computed(session)
    assert found.dtype == np.int8 and found.shape == (10,) and found.any()
    assert np.abs(found.astype(int) - expected).max() <= 1  # other kernels may round a half the other way


def test_all_operators_are_the_accelerators(session: CompiledSession) -> None:
    count = len(session.interpreter._get_ops_details())
    assert str(session.placement()) == f"gpu computes {count} of {count} operators in 1 partition"


@pytest.mark.skipif(ON_A_BOARD, reason="QEMU does not fork a process of several threads")
def test_in_a_forked_process_it_is_refused_and_stays_the_parents(session: CompiledSession) -> None:
    before = computed(session)

    def work() -> bool:
        try:
            session.run(IMAGE)
        except DelegateError as error:
            return "was loaded with the delegate gpu before this process was forked" in str(error)
        return False

    assert in_a_fork(work) == 0
    assert np.array_equal(computed(session), before)
