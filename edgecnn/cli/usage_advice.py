"""What helps against wrong usage, beyond what click says of it."""

import contextlib
import os
from pathlib import Path

import click


class AdvisingGroup(click.Group):
    """A group of commands that says which one a misspelled name may stand for, and takes no option that is empty."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is called.

        Raises:
            click.UsageError: there is none of that name, or an option of it is given an empty value.
        """
        try:
            name, command, rest = super().resolve_command(ctx, args)
        except click.NoSuchOption:
            raise
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            ctx.fail(f"{error.message} Did you mean {near[0]!r}?" if near else error.message)
        if command is not None and any(not word or word.endswith("=") for word in rest):
            refuse_empty(command.context_class(command, ctx, name), rest)
        return name, command, rest


def refuse_empty(ctx: click.Context, words: list[str]) -> None:
    """Refuse an empty value: the variable of a shell that was never set is not to be taken for no option at all.

    Args:
        ctx: of the command.
        words: its command line.

    Raises:
        click.BadParameter: an option of it is given one.
    """
    given: dict[str, object] = {}
    with contextlib.suppress(click.UsageError):  # which click will say itself
        given, _, _ = ctx.command.make_parser(ctx).parse_args(list(words))
    for parameter in ctx.command.params:
        value = given.get(str(parameter.name))
        if isinstance(parameter, click.Option) and (value == "" or (isinstance(value, list) and "" in value)):
            what = "its name is empty" if isinstance(parameter.type, click.Path) else "it is empty"
            raise click.BadParameter(f"{what}; leave the option out, or say what it is", ctx, parameter)


def advice(error: click.ClickException) -> str:
    """What else is to be said than its own words; empty where these are all."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return ""
    names = {parameter.name for parameter in context.command.params}
    if "Missing argument 'IMAGES...'" in error.format_message() and "model" in context.params:
        from edgecnn.model_file.other_formats import describe_file

        model = str(context.params["model"])
        found = describe_file(Path(model))
        return f"{model} {found}" if found else ""
    extra = error.message.partition("unexpected extra argument (")[2].removesuffix(")")
    if "data" in names and extra and os.path.exists(extra):
        return f"a data set is named with --data {extra}"
    return ""
