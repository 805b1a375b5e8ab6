"""A session with whatever is to compute the model."""

from dataclasses import replace

from edgecnn.model_file.container import PackedModel

from .run_options import DEFAULTS, RunOptions
from .runner import Runner
from .session import Session


def open_session(model: PackedModel, options: RunOptions = DEFAULTS) -> Runner:
    """A session with any delegate, in this process or in one of its own; see `Runner`."""
    delegate = options.delegate
    if delegate and delegate.is_isolated:
        from .isolated_session import IsolatedSession

        return IsolatedSession(model, delegate, options)
    if delegate and delegate.is_compiled:
        from .compiled_session import CompiledSession

        return CompiledSession(model, delegate, options)
    return Session(model, options)


def open_beside(session: Runner, model: PackedModel) -> Runner:
    """A further session of `model`, on one thread; `session` itself, where an accelerator computes it: it has one."""
    if type(session) is not Session or (session.delegate is not None and not session.delegate.is_built_in):
        return session
    return Session(model, replace(session.options, threads=1))
