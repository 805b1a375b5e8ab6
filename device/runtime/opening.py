"""A session with whatever is to compute the model."""

from edgecnn.model_file.container import PackedModel

from .run_options import DEFAULTS, RunOptions
from .session import Session


def open_session(model: PackedModel, options: RunOptions = DEFAULTS) -> Session:
    """A session with any delegate; see `Session`."""
    if options.delegate and options.delegate.is_compiled:
        from .compiled_session import CompiledSession

        return CompiledSession(model, options.delegate, options)
    return Session(model, options)
