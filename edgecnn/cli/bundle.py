"""Options that a command gets as one value."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

Command = Callable[..., Any]
Decorator = Callable[[Command], Command]


def bundled(kind: type[Any], argument: str, options: Sequence[Decorator] = ()) -> Decorator:
    """Add `options` to a command, which gets what they say as one value of `kind`, its argument `argument`.

    Args:
        kind: a named tuple or dataclass, whose fields are called as the parameters are. One that the command does not
            have is left to its default.
        argument: of the command.
        options: the last first, as click lists them.
    """
    names = getattr(kind, "_fields", None) or [field.name for field in dataclasses.fields(kind)]

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_bundle(*arguments: object, **given: Any) -> Any:
            own = {name: given.pop(name) for name in names if name in given}
            return command(*arguments, **{argument: kind(**own)}, **given)

        decorated: Command = with_bundle
        for option in options:
            decorated = option(decorated)
        return decorated

    return decorate
