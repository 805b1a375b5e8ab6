"""Figures are there and fit together; how large they are is not tested."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from edgecnn import InputError
from edgecnn.device import Classifier, Delegate
from edgecnn.device.measuring.benchmark import benchmark_models, thread_counts
from tests.support.command_line import Run


# Not every runtime's XNNPACK takes an int8 network.
@pytest.mark.filterwarnings("ignore:xnnpack computes none:edgecnn.EdgecnnWarning")
def test_every_combination_is_measured() -> None:
    asked = (Delegate("cpu"), Delegate("xnnpack"))
    results, machine = benchmark_models(["fashion-mnist"], delegates=asked, threads=(1, 2), runs=10)
    assert [(one.delegate, one.threads) for one in results] == [("cpu", 1), ("cpu", 2), ("xnnpack", 1), ("xnnpack", 2)]
    for one in results:
        assert one.runs == 10 and 0 < one.invoke.p50_ms <= one.invoke.p95_ms <= one.invoke.p99_ms
        assert one.images_per_second == pytest.approx(1000 / one.classify.p50_ms)
    assert machine.runtime == Classifier("fashion-mnist").runtime and machine.peak_rss_mib > 10


def test_thread_counts_double_up_to_the_processors() -> None:
    assert thread_counts(1) == (1,) and thread_counts(4) == (1, 2, 4) and thread_counts(6) == (1, 2, 4, 6)
    assert thread_counts(None)[-1] == os.cpu_count()


def test_figures_are_written_drawn_and_compared(edgecnn: Run, tmp_path: Path) -> None:
    written, drawn = tmp_path / "before.json", tmp_path / "before.png"
    result = edgecnn("benchmark", "fashion-mnist", "--runs", 10, "--output", written, "--png", drawn)
    assert result.exit_code == 0 and "images/s" in result.stdout and "loading fashion-mnist" in result.stderr
    with Image.open(drawn) as picture:
        assert picture.size[0] > 300
    figures = json.loads(written.read_text())
    # As if it had taken a thousandth, and a thousand times as long.
    for factor, word in ((0.001, "slower"), (1000, "faster")):
        figures["results"][0]["classify"]["p50_ms"] = factor
        written.write_text(json.dumps(figures))
        compared = edgecnn("benchmark", "fashion-mnist", "--runs", 10, "--compare", written)
        assert compared.exit_code == 0 and f"x: {word}" in compared.stdout
        as_json = edgecnn("benchmark", "fashion-mnist", "--runs", 10, "--compare", written, "--json")
        assert json.loads(as_json.stdout)["results"][0]["compared"]["verdict"] == word
    assert edgecnn("benchmark", "fashion-mnist", "--output", written).exit_code == 1  # it exists


def test_options_reach_the_delegate_that_takes_them(edgecnn: Run, library: str) -> None:
    delegates = ("--delegate", "cpu", "--delegate", library)
    told = edgecnn("benchmark", "fashion-mnist", *delegates, "--delegate-option", "fail_prepare=1", "--runs", 10)
    assert told.exit_code == 1 and "told to fail in prepare" in told.stderr
    assert edgecnn("benchmark", "fashion-mnist", *delegates, "--runs", 10).exit_code == 0


def test_wrong_input_is_a_sentence(edgecnn: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="10 or more"):
        benchmark_models(["fashion-mnist"], runs=3)
    (tmp_path / "other.json").write_text("[]")
    row = '{"model": "fashion-mnist", "delegate": "default", "threads": 1, "classify": {"p50_ms": NaN}}'
    (tmp_path / "nan.json").write_text(f'{{"results": [{row}], "machine": {{"runtime": "x"}}}}')
    for arguments, code in (
        (("nothing.tflite",), 1),
        (("fashion-mnist", "--compare", tmp_path / "other.json"), 1),
        (("fashion-mnist", "--compare", tmp_path / "none.json"), 1),
        (("fashion-mnist", "--compare", tmp_path / "nan.json"), 1),
        (("fashion-mnist", "--threads", 1, "--all-threads"), 2),
        (("fashion-mnist", "--delegate", "tpu"), 2),
        (("fashion-mnist", "--png", "figures"), 2),
        (("fashion-mnist", "--delegate", "cpu", "--delegate-option", "a=1"), 2),
        (("fashion-mnist", "--delegate", "some.so", "--delegate-option", "a"), 2),
        ((), 2),
    ):
        result = edgecnn("benchmark", *arguments)
        assert result.exit_code == code and "Traceback" not in result.output
