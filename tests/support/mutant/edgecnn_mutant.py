"""Changes functions of edgecnn for tests/mutation.py, which has every Python of its environment load this at its start.

$EDGECNN_MUTANT is `module:name`, a function that does nothing from now on, in this process and in those it starts.
$EDGECNN_MUTATION_MAP is a folder that is told which test executes which function.
The code of a function is replaced, not its name: tables and decorators that hold the function notice too.
"""

import importlib.abc
import importlib.machinery
import os
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any


def functions_of(module: types.ModuleType) -> Iterator[tuple[str, types.FunctionType]]:
    """The public functions that a module defines, and the public methods of its public classes, by their names."""
    for name, value in list(vars(module).items()):
        if name.startswith("_"):
            continue
        if isinstance(value, type) and value.__module__ == module.__name__:
            members = [(f"{name}.{inner}", part) for inner, part in vars(value).items() if not inner.startswith("_")]
        else:
            members = [(name, value)]
        for label, member in members:
            function = underlying(member)
            if function and function.__module__ == module.__name__ and function.__code__.co_filename == module.__file__:
                yield label, function


def underlying(value: Any) -> types.FunctionType | None:
    """The function behind a decorator, a property or a command of click's."""
    for attribute in ("__func__", "fget", "func", "callback"):
        inner = getattr(value, attribute, None) if not isinstance(value, types.FunctionType | type) else None
        value = inner if callable(inner) else value
    while hasattr(value, "__wrapped__"):
        value = value.__wrapped__
    return value if isinstance(value, types.FunctionType) else None


def null(function: types.FunctionType) -> None:
    """Make `function` take anything and return None."""
    replace_code(function, compiled("lambda *args, **kwargs: None", function))


def record(function: types.FunctionType, label: str) -> None:
    """Let `function` say which test calls it, and do its work as before."""
    module = sys.modules[function.__module__]
    calls: dict[str, Callable[..., Any]] = vars(module).setdefault("__recorded__", {})
    original = types.FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    original.__kwdefaults__ = function.__kwdefaults__
    seen: set[str] = set()

    def call(*args: Any, **kwargs: Any) -> Any:
        test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
        if test and test not in seen:
            seen.add(test)
            with open(os.path.join(os.environ["EDGECNN_MUTATION_MAP"], f"{os.getpid()}.txt"), "a") as file:
                file.write(f"{module.__name__}:{label}\t{test}\n")
        return original(*args, **kwargs)

    calls[label] = call
    replace_code(function, compiled(f"lambda *args, **kwargs: __recorded__[{label!r}](*args, **kwargs)", function))


def compiled(expression: str, function: types.FunctionType) -> types.CodeType:
    """The code of a lambda with the free variables of `function`: only such code may take the place of its own."""
    free = function.__code__.co_freevars
    names = f" ({', '.join(free)},)[:0] or" if free else ""
    head, _, body = expression.partition(":")
    outer = f"def outer({', '.join(free)}):\n    return {head}:{names}{body}\n"
    namespace: dict[str, Any] = {}
    exec(outer.replace("__class__", "cell_of_class"), namespace)  # noqa: S102 - a lambda that was written above
    inner = next(c for c in namespace["outer"].__code__.co_consts if isinstance(c, types.CodeType))
    return inner.replace(co_freevars=free)


def replace_code(function: types.FunctionType, code: types.CodeType) -> None:
    with warnings.catch_warnings():  # from Python 3.13 on, of a generator that becomes a plain function
        warnings.simplefilter("ignore", DeprecationWarning)
        function.__code__ = code
    function.__defaults__ = function.__kwdefaults__ = None


def change(module: types.ModuleType) -> None:
    """Do to a module that has just been loaded what the environment says."""
    mutant = os.environ.get("EDGECNN_MUTANT")
    for label, function in functions_of(module):
        if not mutant:
            record(function, label)
        elif f"{module.__name__}:{label}" == mutant:
            null(function)


class Finder(importlib.abc.MetaPathFinder):
    """Finds edgecnn's modules as ever, and changes them once they are loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`; None for what is not edgecnn's."""
        mutant = os.environ.get("EDGECNN_MUTANT")
        if name.split(".")[0] != "edgecnn" or (mutant and mutant.split(":")[0] != name):
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(name, path, target) for finder in others if hasattr(finder, "find_spec"))
        spec = next((one for one in found if one), None)
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def exec_module(module: types.ModuleType) -> None:
                execute(module)
                change(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


if os.environ.get("EDGECNN_MUTANT") or os.environ.get("EDGECNN_MUTATION_MAP"):
    sys.meta_path.insert(0, Finder())
