"""A real delegate library, told to fail in every way: each is a sentence, and none takes edgecnn down."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecnn import DelegateError, EdgecnnWarning, InputError
from edgecnn.device import Classifier, Delegate, verify
from edgecnn.device.measuring.delegate_report import measure_delegate
from edgecnn.pixels.dataset import Dataset
from tests.conftest import ON_A_BOARD
from tests.support.command_line import Run

# What it is told to do, and the words that must be said.
FAILURES = [
    ("fail_create", r"does not start \(.*told to fail in create"),
    ("nonsense", r"does not start \(.*unknown option nonsense"),
    ("fail_prepare", r"the delegate refuses .*told to fail in prepare"),
    ("fail_invoke", r"fails to compute \(.*told to fail in invoke"),
    ("crash_create", r"crashes \(Segmentation fault\)"),
    ("crash_invoke", r"crashes \(Segmentation fault\)"),
    ("exit_create", "ends its process without a result"),
    ("exit_invoke", "ends its process without a result"),
]


def on_litert() -> bool:
    return Classifier("fashion-mnist").runtime.startswith("ai-edge-litert")


def test_it_computes_what_the_cpu_does_to_the_bit(library: str, fashion: Dataset) -> None:
    images = fashion.test.images[: 40 if ON_A_BOARD else 200]
    with_it = Classifier("fashion-mnist", delegate=Delegate(library, require="any")).predict_all(images)
    np.testing.assert_array_equal(with_it, Classifier("fashion-mnist").predict_all(images))


@pytest.mark.parametrize(("option", "words"), FAILURES)
def test_each_failure_is_a_sentence(option: str, words: str, library: str) -> None:
    with pytest.raises(DelegateError, match=words) as raised:
        Classifier("fashion-mnist", delegate=Delegate(library, ((option, "1"),)))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("option", "words"), FAILURES)
def test_with_fallback_each_failure_is_a_warning(option: str, words: str, library: str, fashion: Dataset) -> None:
    with pytest.warns(EdgecnnWarning, match=words + r"(.|\n)*going on with the CPU"):
        classifier = Classifier("fashion-mnist", delegate=Delegate(library, ((option, "1"),), fallback=True))
    images = fashion.test.images[:5]
    np.testing.assert_array_equal(classifier.predict_all(images), Classifier("fashion-mnist").predict_all(images))


@pytest.mark.parametrize("isolate", [True, False])
def test_one_that_hangs_is_given_up(isolate: bool, library: str) -> None:
    with pytest.raises(DelegateError, match=r"hangs: it gave no result within 2 s; .* with --delegate-timeout"):
        Classifier("fashion-mnist", delegate=Delegate(library, (("hang_prepare", "1"),), None, False, isolate, None, 2))


def test_the_sentence_on_a_crash_says_any_name_as_it_is(library: str, tmp_path: Path) -> None:
    odd = tmp_path / "pool{0}%s{name}.so"
    odd.symlink_to(library)
    with pytest.raises(DelegateError) as raised:
        Classifier("fashion-mnist", delegate=Delegate(str(odd), (("crash_create", "1"),)))
    assert f"{odd} crashes (Segmentation fault); " in str(raised.value)


def test_one_that_takes_nothing_is_never_silent(library: str) -> None:
    asked = (("reject", "1"),)
    with pytest.warns(EdgecnnWarning, match="computes none of the 8 operators: all of them run on the CPU"):
        Classifier("fashion-mnist", delegate=Delegate(library, asked))
    with pytest.raises(DelegateError, match="computes none of the 8"):
        Classifier("fashion-mnist", delegate=Delegate(library, asked, require="any"))


def test_where_the_cpu_takes_over_there_is_nothing_to_report(edgecnn: Run) -> None:
    asked = ("--delegate", "/no/such.so", "--fallback", "cpu", "--delegate-report")
    result = edgecnn("verify", "fashion-mnist", *asked)
    assert result.exit_code == 0 and "/no/such.so: not applied, nothing to report" in result.stderr
    assert result.stderr.count("going on with the CPU") == 1


@pytest.mark.parametrize("arguments", [(Path("x.so"),), ("x.so", {"reject": "1"}), ("x.so", [("reject", "1")])])
def test_a_delegate_has_a_name_and_pairs(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(InputError, match="a delegate has a name and a tuple"):
        Delegate(*arguments)


@pytest.mark.parametrize(
    ("require", "name", "words"), [("most", "xnnpack", "require must be any or full"), ("any", "cpu", "is none")]
)
def test_a_requirement_that_cannot_be_met_is_a_sentence(require: Any, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Delegate(name, require=require)


def test_what_is_no_delegate_is_a_sentence() -> None:
    with pytest.raises(InputError, match=r"must be an edgecnn\.device\.Delegate\. Received: 'xnnpack'"):
        Classifier("fashion-mnist", delegate="xnnpack")  # type: ignore[arg-type]


@pytest.mark.parametrize("after", ["0", "16"])
def test_one_that_makes_another_tensor_of_the_answers_fails_to_compute(
    after: str, library: str, fashion: Dataset
) -> None:
    images, options = fashion.test.images[:8], (("shape_invoke", "1"), ("after", after))
    words = r"fails to compute \(its probabilities are int8 \(1, 5\), and not int8 \(1, 10\)\)"
    with pytest.raises(DelegateError, match=words):
        Classifier("fashion-mnist", delegate=Delegate(library, options, isolate=False)).predict_all(images)
    going_on = Delegate(library, options, fallback=True, isolate=False)
    with pytest.warns(EdgecnnWarning, match=f"{words}.*going on with the CPU"):
        found = Classifier("fashion-mnist", delegate=going_on).predict_all(images)
    np.testing.assert_array_equal(found, Classifier("fashion-mnist").predict_all(images))


def test_its_chatter_is_not_among_the_results(library: str) -> None:
    asked = ("verify", "fashion-mnist", "--json", "--delegate", library, "--delegate-option", "chat=1")
    done = subprocess.run([sys.executable, "-m", "edgecnn", *asked], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and json.loads(done.stdout)["passed"] and "hello" not in done.stderr


def test_full_means_every_operator(library: str) -> None:
    with pytest.raises(DelegateError, match=r"2 of 8 operators.*--require-delegate=full allows none there"):
        Classifier("fashion-mnist", delegate=Delegate(library, require="full"))


def test_wrong_computing_is_found_out_by_the_golden_probes(library: str, edgecnn: Run) -> None:
    wrong = Delegate(library, (("wrong", "1"),))
    assert not verify("fashion-mnist", delegate=wrong).passed
    assert verify("fashion-mnist", delegate=Delegate(library)).passed
    report = measure_delegate("fashion-mnist", wrong)
    assert report.max_difference and report.max_difference > 0.3 and report.top1_equal < report.probes
    result = edgecnn("verify", "fashion-mnist", "--delegate", library, "--delegate-option", "wrong=1")
    assert result.exit_code == 1 and "FAIL" in result.output


def test_the_report_tells_the_truth(library: str, edgecnn: Run) -> None:
    result = edgecnn("verify", "fashion-mnist", "--delegate", library, "--delegate-report")
    assert result.exit_code == 0, result.output
    left = "on the CPU: CONV_2D, CONV_2D, RESHAPE, FULLY_CONNECTED, FULLY_CONNECTED, SOFTMAX"
    for words in ("2 of 8 operators, 2 partition(s)", left, "max difference 0\n", " ms, on the CPU "):
        assert words in result.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [("/no/such.so", "no delegate library at /no/such.so"), ("libnothing.so", "cannot be loaded"),
     ("edgetpu", "needs libedgetpu.so.1"), ("gpu", "gpu (does not start|crashes|needs)"),
     ("npu", "npu (does not start|crashes|needs)")],
)  # fmt: skip
def test_what_is_not_there_is_a_sentence(name: str, words: str, edgecnn: Run) -> None:
    result = edgecnn("verify", "fashion-mnist", "--delegate", name)
    assert result.exit_code == 1 and re.search(words, result.stderr), result.output
    assert result.stderr.count("\n") == 1


def test_libraries_that_are_no_delegates_are_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.so").write_text("not a library")
    with pytest.raises(DelegateError, match="cannot be loaded"):
        Classifier("fashion-mnist", delegate=Delegate(str(tmp_path / "text.so")))
    (tmp_path / "empty.c").write_text("int nothing;")
    compiler = os.environ.get("CXX", "g++")
    subprocess.run([compiler, "-shared", "-o", tmp_path / "empty.so", tmp_path / "empty.c"], check=True)
    with pytest.raises(DelegateError, match="a library, but no TFLite delegate"):
        Classifier("fashion-mnist", delegate=Delegate(str(tmp_path / "empty.so")))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("--delegate", "tpu"), "unknown delegate 'tpu'; known: cpu, xnnpack, edgetpu, gpu, npu"),
     (("--require-delegate",), "--require-delegate goes with --delegate"),
     (("--delegate", "cpu", "--require-delegate"), "nothing can be required of it"),
     (("--delegate", "xnnpack", "--delegate-option", "a=1"), "takes no options"),
     (("--delegate", "x.so", "--delegate-option", "a"), "must be KEY=VALUE"),
     (("--delegate", "x.so", *2 * ("--delegate-option", "a=1")), "has one value. Received: a 2 times"),
     (("--runtime", "onnx"), "Invalid value for '--runtime'")],
)  # fmt: skip
def test_wrong_usage_exits_2(arguments: tuple[str, ...], words: str, edgecnn: Run) -> None:
    result = edgecnn("classify", "fashion-mnist", "shoe.png", *arguments)
    assert result.exit_code == 2 and words in result.output


Verified = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def old_verify(library: str, old_python: Path, with_project: Verified) -> Verified:
    """Verify with the delegate on tflite-runtime 2.14, and with more options."""

    def run(*options: str) -> "subprocess.CompletedProcess[str]":
        return with_project(old_python, "verify", "fashion-mnist", "--delegate", library, *options)

    return run


def test_the_old_runtime_takes_the_same_delegate(old_verify: Verified) -> None:
    healthy = old_verify("--delegate-report", "--require-delegate")
    assert healthy.returncode == 0 and "2 of 8 operators" in healthy.stderr and "max difference 0\n" in healthy.stderr
    assert old_verify("--delegate-option", "wrong=1").returncode == 1
    assert "computes none" in old_verify("--delegate-option", "reject=1").stderr


@pytest.mark.parametrize(("option", "words"), FAILURES)
def test_the_old_runtime_fails_in_sentences_too(option: str, words: str, old_verify: Verified) -> None:
    failed = old_verify("--delegate-option", f"{option}=1")
    assert failed.returncode == 1 and failed.stderr.startswith("Error: ") and "Traceback" not in failed.stderr
    assert re.search(words, failed.stderr), failed.stderr


def test_the_old_runtime_survives_what_comes_late(old_verify: Verified, tmp_path: Path) -> None:
    late = ("--delegate-option", "crash_invoke=1", "--delegate-option", "after=10")
    once = old_verify(*late, "--delegate-option", f"once={tmp_path / 'died'}")
    assert once.returncode == 0 and "PASS" in once.stdout and once.stderr.count("started again") == 1
    here = old_verify(*late, "--no-isolate")
    assert here.returncode == 1 and "Segmentation fault" in here.stderr and not here.stdout


def test_a_runtime_that_is_not_there_is_a_sentence(edgecnn: Run) -> None:
    missing, line = ("tflite-runtime", 'tflite-runtime "numpy<2"') if on_litert() else ("litert", "ai-edge-litert")
    result = edgecnn("verify", "fashion-mnist", "--runtime", missing)
    assert result.exit_code == 1 and f"pip install {line}" in result.stderr
    with pytest.raises(InputError, match="unknown runtime 'onnx'"):
        Classifier("fashion-mnist", runtime="onnx")


def test_tensorflows_interpreter_runs_it_where_it_is_insisted_on() -> None:
    pytest.importorskip("tensorflow")
    command = [sys.executable, "-m", "edgecnn", "verify", "fashion-mnist", "--runtime", "tensorflow"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "tensorflow 2." in done.stdout and done.stderr == ""
