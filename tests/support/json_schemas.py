"""The schemas of what commands print with --json, and whether they take an output."""

import json
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from tests.support.source_tree import ROOT

SCHEMAS: dict[str, Any] = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text())
    for path in sorted((ROOT / "docs" / "reference" / "schemas" / "v1").glob("*.schema.json"))
}


def validator(name: str) -> Draft202012Validator:
    contents = ((schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values())
    registry: Registry[Any] = Registry().with_resources(contents)
    return Draft202012Validator(SCHEMAS[name], registry=registry)


def check(name: str, outputs: list[Any]) -> None:
    """Make sure that a schema takes outputs."""
    assert outputs
    for output in outputs:
        errors = [f"{error.json_path}: {error.message}" for error in validator(name).iter_errors(output)]
        assert not errors
