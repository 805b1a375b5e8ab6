"""Options that say what computes a model, and how it is watched."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple

import click

from edgecnn.device.runtime.accelerators import ACCELERATORS, TIMEOUT_S, accelerator

from . import bundle, guard, wrong_usage
from .given import first_given

if TYPE_CHECKING:
    from edgecnn.device import Delegate
    from edgecnn.device.runtime.delegates import Requirement

DELEGATES = f"{'|'.join(ACCELERATORS)}|PATH"


class Safeguards(NamedTuple):
    """How a delegate is watched, and what is done where it fails.

    Attributes:
        fallback: `cpu`, or None.
        isolate: whether it runs in a process of its own; None for what is right for it.
        delegate_timeout: seconds that it may take to load a model and run it once; None for what is usual.
        audit: the share of images that the CPU computes too; None for what is right for it.
    """

    fallback: Literal["cpu"] | None = None
    isolate: bool | None = None
    delegate_timeout: float | None = None
    audit: float | None = None


_NONE = Safeguards()


def _share(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """A share of a whole: 0.01 or 1%."""
    if value is None:
        return None
    try:
        share = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise click.BadParameter(f"{value!r} is no share of the images; write 0 to 1, or 0% to 100%")
    return share


audit = click.option(
    "--audit",
    callback=_share,
    metavar="RATE",
    help="Share of images that the CPU computes too, 0.01 or 1%; the run ends where it contradicts the delegate.  "
    "[default: 1% with a delegate that is not built in]",
)
_fallback = click.option("--fallback", type=click.Choice(["cpu"]), help="Go on with the CPU where the delegate fails.")
_isolate = click.option(
    "--isolate/--no-isolate",
    default=None,
    help="Run the delegate in a process of its own, which is started again where it crashes or hangs.  "
    "[default: --isolate unless it is built in]",
)
_timeout = click.option(
    "--delegate-timeout",
    type=click.FloatRange(0, 86_400, min_open=True),
    metavar="SECONDS",
    help="How long the delegate may take to load the model and run it once; some compile it meanwhile.  "
    f"[default: {TIMEOUT_S:g}]",
)

# A command gets these and its --audit as `safeguards`.
with_safeguards = bundle.bundled(Safeguards, "safeguards", (_timeout, _isolate, _fallback))


def make_delegate(
    name: str | None, texts: Iterable[str], require: "Requirement | None" = None, safeguards: Safeguards = _NONE
) -> "Delegate | None":
    """The delegate that the options ask for.

    Args:
        name: what --delegate says; None for none.
        texts: what each --delegate-option says.
        require: what --require-delegate says.
        safeguards: how it is watched.

    Raises:
        click.UsageError: they contradict each other.
    """
    pairs = key_values(texts)
    if name is None:
        if pairs:
            raise click.UsageError("--delegate-option goes with --delegate")
        return None
    from edgecnn.device import Delegate

    with wrong_usage.bad_options():
        delegate = Delegate(
            name,
            pairs,
            require,
            fallback=safeguards.fallback is not None,
            isolate=safeguards.isolate,
            audit=safeguards.audit,
            timeout_s=TIMEOUT_S if safeguards.delegate_timeout is None else safeguards.delegate_timeout,
        )
    if safeguards.delegate_timeout is not None and delegate.is_built_in and not delegate.is_isolated:
        raise click.UsageError(f"--delegate-timeout goes with a library; add --isolate to bound {name} too")
    if not delegate.is_built_in and not delegate.is_isolated:
        guard.watch_over(name)
    return delegate


def make_delegates(names: Iterable[str], texts: Iterable[str], safeguards: Safeguards) -> "tuple[Delegate | None, ...]":
    """A delegate for each name, with the options if it takes any; (None,) for no name.

    Args:
        names: what each --delegate says.
        texts: what each --delegate-option says.
        safeguards: how they are watched, but for `cpu`.

    Raises:
        click.UsageError: a name is none, no delegate takes the options, or they are for delegates and there is none.
    """
    names, texts = tuple(names), tuple(texts)
    if not set(names) - {"cpu"} and (option := first_given(*Safeguards._fields)):
        raise click.UsageError(f"{option} goes with a --delegate other than cpu")
    if texts and not any(accelerator(name).takes_options for name in names):
        takers = ", ".join(name for name, row in ACCELERATORS.items() if row.takes_options)
        raise click.UsageError(f"--delegate-option goes with a delegate that takes options: {takers} or a PATH")
    delegates = []
    for name in names:
        taken = texts if accelerator(name).takes_options else ()
        delegates.append(make_delegate(name, taken, safeguards=_NONE if name == "cpu" else safeguards))
    return tuple(delegates) or (None,)


def key_values(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """What --delegate-option was given.

    Raises:
        click.UsageError: not KEY=VALUE.
    """
    pairs = []
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise click.UsageError(f"--delegate-option must be KEY=VALUE. Received: {text}")
        pairs.append((key, value))
    return tuple(pairs)
