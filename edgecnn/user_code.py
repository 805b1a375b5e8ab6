"""A Python file of the user's own: run with what lies beside it, and told from another."""

import ast
import contextlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from .errors import InputError
from .model_file.container import sha256

_beside: dict[str, tuple[Path, str]] = {}  # modules that these imported from their folders, and the SHA-256 of each


def run_python_file(path: Path) -> ModuleType:
    """Run a Python file, and what it imports from beside it, anew: layers made at its top are others each time.

    Raises:
        InputError: it fails.
    """
    name, resolved = f"edgecnn_user_{path.stem}", path.resolve()
    while _file_of(name) not in (None, resolved):  # a file of that name in another folder
        name += "_"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is no Python file; give one whose name ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # pickling and Keras look a class up in its module
    try:
        _forget(_beside)
        with importing_beside(path):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever the user's own file raises is told in one sentence
        reason = (str(error).strip().splitlines() or [""])[0]
        words = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
        raise InputError(f"{path} does not run ({words}); correct it") from error
    return module


@contextlib.contextmanager
def importing_beside(path: Path) -> Iterator[None]:
    """Within the block a file, or a function of it, imports what lies beside it now, and not what another one did."""
    folder = path.resolve().parent
    _forget(
        name
        for name, (file, digest) in _beside.items()
        if not _lies_in(folder, name, file) or sha256(file.read_bytes()) != digest
    )
    before, writes_none = set(sys.modules), sys.dont_write_bytecode
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True  # it would be taken for that of a file of the same second and size
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes_none
        with contextlib.suppress(ValueError):  # it has done so itself
            sys.path.remove(str(folder))
        _note_those_in(folder, set(sys.modules) - before)


def _note_those_in(folder: Path, names: set[str]) -> None:
    firsts = {name.partition(".")[0] for name in names}  # some hundred, where the modules of Keras are thousands
    here = {first for first in firsts if (folder / f"{first}.py").is_file() or (folder / first).is_dir()}
    for name in names:
        file = _file_of(name) if name.partition(".")[0] in here else None
        if file and _lies_in(folder, name, file):
            _beside[name] = file, sha256(file.read_bytes())


def _file_of(name: str) -> Path | None:
    file = getattr(sys.modules.get(name), "__file__", None)
    return Path(file).resolve() if file else None


def _lies_in(folder: Path, name: str, file: Path) -> bool:
    """Whether module `name` is a file of `folder`, or of a package there."""
    first = name.partition(".")[0]
    return file.is_file() and (file == folder / f"{first}.py" or file.is_relative_to(folder / first))


def _forget(names: Iterable[str]) -> None:
    """Have these modules, and of a package all parts, run again where they are imported next."""
    firsts = {name.partition(".")[0] for name in names}
    for name in [name for name in _beside if name.partition(".")[0] in firsts]:
        sys.modules.pop(name, None)
        del _beside[name]


def sha256_of_files(paths: Iterable[Path]) -> str:
    """SHA-256 of Python files, and of those beside them that they import; empty for none that can be read."""
    files: dict[Path, bytes] = {}
    for path in paths:
        _add_imported(path.resolve(), files)
    return sha256(b"".join(files[file] for file in sorted(files))) if files else ""


def _add_imported(file: Path, files: dict[Path, bytes]) -> None:
    """Add `file` to `files`, and what it imports from its own folder, and what that imports."""
    if file in files or not file.is_file():
        return
    try:
        files[file] = file.read_bytes()
        nodes = list(ast.walk(ast.parse(files[file])))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):  # it does not run either
        return
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    for first in {name.split(".")[0] for name in names}:
        for beside in (file.parent / f"{first}.py", *(file.parent / first).rglob("*.py")):
            _add_imported(beside, files)
