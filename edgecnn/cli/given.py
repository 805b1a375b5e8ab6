"""Which options somebody has said: one that was given with its default value says as much as any other."""

import click


def all_given(*names: str, context: click.Context | None = None) -> dict[str, str]:
    """Those of these parameters that somebody has said, each with its option as it was written, such as `--no-isolate`.

    Args:
        names: of parameters; one that the command does not have is passed over.
        context: of the command; None for the one that runs.
    """
    context = context or click.get_current_context()
    options = {option.name: option for option in context.command.params}
    default = click.core.ParameterSource.DEFAULT
    return {
        name: _spelt(options[name], context.params.get(name))
        for name in names
        if name in options and context.get_parameter_source(name) is not default
    }


def first_given(*names: str, context: click.Context | None = None) -> str:
    """The first of these parameters that somebody has said, as its option is written; empty if none was."""
    return next(iter(all_given(*names, context=context).values()), "")


def _spelt(option: click.Parameter, value: object) -> str:
    is_off = value is False and option.secondary_opts
    return max(option.secondary_opts if is_off else option.opts, key=len)
