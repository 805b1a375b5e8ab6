"""Opens a model with the delegate that is asked for, where its faults do no harm."""

import contextlib
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from edgecnn.errors import EdgecnnWarning
from edgecnn.model_file.container import PackedModel

from .delegated_session import DelegatedSession
from .delegates import Delegate
from .opening import open_session
from .placement import require_placement
from .process_state import ProcessState
from .run_options import RunOptions
from .runner import Runner
from .trial import try_delegate


def open_delegated(
    packed: PackedModel,
    path: Path,
    delegate: Delegate,
    options: RunOptions,
    open_on_cpu: Callable[[RunOptions], Runner],
) -> Runner:
    """A session with `delegate`; an EdgecnnWarning says so where that computes nothing.

    Args:
        packed: the model.
        path: where it lies.
        delegate: that of `options`.
        options: how it is to run.
        open_on_cpu: opens it with options that name no delegate, or the CPU.

    Raises:
        DelegateError: it does not load or run, or computes less than is required.
    """
    state = None
    if not delegate.is_built_in and not delegate.is_isolated:
        try_delegate(path, delegate, options)
        state = ProcessState(delegate.name)
    with state.kept() if state else contextlib.nullcontext():
        runner = open_session(packed, options)
    note = require_placement(runner.placement(), delegate.require) if delegate.name != "cpu" else ""
    if note:
        warnings.warn(note, EdgecnnWarning, stacklevel=6)
    if delegate.is_built_in and not delegate.is_isolated:
        return runner
    return DelegatedSession(
        runner, delegate, state, lambda: open_on_cpu(replace(options, delegate=delegate.compared_with))
    )
