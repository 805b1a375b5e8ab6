"""What every command prints with --json is what its JSON Schema says, and has no key that the schema does not name."""

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from edgecnn.device import sample_images
from edgecnn.pixels.dataset import Dataset
from tests.support.bulk_messages import bulk_messages
from tests.support.command_line import Run
from tests.support.json_schemas import SCHEMAS, check, validator
from tests.support.live_messages import messages
from tests.support.model_files import write_bare
from tests.support.source_tree import ROOT
from tests.support.ssh_keys import allow, make_key

ADDRESS = "https://edgecnn.github.io/edgecnn/reference/schemas/v1/"
BOOT = next(path for path in sample_images() if "0000" in path.name)

Outputs = dict[str, list[Any]]


def parts(schema: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object within a schema, with its place."""
    if isinstance(schema, dict):
        yield place, schema
    pairs = schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ()
    for key, value in pairs:
        yield from parts(value, f"{place}/{key}")


@pytest.fixture(scope="module")
def printed(edgecnn: Run, tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """What the commands that need no TensorFlow print and write, by the name of the schema."""
    folder = tmp_path_factory.mktemp("printed")
    (folder / "text.png").write_text("no image")

    def run(*arguments: str | Path, exit_code: int = 0) -> Any:
        result = edgecnn(*arguments, "--json")
        assert result.exit_code == exit_code, result.output
        return json.loads(result.stdout)

    images = [BOOT, folder / "text.png"]
    model, variant = "fashion-mnist", "fashion-mnist.activations"
    bare = write_bare(folder / "bare.tflite")
    (folder / "labels.txt").write_text("".join(f"class {number}\n" for number in range(10)))
    said = ("--labels", folder / "labels.txt", "--input-range", "0", "1")
    timed = ("benchmark", model, "--runs", "10")
    outputs: Outputs = {
        "pack": [run("pack", bare, *said, "--output", folder / "packed.tflite")],
        "info": [run("info", model), run("info", variant), run("info", bare, *said)],
        "verify": [run("verify", model), run("verify", folder / "packed.tflite"), run("verify", bare, *said)],
        "doctor": [run("doctor")],
        "samples": [run("samples", folder / "samples")],
        "features": [run("features", variant, BOOT, "--filter", "2", "--npz", "--output", folder / "features")],
        "explain": [
            run("explain", model, BOOT, "--npz", "--class", "Shirt", "--output", folder / "why"),
            run("explain", variant, *images, "--method", "rise", "--output", folder / "rise", exit_code=1),
        ],
        "classify": [
            run("classify", model, *images, "--top", "3", exit_code=1),
            run("classify", variant, BOOT, "--drift", "--invert", "yes", "--min-score", "1"),
        ],
        "benchmark": [run(*timed, "--output", folder / "times.json")],
    }
    if shutil.which("ssh-keygen"):
        key = make_key(folder)
        outputs["sign"] = [run("sign", folder / "packed.tflite", "--key", key)]
        outputs["verify"] += [run("verify", folder / "packed.tflite", "--require-signature", allow(key))]
        outputs["info"] += [run("info", folder / "packed.tflite")]
    outputs["benchmark"] += [run(*timed, "--compare", folder / "times.json")]
    outputs["benchmark"] += [json.loads((folder / "times.json").read_text())]
    watching = ("live", model, "--source", BOOT, "--consecutive", "1", "--json", "--no-page")
    outputs["live"] = [json.loads(edgecnn(*watching, "--threshold", least).stdout) for least in ("0.8", "1")]
    outputs["live-shadow"] = [json.loads(edgecnn(*watching, "--shadow", variant).stdout.splitlines()[-1])]
    if importlib.util.find_spec("uvicorn"):
        from tests.support.live_page import states

        outputs["live-state"] = states()
    outputs |= messages(folder)
    outputs |= bulk_messages(run, folder, images)
    return outputs


@pytest.fixture(scope="module")
def trained(edgecnn: Run, fashion: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """What the commands of the training box print and write, for a training of one epoch on a few images."""
    pytest.importorskip("tensorflow")
    folder = tmp_path_factory.mktemp("trained")
    data, run_folder = folder / "few.npz", folder / "run"
    arrays: dict[str, Any] = {}
    for part, split, count in (("train", fashion.train, 320), ("test", fashion.test, 80)):
        arrays[f"x_{part}"] = np.asarray(split.images[:count, :, :, 0])
        arrays[f"y_{part}"] = np.asarray(split.labels[:count])
    np.savez(data, **arrays)

    def run(*arguments: str | Path, exit_codes: tuple[int, ...] = (0,)) -> Any:
        result = edgecnn(*arguments, "--json")
        assert result.exit_code in exit_codes, result.output
        return json.loads(result.stdout)

    train = ("train", "--data", data, "--epochs", "1")
    outputs: Outputs = {
        "train-dry-run": [run(*train, "--dry-run")],
        "train": [run(*train, "--output", run_folder)],
        "convert": [run("convert", run_folder, "--data", data)],
        # So little training makes a network of near ties, which int8 breaks: a report with a finding.
        "parity": [run("parity", run_folder, "--data", data, exit_codes=(0, 1))],
        "evaluate": [run("evaluate", run_folder / "model.int8.tflite", "--data", data, "--min-score", "1")],
        "info-keras": [run("info", run_folder / "model.keras")],
    }
    outputs["convert"] += [run("convert", run_folder, "--data", data, "--float32", "--no-activations")]
    outputs["parity"] += [json.loads((run_folder / "parity.int8.json").read_text())]
    outputs["metrics"] = [json.loads((run_folder / "metrics.json").read_text())]
    outputs["card"] = [json.loads((run_folder / "card.json").read_text())]
    return outputs


@pytest.fixture(scope="module")
def unlabelled(edgecnn: Run, trained: Outputs, fashion: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """What is printed for a model that was trained elsewhere, where nobody knows what the images show."""
    folder = tmp_path_factory.mktemp("unlabelled")
    (folder / "labels.txt").write_text("".join(f"class {number}\n" for number in range(10)))
    (folder / "photos").mkdir()
    for number, pixels in enumerate(fashion.test.images[:40]):
        Image.fromarray(pixels[:, :, 0]).save(folder / "photos" / f"{number}.png")
    model = Path(trained["train"][0]["run"], "model.keras")
    photos = ("--representative", folder / "photos", "--json")
    options = ("--labels", folder / "labels.txt", "--input-range", "0", "1", "--output", folder / "run")
    converted = edgecnn("convert", model, *options, *photos)
    assert converted.exit_code == 0, converted.output
    compared = edgecnn("parity", folder / "run", *photos)
    return {"convert": [json.loads(converted.stdout)], "parity": [json.loads(compared.stdout)]}


OF_THE_DEVICE = (
    "benchmark", "classify", "classify-output", "classify-row", "doctor", "explain", "features", "info", "live",
    "live-shadow", "live-state", "merge", "mqtt-counters", "mqtt-result", "mqtt-state", "pack", "samples", "sign",
    "verify",
)  # fmt: skip
ELSEWHERE = ("compare", "deploy", "fleet-compare", "fleet-drift", "fleet-status", "service-status")  # their own tests
OF_THE_TRAINING_BOX = ("card", "convert", "evaluate", "info-keras", "metrics", "parity", "train", "train-dry-run")


@pytest.mark.parametrize("name", OF_THE_DEVICE)
def test_what_the_device_prints_is_what_the_schema_says(name: str, printed: Outputs) -> None:
    if name not in printed and name in ("sign", "live-state"):
        pytest.skip("not installed")
    check(name, printed[name])


@pytest.mark.parametrize("name", OF_THE_TRAINING_BOX)
def test_what_the_training_box_prints_is_what_the_schema_says(name: str, trained: Outputs) -> None:
    check(name, trained[name])


@pytest.mark.parametrize("name", ["convert", "parity"])
def test_figures_that_nobody_knows_are_null_and_the_schema_says_so(name: str, unlabelled: Outputs) -> None:
    check(name, unlabelled[name])
    text = json.dumps(unlabelled[name])
    assert '"accuracy": null' in text and '"keras_accuracy": null' in text


def test_every_schema_is_tested() -> None:
    assert set(SCHEMAS) == {*OF_THE_DEVICE, *OF_THE_TRAINING_BOX, *ELSEWHERE}


def test_every_command_that_prints_json_has_a_schema(commands: dict[str, click.Command]) -> None:
    rows = {name.replace(" ", "-"): command.params for name, command in commands.items()}
    printing = {name for name, params in rows.items() if any("--json" in option.opts for option in params)}
    assert printing and printing <= set(SCHEMAS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_valid_and_has_its_address_and_version(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$id"] == f"{ADDRESS}{name}.schema.json"
    assert SCHEMAS[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("name", SCHEMAS)
def test_no_schema_takes_keys_that_it_does_not_name(name: str) -> None:
    objects = [part for _, part in parts(SCHEMAS[name]) if part.get("type") == "object"]
    assert all("additionalProperties" in part for part in objects)
    assert all(part["additionalProperties"] is False for part in objects if "properties" in part)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_is_explained(name: str) -> None:
    unexplained = [
        f"{place}/properties/{key}"
        for place, part in parts(SCHEMAS[name])
        for key, value in part.get("properties", {}).items()
        if "description" not in value and not str(value.get("$ref", "")).startswith("#/$defs/")
    ]
    assert not unexplained


def test_the_page_is_what_the_schemas_say(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "write_json_reference.py"), str(tmp_path / "json.md")]
    subprocess.run(command, check=True, timeout=60)
    assert (ROOT / "docs/reference/json.md").read_text() == (tmp_path / "json.md").read_text(), "make docs-reference"


@pytest.mark.parametrize(
    "row",
    [
        "| `[].plain.parity.keras_accuracy` | number or null | before conversion; null, like those that follow, where",
        "| `results[].compared.verdict` | `slower`, `faster`, `the same`, `not there` |",
        "| `drift` | list of text | with --drift: what is unlike the calibration, in words (not always there) |",
        "| `outputs` | object of whole number |",
    ],
)
def test_types_and_keys_within_are_told(row: str) -> None:
    assert row in (ROOT / "docs/reference/json.md").read_text()


def test_an_undocumented_key_fails(printed: Outputs) -> None:
    output = {**printed["verify"][0], "temperature": 21}
    assert not validator("verify").is_valid(output)
