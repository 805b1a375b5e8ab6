"""Figures are there and fit together; how large they are is not tested."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from edgecnn import InputError
from edgecnn.device import Classifier, Delegate
from edgecnn.device.measuring.benchmark import benchmark_models, describe_machine, thread_counts
from tests.support.command_line import Run, printed, sentence


# Not every runtime's XNNPACK takes an int8 network.
@pytest.mark.filterwarnings("ignore:xnnpack computes none:edgecnn.EdgecnnWarning")
def test_every_combination_is_measured() -> None:
    asked = (Delegate("cpu"), Delegate("xnnpack"))
    results, machine = benchmark_models(["fashion-mnist"], delegates=asked, threads=(1, 2), runs=10)
    assert [(one.delegate, one.threads) for one in results] == [("cpu", 1), ("cpu", 2), ("xnnpack", 1), ("xnnpack", 2)]
    for one in results:
        assert one.runs == 10 and 0 < one.invoke.p50_ms <= one.invoke.p95_ms <= one.invoke.p99_ms
        assert one.images_per_second == pytest.approx(1000 / one.classify.p50_ms)
    assert machine.runtime == Classifier("fashion-mnist").runtime and (machine.peak_rss_mib or 0) > 10


def test_thread_counts_double_up_to_the_processors() -> None:
    assert thread_counts(1) == (1,) and thread_counts(4) == (1, 2, 4) and thread_counts(6) == (1, 2, 4, 6)
    assert thread_counts(None)[-1] == len(os.sched_getaffinity(0)) and thread_counts(384)[-2:] == (128, 256)


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
        assert json.loads(printed(as_json))["results"][0]["compared"]["verdict"] == word
    assert edgecnn("benchmark", "fashion-mnist", "--output", written).exit_code == 1  # it exists


def test_options_reach_the_delegate_that_takes_them(edgecnn: Run, library: str) -> None:
    delegates = ("--delegate", "cpu", "--delegate", library)
    told = edgecnn("benchmark", "fashion-mnist", *delegates, "--delegate-option", "fail_prepare=1", "--runs", 10)
    assert told.exit_code == 1 and "told to fail in prepare" in told.stderr
    assert edgecnn("benchmark", "fashion-mnist", *delegates, "--runs", 10).exit_code == 0


@pytest.mark.parametrize(
    ("firmware", "throttled"), [("0\n", False), ("50000\n", True), ("80008\n", True), (None, None)]
)
def test_heat_and_throttling_are_the_kernels_where_the_firmwares_program_is_not(
    firmware: str | None, throttled: bool | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    said = {"class/thermal/thermal_zone0/temp": "47100\n", "class/thermal/thermal_zone1/temp": "81900\n"}
    if firmware is not None:
        said["devices/platform/soc/soc:firmware/get_throttled"] = firmware
    for name, text in said.items():
        (tmp_path / "sys" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "sys" / name).write_text(text)
    machine = describe_machine("litert", tmp_path)
    assert (machine.temperature_c, machine.throttled) == (81.9, throttled)


def test_too_few_runs_are_refused() -> None:
    with pytest.raises(InputError, match="10 or more"):
        benchmark_models(["fashion-mnist"], runs=3)


ROW = '{"model": "fashion-mnist", "delegate": "default", "threads": 1, "classify": {"p50_ms": NaN}}'
NOT_COMPARABLE = {  # the file, and what it holds
    "list.json": "[]",
    "nan.json": f'{{"results": [{ROW}], "machine": {{"runtime": "x"}}}}',
    "text.json": "figures",
    "deep.json": "[" * 100_000,
    "long.json": f'{{"results": [{ROW.replace("NaN", "1" * 401)}], "machine": {{"runtime": "x"}}}}',
}


@pytest.mark.parametrize("name", [*NOT_COMPARABLE, "missing.json"])
def test_figures_of_something_else_are_not_compared(name: str, edgecnn: Run, tmp_path: Path) -> None:
    if name in NOT_COMPARABLE:
        (tmp_path / name).write_text(NOT_COMPARABLE[name])
    result = edgecnn("benchmark", "fashion-mnist", "--compare", tmp_path / name)
    words = "is not what edgecnn benchmark --output writes" if name in NOT_COMPARABLE else "--compare takes a file"
    assert result.exit_code == 1 and words in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [(("nothing.tflite",), 1, "no model file nothing.tflite"),
     (("fashion-mnist", "--threads", "1", "--all-threads"), 2, "leave out --threads"),
     (("fashion-mnist", "--delegate", "tpu"), 2, "unknown delegate 'tpu'"),
     (("fashion-mnist", "--png", "figures"), 2, "--png must end in .png"),
     (("fashion-mnist", "--delegate", "cpu", "--delegate-option", "a=1"), 2, "edgetpu, npu or a PATH"),
     (("fashion-mnist", "--delegate-option", "a=1"), 2, "edgetpu, npu or a PATH"),
     (("fashion-mnist", "--delegate", "some.so", "--delegate-option", "a"), 2, "must be KEY=VALUE"),
     ((), 2, "Missing argument")],
)  # fmt: skip
def test_wrong_usage_is_a_sentence(arguments: tuple[str, ...], code: int, words: str, edgecnn: Run) -> None:
    result = edgecnn("benchmark", *arguments)
    assert result.exit_code == code and words in result.output, result.output


def test_two_files_are_not_to_be_one(edgecnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ("benchmark", "fashion-mnist", "--output", "a.png", "--png", tmp_path / "a.png")
    assert "--output and --png name the same file" in sentence(edgecnn(*asked), 2) and not list(tmp_path.iterdir())
