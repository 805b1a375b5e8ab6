"""The page on the file format says what the code does: every field, every tolerance, and its example runs."""

import dataclasses
import hashlib
import json
import re
import struct
import subprocess
import sys
import types
import typing
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn import ModelCard
from edgecnn.device import bundled_models, verify
from edgecnn.model_file.container import pack
from edgecnn.model_file.schemes import SCHEMES

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PAGE = (REFERENCE / "file-format.md").read_text()
SCHEMAS = REFERENCE / "schemas" / "v1"
MODEL = bundled_models()["fashion-mnist"]
NAMES: dict[object, str] = {str: "text", int: "whole number", float: "number"}


@dataclasses.dataclass(frozen=True)
class Row:
    """What the page says of a field of the card."""

    type: str
    default: str


def cells() -> list[list[str]]:
    """The table of the card's fields: name, type, default, since, meaning."""
    section = PAGE.split("\n## The card\n")[1].split("\n### ")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| `")
    ]


def documented() -> dict[str, Row]:
    """Its rows by the field's name."""
    return {name.strip("`"): Row(kind, default) for name, kind, default, _, _ in cells()}


def fields(kind: type, prefix: str = "") -> dict[str, Row]:
    """The same, from the dataclass."""
    found = {}
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        name, inner = f"{prefix}{field.name}", hints[field.name]
        # A reader asks for the version before all else: what has none is no card.
        found[name] = Row(described(inner), "" if name == "schema_version" else written(field.default))
        within, mark = nested(inner)
        if within:
            found.update(fields(within, f"{name}{mark}."))
    return found


def described(hint: object) -> str:
    """A type in the page's words."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return f"{described(arguments[0])} or null"
    if origin is tuple:
        return f"list of {described(arguments[0])}"
    if origin is typing.Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    return "object" if dataclasses.is_dataclass(hint) else NAMES[hint]


def nested(hint: object) -> tuple[type | None, str]:
    """The dataclass within a type, and `[]` if there is a list of them."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return hint, ""
    for argument in typing.get_args(hint):
        within, mark = nested(argument)
        if within:
            return within, "[]" if typing.get_origin(hint) is tuple else mark
    return None, ""


def written(value: object) -> str:
    """A default as the page writes it."""
    if value is dataclasses.MISSING:
        return ""
    return {None: "`null`", "": '`""`', (): "`[]`"}.get(typing.cast(typing.Any, value), str(value))


def test_every_field_of_the_card_is_documented_with_type_and_default() -> None:
    assert documented() == fields(ModelCard)


def test_the_schema_of_the_card_has_the_same_fields() -> None:
    schema = json.loads((SCHEMAS / "card.schema.json").read_text())

    def named(part: dict[str, typing.Any], prefix: str) -> dict[str, bool]:
        found = {}
        for name, value in part["properties"].items():
            found[f"{prefix}{name}"] = name in part["required"]
            text = json.dumps(value)
            for inner in re.findall(r'"#/\$defs/(\w+)"', text):
                mark = "[]." if '"array"' in text else "."
                found.update(named(schema["$defs"][inner], f"{prefix}{name}{mark}"))
        return found

    assert named(schema, "") == {name: not row.default for name, row in fields(ModelCard).items()}


def test_the_page_describes_the_version_that_is_written() -> None:
    version = ModelCard.schema_version
    assert f"This page describes version {version}." in PAGE
    assert {int(since) for _, _, _, since, _ in cells()} <= set(range(1, version + 1))


def test_a_tolerance_is_documented_for_every_scheme() -> None:
    section = PAGE.split("\n## Golden probes\n")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", section, re.MULTILINE))
    assert {name: float(text) for name, text in rows.items()} == {name: row.tolerance for name, row in SCHEMES.items()}
    assert float(rows["int8"]) == verify("fashion-mnist").tolerance


def by_the_page(image: Image.Image) -> np.ndarray:
    """What the page's section on preprocessing makes of an image, for the bundled model: 28 x 28 grayscale on black."""
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    if image.mode.startswith("I"):
        image = Image.fromarray(((np.asarray(image).astype(int) + 128) // 257).astype(np.uint8))
    if image.mode != "L":
        image = image.convert("RGB").convert("L")
    ratio = min(28 / image.width, 28 / image.height)
    small = image.resize((round(image.width * ratio), round(image.height * ratio)), Image.Resampling.BILINEAR)
    canvas = Image.new("L", (28, 28))
    canvas.paste(small, ((28 - small.width) // 2, (28 - small.height) // 2))
    return np.asarray(canvas)


def test_the_hash_of_the_preprocessing_follows_from_the_page() -> None:
    with zipfile.ZipFile(MODEL) as archive:
        magic, head, stream = archive.read("golden.bin").split(b"\n", 2)
    fields = json.loads(head)
    assert magic == b"golden probes, version 1" and len(zlib.decompress(stream)) == fields["count"] * (28 * 28 + 8 * 10)
    images = np.frombuffer(zlib.decompress(stream), np.uint8, fields["count"] * 28 * 28).reshape(-1, 28, 28, 1)
    expected = fields["preprocessing_sha256"]
    digest = hashlib.sha256((np.arange(256) * (1 / 255) + 0.0).astype(np.float32)[images].tobytes())
    for rows, columns, channels in ((61, 47, 1), (40, 97, 3), (19, 23, 4)):
        y, x, c = np.ogrid[:rows, :columns, :channels]
        values = ((7 * x + 13 * y + 71 * c + x * y) % 256).astype(np.uint8)
        digest.update(by_the_page(Image.fromarray(values.squeeze())).tobytes())
    y, x = np.ogrid[:64, :64]
    digest.update(by_the_page(Image.fromarray((1021 * x + 13 * y).astype(np.uint16))).tobytes())
    assert digest.hexdigest() == expected


def example(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the page's program without any package: `-I -S` leaves Python its standard library alone."""
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    command = [sys.executable, "-I", "-S", "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_example_reads_the_bundled_model_with_the_standard_library_alone() -> None:
    result = example(str(MODEL))
    assert result.returncode == 0, result.stderr
    assert f"Of the bundled model it says:\n\n```text\n{result.stdout}```" in PAGE


@pytest.mark.parametrize(
    ("damage", "message"),
    [("no model", "not a TFLite model"), ("bare", "no header"), ("cut", "truncated"), ("flipped", "damaged")],
)
def test_the_example_refuses_what_edgecnn_refuses(damage: str, message: str, tmp_path: Path) -> None:
    whole = MODEL.read_bytes()
    flipped = bytearray(whole)
    flipped[100_000] ^= 1
    content = {
        "no model": b"\x89PNG" + bytes(99),
        "bare": whole[:8] + bytes(16) + whole[24:],
        "cut": whole[:100_000],
        "flipped": bytes(flipped),
    }
    path = tmp_path / "model.tflite"
    path.write_bytes(content[damage])
    result = example(str(path))
    assert result.returncode == 1 and message in result.stderr


def test_the_example_says_so_where_probes_are_of_before(tmp_path: Path) -> None:
    whole = MODEL.read_bytes()
    with zipfile.ZipFile(MODEL) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["golden.npz"] = members.pop("golden.bin")
    (tmp_path / "model.tflite").write_bytes(pack(whole[: struct.unpack_from("<Q", whole, 16)[0]], members))
    result = example(str(tmp_path / "model.tflite"))
    assert result.returncode == 1 and result.stderr == "no golden.bin: a file of before edgecnn 0.2\n"
