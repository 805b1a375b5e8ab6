"""Who may import what, and how large things may be: what keeps the rooms apart and readable."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.source_tree import ROOT, STAGES, module_files

BUILT_ON_THEM = ("cli", "deploy", "fleet")  # parts in edgecnn/ that are not of its ground
MAY_IMPORT: dict[str, set[str]] = {  # part: the other parts of edgecnn that its modules may name
    "edgecnn": set(),
    "device": set(),
    "train": set(),
    "convert": {"device"},
    "deploy": set(),
    "fleet": {"device"},
    "cli": {"train", "convert", "device", "deploy", "fleet"},
}
WITHOUT_TENSORFLOW = ("edgecnn", "device", "deploy", "fleet", "cli")


modules = cache(module_files)


def part(module: str) -> str:
    """The stage that a module belongs to, one of what is built on them, or `edgecnn` for the ground."""
    second = ([*module.split("."), ""])[1]
    return second if second in (*STAGES, *BUILT_ON_THEM) else "edgecnn"


def base_of(module: str, node: ast.ImportFrom) -> str:
    """The full name of what stands after `from`."""
    if not node.level:
        return node.module or ""
    package = module.split(".")
    if modules()[module].name != "__init__.py":
        package = package[:-1]
    package = package[: len(package) - node.level + 1]
    return ".".join([*package, node.module] if node.module else package)


@cache
def imported(module: str) -> frozenset[str]:
    """The modules that a module names, wherever in it the import stands; others than edgecnn's too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(modules()[module].read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = base_of(module, node)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                names.add(full if full in modules() else base)
    return frozenset(names)


def room(module: str) -> str:
    """The folder of a module where that is a room; else the module itself."""
    parts = module.split(".")
    is_package = modules()[module].name == "__init__.py"
    depth = 2 if part(module) == "edgecnn" else 3
    return ".".join(parts[:depth]) if len(parts) > depth or (is_package and len(parts) == depth) else module


def assert_no_cycle(graph: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" → ".join(error.args[1])) from None


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert_no_cycle({module: set(imported(module)) & set(modules()) for module in modules()})


def test_no_room_reaches_back_into_what_is_built_on_it() -> None:
    graph: dict[str, set[str]] = {}
    for module in modules():
        graph.setdefault(room(module), set()).update(room(name) for name in imported(module) if name in modules())
    assert_no_cycle({name: others - {name} for name, others in graph.items()})


@pytest.mark.parametrize("stage", STAGES)
def test_rooms_never_import_the_front_of_their_stage(stage: str) -> None:
    inside = [module for module in modules() if part(module) == stage and module != f"edgecnn.{stage}"]
    assert inside and not [module for module in inside if f"edgecnn.{stage}" in imported(module)]


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_parts_import_only_what_the_design_allows(name: str) -> None:
    inside = [module for module in modules() if part(module) == name and module != "edgecnn.__main__"]
    assert inside
    for module in inside:
        parts = {part(other) for other in imported(module) if other.startswith("edgecnn.")}
        assert parts <= MAY_IMPORT[name] | {name, "edgecnn"}, module
        if name in WITHOUT_TENSORFLOW:
            assert not {other.split(".")[0] for other in imported(module)} & {"tensorflow", "keras", "scipy"}, module


@pytest.mark.parametrize("module", modules())
def test_relative_imports_never_leave_their_part(module: str) -> None:
    nodes = ast.walk(ast.parse(modules()[module].read_text()))
    bases = [base_of(module, node) for node in nodes if isinstance(node, ast.ImportFrom) and node.level]
    assert all(part(base) == part(module) for base in bases), bases


def python_files() -> Iterator[Path]:
    yield from modules().values()
    for folder in ("tests", "benchmarks", "examples", "scripts", "docs"):
        yield from (ROOT / folder).rglob("*.py")


def test_no_file_is_longer_than_250_lines() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in python_files()}
    assert not {name: lines for name, lines in long.items() if lines > 250}


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[str, Function]]:
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, Function):
                yield f"{path.relative_to(ROOT)}:{node.name}", node


def body_lines(node: Function) -> int:
    """The lines of a function below its signature and its docstring."""
    first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
    return (node.body[-1].end_lineno or 0) - first.lineno + 1


def test_no_function_has_more_than_50_lines() -> None:
    assert not {name: body_lines(node) for name, node in functions() if body_lines(node) > 50}


def is_decorated_by_click(node: Function) -> bool:
    return any("click." in ast.unparse(decorator) for decorator in node.decorator_list)


def parameters(node: Function) -> int:
    """How many a caller may name: neither self nor cls, which no caller gives."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return sum(argument.arg not in ("self", "cls") for argument in arguments)


def test_no_function_has_more_than_8_parameters() -> None:
    long = {name: parameters(node) for name, node in functions() if not is_decorated_by_click(node)}
    assert not {name: count for name, count in long.items() if count > 8}
