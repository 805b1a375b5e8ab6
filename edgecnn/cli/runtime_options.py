"""Options of every command that runs a .tflite file: threads, runtime, delegate."""

import dataclasses
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from . import options, printing

if TYPE_CHECKING:
    from edgecnn.device import Delegate
    from edgecnn.device.measuring.delegate_report import Acceleration

F = TypeVar("F", bound=Callable[..., Any])


_OF_A_DELEGATE = ("delegate_options", "require_delegate", "fallback", "delegate_report")


def _spelt(parameter: str) -> str:
    name = "delegate-option" if parameter == "delegate_options" else parameter.replace("_", "-")
    return f"--{name}"


def choices(command: F) -> F:
    """The options; `arguments` makes of them what the library takes."""
    for option in (
        click.option(
            "--delegate-report",
            is_flag=True,
            help="Say what the delegate computes, how far from the CPU, and how fast beside it.",
        ),
        click.option("--fallback", type=click.Choice(["cpu"]), help="Go on with the CPU where the delegate fails."),
        click.option(
            "--require-delegate",
            is_flag=False,
            flag_value="any",
            type=click.Choice(["any", "full"]),
            help="Fail if the delegate computes nothing, or with =full, not all; write =any where MODEL follows.",
        ),
        click.option(
            "--delegate-option", "delegate_options", metavar="KEY=VALUE", multiple=True, help="For it; may be repeated."
        ),
        click.option(
            "--delegate",
            metavar="cpu|xnnpack|edgetpu|gpu|npu|PATH",
            help="What computes the model.  [default: what the runtime chooses]",
        ),
        click.option(
            "--runtime",
            type=click.Choice(["litert", "tflite-runtime", "tensorflow"]),
            help="Insist on a runtime.  [default: the first of these that is installed]",
        ),
        options.threads,
    ):
        command = option(command)
    return command


trust = click.option("--trust", is_flag=True, help="Open a file without a card at once, not in a child process first.")


def delegate(values: dict[str, Any]) -> "Delegate | None":
    """The delegate that the options ask for.

    Raises:
        click.UsageError: options contradict each other.
    """
    from edgecnn.device import Delegate
    from edgecnn.errors import InputError

    name = values["delegate"]
    if name is None:
        for option in _OF_A_DELEGATE:
            if values.get(option):
                raise click.UsageError(f"{_spelt(option)} goes with --delegate")
        return None
    pairs = key_values(values["delegate_options"])
    try:
        return Delegate(name, pairs, values.get("require_delegate"), bool(values.get("fallback")))
    except InputError as error:
        raise click.UsageError(str(error)) from None


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


def arguments(values: dict[str, Any]) -> dict[str, Any]:
    """What `Classifier`, `FeatureExtractor` and `verify` take."""
    return {"threads": values["threads"], "runtime": values["runtime"], "delegate": delegate(values)}


def refuse_for_keras() -> None:
    """Refuse options that do nothing for a .keras file.

    Raises:
        click.UsageError: one was given.
    """
    context = click.get_current_context()
    for name in ("threads", "runtime", "delegate", *_OF_A_DELEGATE, "trust"):
        if name in context.params and context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            raise click.UsageError(f"{_spelt(name)} is for .tflite files; TensorFlow chooses for .keras files")


def report(model: str, values: dict[str, Any]) -> None:
    """Print the truth about the delegate, if it is asked for, on standard error."""
    asked = delegate(values)
    if not values["delegate_report"] or asked is None:
        return
    from edgecnn.device.measuring.delegate_report import measure
    from edgecnn.errors import DelegateError, EdgecnnWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EdgecnnWarning)  # said when the command itself loaded the model
        try:
            asked = dataclasses.replace(asked, fallback=False)
            found = measure(model, asked, threads=values["threads"], runtime=values["runtime"], trust=True)
        except DelegateError:
            if not values["fallback"]:
                raise
            printing.note(f"{asked.name}: not applied, nothing to report")
            return
    for line in lines(found):
        printing.note(line)


def lines(found: "Acceleration") -> list[str]:
    """The truth in words."""
    placed = found.placement
    said = [
        f"{placed.delegate}: {placed.delegated} of {placed.operators} operators, {len(placed.partitions)} partition(s)"
    ]
    said += [f"  partition {number}: {', '.join(names)}" for number, names in enumerate(placed.partitions, start=1)]
    if placed.on_cpu:
        said.append(f"  on the CPU: {', '.join(placed.on_cpu)}")
    if found.max_difference is not None:
        said.append(
            f"  against the CPU: top-1 of {found.top1_equal} of {found.probes} probes equal, max difference "
            f"{found.max_difference:.2g}"
        )
    said.append(f"  {found.invoke_ms:.3f} ms, on the CPU {found.cpu_invoke_ms:.3f} ms: {found.ratio:.2f} of its time")
    return said
