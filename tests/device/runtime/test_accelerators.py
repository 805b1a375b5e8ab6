"""Every row of the tables is complete: whatever is said about an accelerator or a runtime can be said."""

import re

import pytest

from edgecnn import InputError
from edgecnn.device import Delegate
from edgecnn.device.measuring.doctor import examine_machine
from edgecnn.device.runtime.accelerators import ACCELERATORS, accelerator
from edgecnn.device.runtime.compiled_session import WITH_OPTIONS
from edgecnn.device.runtime.runtimes import INSTALL_ONE, RUNTIMES, refuse_numpy


@pytest.mark.parametrize("name", ACCELERATORS)
def test_what_may_be_missing_has_a_line_that_mends_it(name: str) -> None:
    row = ACCELERATORS[name]
    assert bool(row.library) == (row.kind == "library")
    assert bool(row.advice) == (row.kind != "built in")
    assert bool(row.install) == bool(row.library or row.package)
    assert row.package or not row.machines


@pytest.mark.parametrize("name", ACCELERATORS)
def test_every_name_is_a_delegate_of_its_kind(name: str) -> None:
    delegate, row = Delegate(name), ACCELERATORS[name]
    kinds = {"built in": delegate.is_built_in, "compiled": delegate.is_compiled, "library": bool(delegate.library)}
    assert [kind for kind, is_it in kinds.items() if is_it] == [row.kind]


@pytest.mark.parametrize("name", [name for name, row in ACCELERATORS.items() if row.options])
def test_options_are_those_of_its_row_before_anything_is_opened(name: str) -> None:
    known = ACCELERATORS[name].options or {}
    for key, values in known.items():
        for value in (*values, values[0].lower()):
            assert Delegate(name, ((key, value),)).options == ((key, value),)
        for odd in ((key, "vacuum"), (key, ""), ("speed", values[0])):
            with pytest.raises(InputError, match=rf"{name} takes the option {key}=.*Received: {odd[0]}={odd[1]}$"):
                Delegate(name, (odd,))


def test_what_takes_options_behind_compiled_model_hands_them_on() -> None:
    with_options = {name for name, row in ACCELERATORS.items() if row.kind == "compiled" and row.options}
    assert set(WITH_OPTIONS) == with_options, "a function in device/runtime/compiled_session.py"


def test_a_path_is_a_library_with_options_of_its_own() -> None:
    row = accelerator("/some/where.so")
    assert row.kind == "library" and row.takes_options and Delegate("/some/where.so").library == "/some/where.so"


def test_the_doctor_looks_for_what_may_be_missing() -> None:
    looked_for = {finding.name for finding in examine_machine() if finding.name.startswith("delegate ")}
    assert looked_for == {f"delegate {name}" for name, row in ACCELERATORS.items() if row.library or row.package}


@pytest.mark.parametrize("name", RUNTIMES)
def test_every_runtime_has_the_line_that_installs_its_package(name: str) -> None:
    row = RUNTIMES[name]
    assert re.match(rf"pip install {row.package}\b", row.install) and "." in row.module


def test_where_none_is_installed_both_lines_are_given() -> None:
    assert INSTALL_ONE == (
        'pip install ai-edge-litert (on 32-bit Raspberry Pi OS: pip install tflite-runtime "numpy<2")'
    )


@pytest.mark.parametrize(
    ("name", "numpy_version", "refused"),
    [("tflite-runtime", "2.0.0", True), ("tflite-runtime", "1.26.4", False), ("litert", "2.4.6", False),
     ("tflite-runtime", "10.1", True)],
)  # fmt: skip
def test_a_numpy_that_is_too_new_is_refused(name: str, numpy_version: str, refused: bool) -> None:
    sentence = refuse_numpy(name, numpy_version)
    assert bool(sentence) == refused
    assert not refused or sentence.endswith('pip install "numpy<2"')


def test_what_is_not_built_in_has_a_process_of_its_own_unless_it_is_said() -> None:
    isolated = [name for name in (*ACCELERATORS, "./any.so") if Delegate(name).is_isolated]
    assert isolated == [name for name, row in ACCELERATORS.items() if row.kind != "built in"] + ["./any.so"]
    assert not Delegate("npu", isolate=False).is_isolated and Delegate("xnnpack", isolate=True).is_isolated
