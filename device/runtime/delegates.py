"""What a user asks to compute a model, and how its library is loaded, with what goes wrong in words."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from edgecnn.arguments import is_number, require_choice
from edgecnn.errors import DelegateError, InputError
from edgecnn.native_output import captured_stderr
from edgecnn.printable import printable

from .accelerators import ACCELERATORS, TIMEOUT_S, Accelerator, accelerator
from .runtimes import Kernels, Runtime

Requirement = Literal["any", "full"]
_AUDIT_RATE = 0.01
_LONGEST_S = 86_400


@dataclass(frozen=True)
class Delegate:
    """What is to compute a model, instead of the runtime's own choice.

    Attributes:
        name: one of `edgecnn.device.runtime.accelerators.ACCELERATORS`, such as `cpu` (the built-in kernels alone) or
            `gpu` (LiteRT's CompiledModel), or the path of an external delegate library.
        options: key and value pairs, for those that take any.
        require: `any` makes it an error if nothing was delegated, `full` if anything was not.
        fallback: go on with the CPU where it does not load, run or compute rightly, and warn.
        isolate: run it in a process of its own, where no fault of it reaches this one; None for what is right for it:
            yes, unless it is built into the runtime.
        audit: the share of images, 0 to 1, that a `Classifier` computes on the CPU too; None for 1 %, but 0 for what is
            built into the runtime.
        timeout_s: seconds that it may take to load a model and run it once; some accelerators compile it meanwhile.
    """

    name: str
    options: tuple[tuple[str, str], ...] = ()
    require: Requirement | None = None
    fallback: bool = False
    isolate: bool | None = None
    audit: float | None = None
    timeout_s: float = TIMEOUT_S

    def __post_init__(self) -> None:
        pairs = isinstance(self.options, tuple) and all(map(_is_pair, self.options))
        if not isinstance(self.name, str) or not pairs:
            raise InputError(
                "a delegate has a name and a tuple of (key, value), all text. "
                f"Received: {self.name!r}, {self.options!r}"
            )
        if not isinstance(self.fallback, bool) or not isinstance(self.isolate, bool | None):
            raise InputError(
                "fallback must be True or False, isolate True, False or None. "
                f"Received: {self.fallback!r}, {self.isolate!r}"
            )
        if not self.name or (self.name not in ACCELERATORS and not _is_path(self.name)):
            raise InputError(
                f"unknown delegate {self.name!r}; known: {', '.join(ACCELERATORS)}, or the path of a delegate library"
            )
        self._require_options()
        if self.require is not None:
            require_choice(self.require, get_args(Requirement), "require")
        if self.require and self.name == "cpu":
            raise InputError("the delegate cpu is none: nothing can be required of it")
        if self.audit is not None and not (is_number(self.audit) and 0 <= self.audit <= 1):
            raise InputError(f"audit must be a share of the images, 0 to 1. Received: {self.audit!r}")
        if not (is_number(self.timeout_s) and 0 < self.timeout_s <= _LONGEST_S):
            raise InputError(
                f"timeout_s must be seconds, above 0, a day at most (--delegate-timeout). Received: {self.timeout_s!r}"
            )
        object.__setattr__(self, "timeout_s", float(self.timeout_s))
        object.__setattr__(self, "audit", None if self.audit is None else float(self.audit))
        if self.audit and self.name == "cpu":
            raise InputError("the delegate cpu is what an audit compares with: there is nothing to audit")

    def _require_options(self) -> None:
        """Make sure that the options are those of its row; a library is asked itself when it is loaded."""
        known, keys = self.accelerator.options or {}, [key for key, _ in self.options]
        for key in keys:
            if keys.count(key) > 1:
                raise InputError(f"an option of a delegate has one value. Received: {key} {keys.count(key)} times")
        if self.options and not self.accelerator.takes_options:
            raise InputError(f"the delegate {self.name} takes no options. Received: {self.options[0][0]}")
        for key, value in self.options if known else ():
            if value.casefold() not in map(str.casefold, known.get(key, ())):
                choices = ", ".join(f"{name}={'|'.join(values)}" for name, values in known.items())
                raise InputError(f"the delegate {self.name} takes the option {choices}. Received: {key}={value}")

    @property
    def accelerator(self) -> Accelerator:
        """What is known of it by name."""
        return accelerator(self.name)

    @property
    def is_compiled(self) -> bool:
        """Whether it is behind LiteRT's CompiledModel, not an interpreter."""
        return self.accelerator.kind == "compiled"

    @property
    def is_built_in(self) -> bool:
        """Whether it is part of the runtime, which then cannot crash because of it."""
        return self.accelerator.kind == "built in"

    @property
    def is_isolated(self) -> bool:
        """Whether it runs in a process of its own."""
        return not self.is_built_in if self.isolate is None else self.isolate

    @property
    def audit_rate(self) -> float:
        """The share of images that the CPU computes too."""
        return (0.0 if self.is_built_in else _AUDIT_RATE) if self.audit is None else float(self.audit)

    @property
    def library(self) -> str | None:
        """The library to load; None for what is built in."""
        if self.accelerator.kind != "library":
            return None
        if self.name not in ACCELERATORS and Path(self.name).is_file():
            return str(Path(self.name).absolute())  # the system would look for a bare name in its own folders only
        return self.accelerator.library or self.name

    @property
    def compared_with(self) -> "Delegate | None":
        """What its answers are compared with: plain CPU kernels for what is built in, else the runtime's choice."""
        return Delegate("cpu") if self.is_built_in else None

    @property
    def kernels(self) -> Kernels:
        """The CPU kernels for operators that the delegate leaves."""
        return "plain" if self.name == "cpu" else "default"


def _is_pair(option: Any) -> bool:
    return isinstance(option, tuple) and len(option) == 2 and all(isinstance(part, str) for part in option)


def _is_path(name: str) -> bool:
    return os.sep in name or Path(name).suffix in (".so", ".dylib", ".dll") or ".so." in name


def load_delegate(runtime: Runtime, delegate: Delegate) -> list[Any]:
    """The loaded library in a list for an interpreter; empty for what is built in.

    Raises:
        DelegateError: it is missing, no delegate, or refuses to start.
    """
    if delegate.library is None:
        return []
    if os.sep in delegate.library and not Path(delegate.library).is_file():  # a loader waits for ever for a pipe's end
        raise DelegateError(f"no delegate library at {delegate.library}; check the path")
    try:
        with captured_stderr(and_stdout=True):  # results alone stand on standard output
            return [runtime.module.load_delegate(delegate.library, dict(delegate.options))]
    except OSError as error:
        raise DelegateError(_why_not_loaded(delegate, error)) from None
    except AttributeError:
        raise DelegateError(
            f"{delegate.library} is a library, but no TFLite delegate (it has no tflite_plugin_create_delegate); give "
            "an external delegate"
        ) from None
    except ValueError as error:
        reason = printable(" ".join(str(error).split())) or "no reason given"
        raise DelegateError(
            f"{delegate.name} does not start ({reason}); check its options and that the accelerator is plugged in"
        ) from None


def _why_not_loaded(delegate: Delegate, error: OSError) -> str:
    path, advice = str(delegate.library), delegate.accelerator.advice
    if delegate.name in ACCELERATORS:
        return f"the delegate {delegate.name} needs {path} ({error}); {advice}"
    # glibc passes over a library for another processor, and then says that there is none.
    is_foreign = Path(path).is_file() and str(error).startswith(f"{path}: ") and "No such file" in str(error)
    return f"{path} cannot be loaded ({'it is for another processor' if is_foreign else error}); {advice}"
