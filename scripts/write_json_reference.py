"""Write the page on the JSON that commands print from the JSON Schemas beside it.

python scripts/write_json_reference.py [FILE]

A schema says which keys there are, and in words what each means; this lays them out as tables. A test writes the page
again and compares.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
SCHEMAS = REFERENCE / "schemas" / "v1"
# In the order of the work. What belongs to another is beside it.
ORDER = (
    "train", "train-dry-run", "metrics", "evaluate", "compare", "convert", "parity", "pack", "sign", "info",
    "info-keras", "classify", "classify-row", "classify-output", "merge", "live", "live-shadow", "live-state",
    "mqtt-state", "mqtt-result", "mqtt-counters", "service-status", "features", "explain", "verify", "benchmark",
    "deploy", "fleet-status", "fleet-drift", "fleet-compare", "doctor", "samples", "card",
)  # fmt: skip
_INTRO = """\
# JSON

<!-- Written by scripts/write_json_reference.py: `make docs-reference`. Change the schemas, not this page. -->

With `--json` a command prints one JSON value on standard output, and nothing else there. Progress, notes and errors go
to standard error. The exit code says whether it went well: 0 done, 1 an expected failure, 2 wrong usage. With 1 there
may be a value all the same: of a check that failed, or of many images, one of which does not read.

```sh
edgecnn verify fashion-mnist --json
```

Everything that edgecnn prints or writes as JSON has a [JSON Schema](https://json-schema.org/) of the draft 2020-12. The
project's tests validate real output against them, and no schema takes a key that it does not name.

**Versions.** `v1` in a schema's address is its version. While it stays, keys are neither renamed nor removed, and none
changes its meaning. Where keys are added, the schema of that version gains them, and CHANGELOG says so: a program
should pass over keys that it does not know. What would break a program becomes `v2`.

Sizes are in bytes. Times are in milliseconds where the key ends in `_ms`, and in seconds elsewhere. Shares are between
0 and 1. In the keys below, a dot stands before the key of an object within, and `[]` for each entry of a list.
"""


def words(schema: dict[str, Any]) -> str:
    """A schema's type in words."""
    if "$ref" in schema:
        return "object"
    if "anyOf" in schema:
        return " or ".join("null" if one == {"type": "null"} else words(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    names = {"integer": "whole number", "string": "text", "boolean": "true or false"}
    told = [names[kind] if kind in names else str(kind) for kind in kinds]
    if told == ["array"]:
        return f"list of {words(schema['items'])}"
    if told == ["object"] and "properties" not in schema:
        return f"object of {words(schema['additionalProperties'])}"
    return " or ".join(told)


def resolve(schema: dict[str, Any], home: str) -> tuple[dict[str, Any], str]:
    """What a `$ref` stands for, and the name of the schema that it is in."""
    if "$ref" not in schema:
        return schema, home
    file, _, fragment = schema["$ref"].partition("#")
    home = file.removesuffix(".schema.json") or home
    found = load(home)
    for part in fragment.split("/")[1:]:
        found = found[part]
    # What stands beside a `$ref` holds too.
    return {**found, **{key: value for key, value in schema.items() if key != "$ref"}}, home


def within(schema: dict[str, Any], prefix: str) -> tuple[dict[str, Any], str]:
    """What a list or a value that may be null is made of, and how its keys begin."""
    for one in schema.get("anyOf", ()):
        if one != {"type": "null"}:
            return within(one, prefix)
    if schema.get("type") == "array":
        return within(schema["items"], f"{prefix}[]")
    return schema, prefix


def rows(schema: dict[str, Any], home: str, prefix: str = "") -> Iterator[str]:
    """A row for every key, those of objects within after their own."""
    inner, prefix = within(schema, prefix)
    inner, home = resolve(inner, home)
    for key, value in inner.get("properties", {}).items():
        name = f"{prefix}.{key}" if prefix else key
        described = value.get("description") or resolve(value, home)[0]["description"]
        if "card.schema.json" in (value.get("$ref"), *(one.get("$ref") for one in value.get("anyOf", ()))):
            yield f"| `{name}` | {words(value)} | [the card](file-format.md#the-card): {described} |"
            continue
        optional = "" if key in inner["required"] else " (not always there)"
        yield f"| `{name}` | {words(value)} | {described}{optional} |"
        yield from rows(value, home, name)


def load(name: str) -> dict[str, Any]:
    """A schema by its name."""
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    return schema


def section(name: str) -> str:
    """A schema's part of the page."""
    schema = load(name)
    lines = [f"## {schema['title']}", "", f"{schema['description']} [Schema](schemas/v1/{name}.schema.json)", ""]
    if name == "card":
        return "\n".join([*lines, "Its fields are in the [file format](file-format.md#the-card)."])
    if name == "classify":
        return "\n".join(
            [*lines, "A list. Each entry is what a line of `--output FILE.jsonl` is, see the next section."]
        )
    for number, one in enumerate(schema.get("oneOf", [schema])):
        lines += ["", "Or, of an image that cannot be classified:", ""] if number else []
        table = list(rows(one, name))
        lines += (
            ["| key | type | meaning |", "| --- | --- | --- |", *table] if table else [f"{words(one).capitalize()}."]
        )
    return "\n".join(lines)


def page() -> str:
    """The whole page."""
    return "\n\n".join([_INTRO.rstrip(), *map(section, ORDER)]) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else REFERENCE / "json.md").write_text(page())
